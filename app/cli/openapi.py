"""`callscribe openapi`: the API's document, printed or written."""

from pathlib import Path

import typer

import app.api
from app.api.application import all_routes
from app.api.openapi import render_document

DOCUMENT = Path(app.api.__file__).resolve().parents[2] / "docs" / "openapi.json"


def show_openapi(to: Path | None) -> None:
    """Print the document, or write it to `to`."""
    text = render_document(all_routes())
    if to is None:
        typer.echo(text, nl=False)
        return
    to.write_text(text, encoding="utf-8")
    typer.echo(f"{to}: written")
