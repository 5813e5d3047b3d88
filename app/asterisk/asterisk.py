"""The embedded Asterisk as the rest of the app sees it: open it, and it is there until the end."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from app.asterisk.config import AsteriskConfig
from app.asterisk.errors import AriNotOurs
from app.asterisk.instance import open_instance, pid_file, write_config
from app.asterisk.ports import check_port_free, pick_free_port
from app.asterisk.run import AsteriskRun, start_run
from app.asterisk.user import AsteriskUser, choose_user
from app.errors import Unavailable
from app.logs import get_log

log = get_log("asterisk")

FIRST_RESTART_SECONDS = 0.2
LONGEST_RESTART_SECONDS = 30.0
STEADY_SECONDS = 60.0
"""After this long without a fault the next restart is as quick as the first."""


class Asterisk:
    """A supervised Asterisk. Its address and password stay the same when it is restarted."""

    def __init__(self, config: AsteriskConfig, user: AsteriskUser, run: AsteriskRun) -> None:
        self.config = config
        self.restarts = 0
        self.is_up = True
        """False from the death of the program until its successor answers."""
        self._user = user
        self._run = run

    @property
    def ari_url(self) -> str:
        """Where ARI is, without the `/ari` of its paths: `http://127.0.0.1:PORT`."""
        return f"http://{self.config.ari_host}:{self.config.ari_port}"

    @property
    def ari_user(self) -> str:
        """ARI's user name."""
        return self.config.ari_user

    @property
    def ari_password(self) -> str:
        """ARI's password."""
        return self.config.ari_password

    @property
    def pid(self) -> int:
        """The process id of the program that runs now, or ran last."""
        return self._run.pid

    async def keep_running(self, on_restart: Callable[[], None] | None) -> None:
        """Start the program again whenever it ends, after a pause that grows; for ever, until cancelled."""
        pause = FIRST_RESTART_SECONDS
        while True:
            began = time.monotonic()
            exit_code = await self._run.wait()
            self.is_up = False
            log.error("asterisk died", exit_code=exit_code, log=str(self.config.instance_dir / "log/asterisk.log"))
            if time.monotonic() - began >= STEADY_SECONDS:
                pause = FIRST_RESTART_SECONDS
            while not self.is_up:
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_RESTART_SECONDS)
                try:
                    self._run = await start_run(self.config, self._user)
                    self.is_up = True
                except (Unavailable, OSError) as error:
                    log.error("asterisk does not start again", reason=str(error), pause_seconds=pause)
            self.restarts += 1
            log.info("asterisk restarted", pid=self.pid, restarts=self.restarts)
            if on_restart is not None:
                on_restart()

    async def stop(self) -> None:
        """End the program that runs now."""
        self.is_up = False
        await self._run.stop()


def _report_fault(keeper: asyncio.Task[None]) -> None:
    """Say so when supervision ended by a fault of ours (in `on_restart`, say) rather than by the end of the app."""
    if not keeper.cancelled() and (fault := keeper.exception()) is not None:
        log.error("asterisk is not supervised any more", exc_info=fault)


@asynccontextmanager
async def open_asterisk(
    config: AsteriskConfig, *, on_restart: Callable[[], None] | None = None
) -> AsyncIterator[Asterisk]:
    """Start Asterisk, yield it once ARI answers, keep it running, stop it at the end.

    An `ari_port` of 0 becomes a free one, an empty `ari_password` a random one. `on_restart` is called on the event
    loop when a successor of a dead program answers. Errors: PortTaken, AsteriskCannotEnter, AsteriskNotInstalled,
    AsteriskDied, Unavailable (another app has `instance_dir`); each says what to do.
    """
    user = choose_user()
    if not config.ari_password:
        config = replace(config, ari_password=secrets.token_urlsafe(24))
    async with AsyncExitStack() as stack:
        config = stack.enter_context(open_instance(config, user))
        check_port_free("CALLSCRIBE_SIP_PORT", config.sip_host, config.sip_port)
        began = time.monotonic()
        config, run = await _start(config, user)
        asterisk = Asterisk(config, user, run)
        stack.callback(pid_file(config).unlink, missing_ok=True)
        stack.push_async_callback(asterisk.stop)
        log.info("asterisk started", pid=run.pid, user=user.name, seconds=round(time.monotonic() - began, 2))
        keeper = asyncio.create_task(asterisk.keep_running(on_restart), name="keep asterisk running")
        keeper.add_done_callback(_report_fault)
        try:
            yield asterisk
        finally:
            keeper.cancel()
            await asyncio.wait({keeper})
            log.info("asterisk stops", pid=asterisk.pid, restarts=asterisk.restarts)


async def _start(config: AsteriskConfig, user: AsteriskUser) -> tuple[AsteriskConfig, AsteriskRun]:
    if config.ari_port:
        check_port_free("CALLSCRIBE_ARI_PORT", config.ari_host, config.ari_port, kinds=("TCP",))
        write_config(config, user)
        return config, await start_run(config, user)
    # A port that was free a moment ago can be taken before Asterisk binds it; another one then.
    for _ in range(2):
        chosen = replace(config, ari_port=pick_free_port(config.ari_host))
        write_config(chosen, user)
        try:
            return chosen, await start_run(chosen, user)
        except AriNotOurs as error:
            log.warning("ari port was taken meanwhile, trying another", reason=error.message)
    chosen = replace(config, ari_port=pick_free_port(config.ari_host))
    write_config(chosen, user)
    return chosen, await start_run(chosen, user)
