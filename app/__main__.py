"""`python -m app` is the command `callscribe`."""

from app.cli import main

main()
