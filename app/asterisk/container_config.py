"""Render Asterisk's config for docker/compose.yaml: `python -m app.asterisk.container_config --help`.

The container of Asterisk has no Python; this runs in the app's, before it, and writes into the volume of both.
"""

import argparse
import os
import platform
import sys
from pathlib import Path

from app.asterisk.config import AsteriskConfig, render_config
from app.errors import InvalidArgument


def main(arguments: list[str]) -> int:
    """Render; returns the exit code. ARI's password comes from CALLSCRIBE_ARI_PASSWORD: others can read arguments."""
    parser = argparse.ArgumentParser(prog="python -m app.asterisk.container_config")
    parser.add_argument("--instance", type=Path, required=True, help="the volume; etc, lib, spool, ... lie in it")
    parser.add_argument("--sip-host", default="127.0.0.1")
    parser.add_argument("--sip-port", type=int, default=5060)
    parser.add_argument("--rtp-ports", default="20010-20999", help="START-END, inclusive")
    parser.add_argument("--ari-port", type=int, default=8088)
    parser.add_argument("--ari-user", default="callscribe")
    parser.add_argument("--application", default="callscribe")
    given = parser.parse_args(arguments)
    first, _, last = given.rtp_ports.partition("-")
    try:
        config = AsteriskConfig(
            instance_dir=given.instance,
            root=Path("/"),
            module_dir=Path(f"/usr/lib/{platform.machine()}-linux-gnu/asterisk/modules"),
            sip_host=given.sip_host,
            sip_port=given.sip_port,
            rtp_ports=(int(first), int(last)),
            application=given.application,
            ari_port=given.ari_port,
            ari_user=given.ari_user,
            ari_password=os.environ.get("CALLSCRIBE_ARI_PASSWORD", ""),
        )
        for name in ("lib", "spool", "cache", "log", "run"):
            (config.instance_dir / name).mkdir(parents=True, exist_ok=True)
        render_config(config, config.instance_dir / "etc")
    except (InvalidArgument, ValueError) as error:
        print(f"callscribe: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
