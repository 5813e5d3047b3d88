"""The command line: `callscribe serve | demo | call | set-up | models | flows | doctor`."""


def main() -> None:
    """Run the command `callscribe`."""
    # Imported here: a command pays for its own parts only.
    from app.cli.commands import run

    run()
