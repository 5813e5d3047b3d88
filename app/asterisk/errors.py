"""What can go wrong with the embedded Asterisk, each with what to do about it."""

from pathlib import Path

from app.errors import Unavailable


class AsteriskNotInstalled(Unavailable):
    """There is no usable Asterisk in the install folder, or it could not be put there."""

    code = "ASTERISK_NOT_INSTALLED"


class AsteriskCannotEnter(Unavailable):
    """The user that Asterisk runs as cannot enter or read a folder that it needs."""

    code = "ASTERISK_CANNOT_ENTER"

    def __init__(self, folder: Path, user: str, found: str, remedy: str) -> None:
        super().__init__(
            f"Asterisk runs as the user {user}, who cannot enter {folder} ({found}); {remedy}",
            folder=str(folder),
            user=user,
        )
        self.folder = folder


class AsteriskDied(Unavailable):
    """Asterisk ended, or did not come up in time; the message ends with the last lines of its log."""

    code = "ASTERISK_DIED"

    def __init__(self, reason: str, log_lines: tuple[str, ...] = ()) -> None:
        shown = "".join(f"\n  {line}" for line in log_lines)
        super().__init__(reason + (f"; the last lines of its log:{shown}" if shown else ""))
        self.log_lines = log_lines


class AriNotOurs(AsteriskDied):
    """Asterisk runs, but on its ARI port nobody or another program answers."""

    code = "ARI_NOT_OURS"


class PortTaken(Unavailable):
    """A port that Asterisk needs is in use by somebody else."""

    code = "PORT_TAKEN"

    def __init__(self, variable: str, protocol: str, host: str, port: int, reason: str) -> None:
        super().__init__(
            f"{variable}: {protocol} port {port} on {host} cannot be used ({reason}); "
            f"end the program that has it, or set {variable} to another value",
            variable=variable,
            port=port,
        )
        self.variable = variable
