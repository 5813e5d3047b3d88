"""`callscribe set-up`: install once, for all instances, what is not a Debian or Python package: Asterisk and models."""

import logging

from rich.console import Console

from app.application.speech import open_models
from app.asterisk.install import find_asterisk, install_asterisk
from app.errors import LanguageNotInstalled
from app.logs import configure_logs
from app.settings import Settings, read_settings
from app.speech.model_download import DownloadLimits
from app.speech.model_errors import ModelInstallFailed
from app.speech.model_installer import ModelInstaller

console = Console(highlight=False, soft_wrap=True)

ENGLISH = "en-US"
TRIED = "english-vosk-model-tried"
# The vendor's site may hang or be out of reach; English works without it, so nobody is made to wait.
VENDOR_LIMITS = DownloadLimits(connect_seconds=4.0, read_seconds=5.0, stall_seconds=8.0, attempts=1)


def install_everything() -> None:
    """Install what is missing of Asterisk, models and voices; quick when all is there."""
    settings = read_settings()
    configure_logs(level=logging.WARNING)
    settings.install_dir.mkdir(parents=True, exist_ok=True)
    install_asterisk_here(settings)
    install_english_model(settings)
    show_models(settings)


def install_asterisk_here(settings: Settings) -> None:
    """Asterisk's root file system, unless the operator brings an Asterisk."""
    if settings.ari_url:
        say(f"Asterisk: yours at {settings.ari_url} (CALLSCRIBE_ARI_URL)")
        return
    if (found := find_asterisk(settings.install_dir)) is None:
        say(f"Asterisk: installing into {settings.install_dir / 'asterisk'} (some 20 s)")
        found = install_asterisk(settings.install_dir, lambda step: say(f"  {step}"))
    say(f"Asterisk: {found.version} in {found.root}")


def install_english_model(settings: Settings) -> None:
    """Try the vendor's English Vosk model, briefly and once; Moonshine, from a Python package, serves otherwise."""
    library = open_models(settings)
    if any(model.language.startswith("en") and model.engine == "vosk" for _, model in library.installed()):
        return
    note = settings.install_dir / TRIED
    if note.exists():
        return
    say("speech model for English: trying the vendor's Vosk model, for a few seconds")
    try:
        ModelInstaller(settings.install_dir, base_url=settings.vosk_model_url, limits=VENDOR_LIMITS).install(ENGLISH)
    except ModelInstallFailed as error:
        note.write_text(f"{error.message}\n", "utf-8")
        say(f"  it cannot be had here ({error.message})")
        say("  going on with Moonshine for English; later: callscribe models install en-US")


def show_models(settings: Settings) -> None:
    """Say what decodes the languages that work now, after each model has decoded a bit of 8 kHz sound."""
    library = open_models(settings)
    for fault in library.check():
        say(f"speech model: {fault.message}")
    for language in ("en-US", "ko-KR"):
        try:
            model = library.resolve(language)
        except LanguageNotInstalled as error:
            say(f"speech model for {language}: {error.message}")
        else:
            say(f"speech model for {language}: {model.engine} {model.name}")


def say(text: str) -> None:
    """One line of progress, marked like those of set_up.sh."""
    console.print(f"[set-up] {text}", markup=False)
