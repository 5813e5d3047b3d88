"""Run a program of the installed root file system by its own loader, without chroot and mounts (ADR 0013)."""

from pathlib import Path

from app.asterisk.errors import AsteriskNotInstalled


def find_library_dir(root: Path) -> Path:
    """Return `root`'s folder of libraries, `usr/lib/x86_64-linux-gnu` or that of another architecture."""
    for folder in sorted(root.glob("usr/lib/*-linux-gnu*")):
        if (folder / "asterisk/modules").is_dir():
            return folder
    raise AsteriskNotInstalled(f"there is no Asterisk in {root}; install it with: callscribe set-up")


def loader_command(root: Path, program: str) -> list[str]:
    """Return the command, without the program's own arguments, that runs `root`'s `program` (e.g. `usr/sbin/asterisk`).

    The loader is told where the libraries are and not to look at the host's cache of libraries: the host's C library
    is another version. Libraries opened later (Asterisk's modules) are found in the same way (ld.so(8)).
    """
    library_dir = find_library_dir(root)
    loaders = sorted(library_dir.glob("ld-linux-*.so.*"))
    if not loaders:
        raise AsteriskNotInstalled(f"there is no program loader in {library_dir}; remove {root} and install it again")
    libraries = f"{library_dir}:{library_dir / 'asterisk'}"
    return [str(loaders[0]), "--inhibit-cache", "--library-path", libraries, str(root / program)]


def program_environment(root: Path, home: Path) -> dict[str, str]:
    """Return a clean environment: none of our secrets, and OpenSSL's settings of `root`, not of the host."""
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C",
        "HOME": str(home),
        "OPENSSL_CONF": str(root / "etc/ssl/openssl.cnf"),
        # Should a name ever have to be looked up where no name server answers: 1 s, not 10.
        "RES_OPTIONS": "timeout:1 attempts:1",
    }
