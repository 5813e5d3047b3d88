"""A Python environment of its own for VoIPBIN's client: it pins another `websockets` than our speech engine does."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
INSTALL_DIR = Path(os.environ.get("CALLSCRIBE_INSTALL_DIR") or CHECKOUT / "var/install")
REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def install_client() -> Path:
    """Install the pinned packages where they are not yet; the folder with the environment's programs. Blocking."""
    stamp = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:16]
    home = INSTALL_DIR / "clients" / f"voipbin-mcp-{stamp}"
    home.parent.mkdir(parents=True, exist_ok=True)
    with (home.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "complete").exists():
            shutil.rmtree(home, ignore_errors=True)
            uv = str(Path(sys.executable).with_name("uv"))
            install = [uv, "pip", "install", "--quiet", "--require-hashes", "--python", str(home / "bin/python")]
            subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(home)], check=True)
            subprocess.run([*install, "--requirement", str(REQUIREMENTS)], check=True)
            (home / "complete").touch()
    return home / "bin"
