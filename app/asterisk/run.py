"""One life of the Asterisk program: started, found to be ready, stopped."""

import asyncio
import os
import signal
from contextlib import suppress

from app.asterisk.ari_ping import ping_ari
from app.asterisk.config import AsteriskConfig
from app.asterisk.errors import AsteriskDied
from app.asterisk.instance import pid_file, read_log_end
from app.asterisk.ports import is_port_bound
from app.asterisk.ready_notice import ReadyNotice
from app.asterisk.root import loader_command, program_environment
from app.asterisk.user import AsteriskUser

START_SECONDS = 20.0
STOP_SECONDS = 2.0
"""Its calls were ended before; one that does not answer is not waited for."""
"""Asterisk says BYE to its callers at once and needs 2 s more to end."""


class AsteriskRun:
    """A running Asterisk. It has a session of its own, so that Ctrl-C on our terminal is ours alone."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """The process id, also that of its session."""
        return self._process.pid

    async def wait(self) -> int:
        """Return the exit code when it has ended; negative: the signal that ended it."""
        return await self._process.wait()

    async def stop(self) -> None:
        """End it: it hangs up its calls itself; after STOP_SECONDS it is killed."""
        if self._process.returncode is not None:
            return
        self._signal(signal.SIGTERM)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_SECONDS):
                    await self.wait()
        finally:
            if self._process.returncode is None:
                self._signal(signal.SIGKILL)
                await self.wait()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)


async def start_run(config: AsteriskConfig, user: AsteriskUser) -> AsteriskRun:
    """Start Asterisk as `user` and return when ARI answers and SIP is open; AsteriskDied within START_SECONDS else."""
    notice = ReadyNotice(config.run_path / "notify", user.uid)
    try:
        notice.open()
        run = AsteriskRun(await _spawn(config, user, notice))
        try:
            pid_file(config).write_text(f"{run.pid}\n{config.run_path}\n")
            await _wait_ready(run, notice, config)
        except BaseException:
            await run.stop()
            raise
        return run
    finally:
        notice.close()


async def _spawn(config: AsteriskConfig, user: AsteriskUser, notice: ReadyNotice) -> asyncio.subprocess.Process:
    """Start the program.

    setpriv(1) changes the user first and asks for the signal of our death after that, because the change would clear
    it (prctl(2), PR_SET_PDEATHSIG). So Asterisk ends with us even when we are killed, and says BYE to its callers.
    """
    command = [
        # Its many short wake-ups need not interrupt one another: a tenth less CPU (docs/benchmarks.md).
        *("chrt", "--batch", "0"),
        *("setpriv", *user.switch_options, "--pdeathsig", "TERM", "--"),
        *loader_command(config.root, "usr/sbin/asterisk"),
        *("-f", "-n", "-C", str(config.instance_dir / "etc/asterisk.conf")),
    ]
    environment = program_environment(config.root, config.run_path) | {"NOTIFY_SOCKET": str(notice.path)}
    with (config.instance_dir / "log/console.log").open("wb") as console:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=console,
            stderr=asyncio.subprocess.STDOUT,
            env=environment,
            cwd="/",
            start_new_session=True,
        )


async def _wait_ready(run: AsteriskRun, notice: ReadyNotice, config: AsteriskConfig) -> None:
    ready, ended = asyncio.create_task(notice.wait()), asyncio.create_task(run.wait())
    try:
        await asyncio.wait({ready, ended}, timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            raise AsteriskDied(f"Asterisk ended at its start with exit code {ended.result()}", read_log_end(config))
        if not ready.done():
            raise AsteriskDied(f"Asterisk was not ready after {START_SECONDS:g} s", read_log_end(config))
    finally:
        for task in (ready, ended):
            task.cancel()
        await asyncio.gather(ready, ended, return_exceptions=True)
    await ping_ari(config.ari_host, config.ari_port, config.ari_user, config.ari_password)
    for kind in ("UDP", "TCP"):
        if not is_port_bound(kind, config.sip_host, config.sip_port):
            raise AsteriskDied(
                f"Asterisk could not open SIP over {kind} on {config.sip_host} port {config.sip_port} "
                "(CALLSCRIBE_SIP_HOST, CALLSCRIBE_SIP_PORT)",
                read_log_end(config),
            )
