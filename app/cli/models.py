"""`callscribe models`: what speech models there are, and installing one."""

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from app.errors import LanguageNotInstalled
from app.logs import configure_logs
from app.settings import Settings, read_settings
from app.speech.catalogue import CATALOGUE, VENDOR_URL, Engine, Source
from app.speech.model_installer import URL_VARIABLE, Installation, ModelInstaller
from app.speech.model_library import ModelLibrary
from app.speech.recognizer_choice import VOSK_MODELS_VARIABLE, parse_recognizer_choice, parse_vosk_models
from app.speech.vosk_graph import graphs_in
from app.speech.vosk_graph_composer import compose_graph

models_app = typer.Typer(help="Speech models: which there are, and installing one.", no_args_is_help=True)

_STEPS = {
    "waiting": "waiting for another installation of it",
    "downloading": "downloading",
    "checking": "checking its checksum",
    "unpacking": "unpacking",
    "testing": "testing it with 8 kHz audio",
}
_COUNTED_IN_BYTES = {"downloading", "checking", "unpacking"}


@models_app.command("list")
def list_models() -> None:
    """Show every known model: language, engine, name, where it comes from, and whether it is installed or in use."""
    _print_models(_open_library(read_settings()))


@models_app.command("install")
def install_model(
    language: Annotated[str, typer.Argument(metavar="LANG", help="BCP 47 code of the language, such as en-US.")],
    archive: Annotated[
        Path | None,
        typer.Option("--from", metavar="MODEL.zip", help="Install this zip of a Vosk model instead of downloading."),
    ] = None,
    url: Annotated[
        str, typer.Option(envvar=URL_VARIABLE, help="Folder of the zips: the vendor's, or a mirror of it.")
    ] = VENDOR_URL,
) -> None:
    """Install the Vosk model of a language: checked, unpacked beside, tried with 8 kHz audio, and only then shown."""

    configure_logs(level=logging.WARNING, stream=sys.__stderr__)
    settings = read_settings()
    with _Display() as display:
        installer = ModelInstaller(settings.install_dir, base_url=url or VENDOR_URL, progress=display.show)
        done = installer.install_file(language, archive) if archive else installer.install(language)
    _print_outcome(settings, language, done)


@models_app.command("compose")
def compose_model(
    language: Annotated[str, typer.Argument(metavar="LANG", help="BCP 47 code of the language, such as ko-KR.")],
) -> None:
    """Compose the graph of the language's Vosk model ahead: minutes and gigabytes now, a quarter of the CPU later."""
    configure_logs(level=logging.WARNING, stream=sys.__stderr__)
    settings = read_settings()
    model = _open_library(settings).resolve(language)
    typer.echo(f"{model.name}: composing its graph takes some minutes", err=True)
    place = compose_graph(model.path, graphs_in(settings.install_dir))
    typer.echo(f"{model.name} decodes with the graph in {place} from the next start on")


def _open_library(settings: Settings) -> ModelLibrary:
    return ModelLibrary(
        settings.install_dir,
        parse_recognizer_choice(settings.recognizer),
        vosk_models=parse_vosk_models(settings.vosk_models),
    )


def _print_models(library: ModelLibrary) -> None:
    installed = {(model.engine, model.name): (source, model) for source, model in library.installed()}
    in_use = {(row.engine, row.model) for row in library.languages() if row.is_installed}
    known = [(entry.language, str(entry.engine), entry.name, entry.source, entry.size) for entry in CATALOGUE]
    own = [
        (model.language, model.engine, model.name, source, 0)
        for source, model in installed.values()
        if source is Source.OPERATOR
    ]
    rows = [("LANGUAGE", "ENGINE", "MODEL", "SOURCE", "STATE")]
    for language, engine, name, source, size in [*known, *own]:
        if (engine, name) in installed or (engine, name) in in_use:
            state = "in use" if (engine, name) in in_use else "installed"
        else:
            state = f"not installed ({size / 1e6:.0f} MB)" if size else "not installed"
        rows.append((language, engine, name, str(source), state))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _print_outcome(settings: Settings, language: str, done: Installation) -> None:
    model = done.model
    said = "is already installed" if done.was_there else "is installed"
    typer.echo(f"{model.name} for {model.language} {said}: {model.path}")
    try:
        used = _open_library(settings).resolve(language)
    except LanguageNotInstalled:
        used = None
    if used is None or used.path != model.path:
        setting = f"{VOSK_MODELS_VARIABLE}={model.language}={model.name}"
        engine = "" if used and used.engine == Engine.VOSK else f" and CALLSCRIBE_RECOGNIZER={model.language}=vosk"
        now = f"{used.engine} {used.name} decodes {language}" if used else f"nothing decodes {language}"
        typer.echo(f"With the present settings {now}; to use this model set {setting}{engine}")


class _Display:
    """Progress on standard error: a bar on a terminal, else one line for each step."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._columns = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
            console=self._console,
        )
        self._step = ""
        self._task: TaskID | None = None

    def __enter__(self) -> "_Display":
        if self._console.is_terminal:
            self._columns.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._columns.stop()

    def show(self, step: str, done: int, total: int) -> None:
        """Take one report of the installer (`model_installer.Progress`)."""
        if step != self._step:
            self._step = step
            if not self._console.is_terminal or step not in _COUNTED_IN_BYTES:
                self._console.print(f"{_STEPS[step]} ...", highlight=False)
            self._task = self._columns.add_task(_STEPS[step], total=total) if step in _COUNTED_IN_BYTES else None
        if self._task is not None:
            self._columns.update(self._task, completed=done, total=total)
