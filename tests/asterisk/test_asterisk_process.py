"""The real Asterisk: started from our config as an unprivileged user, supervised, refused, ended."""

import asyncio
import base64
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from app.asterisk.asterisk import Asterisk, open_asterisk
from app.asterisk.config import TEMPLATES, AsteriskConfig
from app.asterisk.errors import AsteriskCannotEnter, PortTaken
from app.asterisk.install import find_asterisk
from app.asterisk.requirements import check_asterisk
from app.errors import Unavailable

CHECKOUT = Path(__file__).parents[2]
INSTALL_DIR = Path(os.environ.get("CALLSCRIBE_INSTALL_DIR") or CHECKOUT / "var/install")
FOUND = find_asterisk(INSTALL_DIR)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can do this")

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.skipif(FOUND is None, reason=f"no Asterisk in {INSTALL_DIR}; install it with: callscribe set-up"),
]


@pytest.fixture
def config() -> Iterator[AsteriskConfig]:
    """A free SIP port, 20 RTP ports, and a folder that Asterisk's user can enter, which pytest's are not."""
    assert FOUND is not None
    with tempfile.TemporaryDirectory(prefix="callscribe-test-") as folder:
        Path(folder).chmod(0o755)
        home = Path(folder) / "state of one"
        yield AsteriskConfig(home, FOUND.root, "127.0.0.1", free_port(), rtp_range(20), "callscribe")


@pytest.fixture
async def asterisk(config: AsteriskConfig) -> AsyncIterator[Asterisk]:
    async with open_asterisk(config) as asterisk:
        yield asterisk


def free_port() -> int:
    """A port free for UDP and TCP, below those that the kernel gives to clients."""
    for port in range(15000 + os.getpid() * 7 % 10000, 32000, 3):
        with (
            closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as udp,
            closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as tcp,
        ):
            try:
                udp.bind(("127.0.0.1", port))
                tcp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port")


def rtp_range(count: int) -> tuple[int, int]:
    first = 32768 + os.getpid() * 22 % 20000
    return first, first + count - 1


def ask_ari(asterisk: Asterisk, path: str) -> object:
    credentials = base64.b64encode(f"{asterisk.ari_user}:{asterisk.ari_password}".encode()).decode()
    request = urllib.request.Request(f"{asterisk.ari_url}/ari{path}", headers={"Authorization": f"Basic {credentials}"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)


async def ask(asterisk: Asterisk, path: str) -> object:
    return await asyncio.to_thread(ask_ari, asterisk, path)


def log_text(config: AsteriskConfig) -> str:
    return (config.instance_dir / "log/asterisk.log").read_text()


async def send_sip(config: AsteriskConfig, method: str, user: str) -> str:
    """Send one request over UDP and return the status line of the final answer."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as phone:
        phone.setblocking(False)
        phone.bind(("127.0.0.1", 0))
        me = f"127.0.0.1:{phone.getsockname()[1]}"
        sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"
        body = sdp if method == "INVITE" else ""
        branch, tag = os.urandom(6).hex(), os.urandom(4).hex()
        text = (
            f"{method} sip:{user}@127.0.0.1:{config.sip_port} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {me};branch=z9hG4bK{branch}\r\nMax-Forwards: 70\r\n"
            f"From: <sip:alice@{me}>;tag={tag}\r\nTo: <sip:{user}@127.0.0.1:{config.sip_port}>\r\n"
            f"Call-ID: {branch}\r\nCSeq: 1 {method}\r\nContact: <sip:alice@{me}>\r\n"
            + ("Content-Type: application/sdp\r\n" if body else "")
            + f"Content-Length: {len(body)}\r\n\r\n{body}"
        )
        loop = asyncio.get_running_loop()
        await loop.sock_sendto(phone, text.encode(), ("127.0.0.1", config.sip_port))
        while True:
            answer = (await asyncio.wait_for(loop.sock_recv(phone, 8192), 10)).decode()
            if not answer.startswith("SIP/2.0 1"):
                to = re.search(r"^To: (.*?)\r$", answer, re.MULTILINE)
                assert to is not None
                if method == "INVITE":
                    ack = text.split("\r\n\r\n")[0].replace("INVITE", "ACK").split("\r\n")
                    ack = [line for line in ack if not line.startswith(("To:", "Content"))]
                    ack += [f"To: {to.group(1)}", "Content-Length: 0"]
                    message = "\r\n".join(ack) + "\r\n\r\n"
                    await loop.sock_sendto(phone, message.encode(), ("127.0.0.1", config.sip_port))
                return answer.splitlines()[0]


async def test_every_module_runs_and_nothing_is_warned_of(asterisk: Asterisk) -> None:
    wanted = set(re.findall(r"^load = (\S+)$", (TEMPLATES / "modules.conf").read_text(), re.MULTILINE))
    modules = await ask(asterisk, "/asterisk/modules")
    assert isinstance(modules, list)
    running = {module["name"] for module in modules if module["status"] == "Running"}
    assert wanted <= running
    assert not re.findall(r".*(?:WARNING|ERROR).*", log_text(asterisk.config))


async def test_it_meets_its_own_requirements(asterisk: Asterisk) -> None:
    async def query(path: str) -> object:
        return await ask(asterisk, path)

    findings = await check_asterisk(query, "callscribe")
    assert [finding.name for finding in findings if not finding.is_ok] == ["Stasis application"]


async def test_program_is_unprivileged_and_has_none_of_our_secrets(
    config: AsteriskConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLSCRIBE_ADMIN_PASSWORD", "not for Asterisk")
    async with open_asterisk(config) as asterisk:
        program = psutil.Process(asterisk.pid)
        assert set(program.uids()) != {0}
        assert 0 not in {*program.uids(), *program.gids()}
        status = Path(f"/proc/{asterisk.pid}/status").read_text()
        assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE)
        if os.geteuid() == 0:
            assert re.search(r"^Groups:\s*$", status, re.MULTILINE)
        assert "CALLSCRIBE_ADMIN_PASSWORD" not in program.environ()
        assert os.getsid(asterisk.pid) == asterisk.pid  # Ctrl-C on our terminal is not for it


async def test_ari_wants_the_password(asterisk: Asterisk) -> None:
    asterisk.config = replace(asterisk.config, ari_password="guessed")
    with pytest.raises(urllib.error.HTTPError, match="401") as caught:
        await ask(asterisk, "/asterisk/info")
    caught.value.close()


@pytest.mark.parametrize("number", ["7001", "+4930901820", "*55#", "bob.smith"])
async def test_call_without_application_gets_503(asterisk: Asterisk, number: str) -> None:
    assert await send_sip(asterisk.config, "INVITE", number) == "SIP/2.0 503 Service Unavailable"


async def test_options_is_answered(asterisk: Asterisk) -> None:
    assert (await send_sip(asterisk.config, "OPTIONS", "7001")).startswith("SIP/2.0 200")


async def test_single_letters_are_no_numbers(asterisk: Asterisk) -> None:
    """h, i, t are Asterisk's own: the dialplan must not run again for a call that has hung up."""
    assert (await send_sip(asterisk.config, "INVITE", "h")).startswith("SIP/2.0 4")


async def test_killed_program_is_started_again_at_the_same_place(config: AsteriskConfig) -> None:
    restarted = asyncio.Event()
    async with open_asterisk(config, on_restart=restarted.set) as asterisk:
        url, password, first = asterisk.ari_url, asterisk.ari_password, asterisk.pid
        os.kill(first, signal.SIGKILL)
        await asyncio.wait_for(restarted.wait(), 20)
        assert (asterisk.ari_url, asterisk.ari_password) == (url, password)
        assert asterisk.pid != first
        assert (asterisk.is_up, asterisk.restarts) == (True, 1)
        await ask(asterisk, "/asterisk/info")


async def test_stop_leaves_no_process_port_socket_or_note(config: AsteriskConfig) -> None:
    async with open_asterisk(config) as asterisk:
        pid = asterisk.pid
    assert not psutil.pid_exists(pid)
    assert not list((config.instance_dir / "run").iterdir())
    assert not (config.instance_dir / "asterisk.pid").exists()
    async with open_asterisk(config):
        pass  # the port is free again


async def test_body_that_fails_stops_it_too(config: AsteriskConfig) -> None:
    pids: list[int] = []

    async def fail() -> None:
        async with open_asterisk(config) as asterisk:
            pids.append(asterisk.pid)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert not psutil.pid_exists(pids[0])


async def test_two_at_once(config: AsteriskConfig) -> None:
    async with open_asterisk(config) as one:
        other = replace(config, instance_dir=config.instance_dir.with_name("two"), sip_port=free_port())
        async with open_asterisk(other) as two:
            assert one.config.ari_port != two.config.ari_port
            await ask(one, "/asterisk/info")
            await ask(two, "/asterisk/info")


async def test_same_folder_twice_is_refused(asterisk: Asterisk) -> None:
    with pytest.raises(Unavailable, match="CALLSCRIBE_HOME"):
        async with open_asterisk(replace(asterisk.config, sip_port=free_port(), ari_port=0)):
            pass


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
async def test_taken_sip_port_is_named(config: AsteriskConfig, kind: socket.SocketKind) -> None:
    with closing(socket.socket(socket.AF_INET, kind)) as other:
        other.bind((config.sip_host, config.sip_port))
        if kind is socket.SOCK_STREAM:
            other.listen()
        with pytest.raises(PortTaken, match=f"CALLSCRIBE_SIP_PORT.*{config.sip_port}"):
            async with open_asterisk(config):
                pass


@needs_root
async def test_closed_folder_is_named(config: AsteriskConfig) -> None:
    config.instance_dir.mkdir(mode=0o700)
    with pytest.raises(AsteriskCannotEnter, match="state of one"):
        async with open_asterisk(config):
            pass


async def test_long_path_is_no_obstacle(config: AsteriskConfig) -> None:
    deep = config.instance_dir.joinpath(*["a folder with a long name"] * 3)
    async with open_asterisk(replace(config, instance_dir=deep)) as asterisk:
        short = asterisk.config.run_path
        assert len(str(short)) < 60
        await ask(asterisk, "/asterisk/info")
    assert not short.exists()


async def test_it_ends_with_the_app_that_is_killed(config: AsteriskConfig) -> None:
    script = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from app.asterisk.asterisk import open_asterisk\n"
        "from app.asterisk.config import AsteriskConfig\n"
        "async def run():\n"
        "    config = AsteriskConfig(Path(sys.argv[1]), Path(sys.argv[2]), '127.0.0.1', int(sys.argv[3]),\n"
        "                            (int(sys.argv[4]), int(sys.argv[4]) + 19), 'callscribe')\n"
        "    async with open_asterisk(config) as asterisk:\n"
        "        print(asterisk.pid, flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(run())\n"
    )
    values = [str(config.instance_dir), str(config.root), str(config.sip_port), str(config.rtp_ports[0])]
    app = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script, *values),
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert app.stdout is not None
    pid = ""
    while not pid.strip().isdigit():  # log lines come first
        pid = (await app.stdout.readline()).decode()
        assert pid, "the app ended"
    program = psutil.Process(int(pid))
    app.kill()
    await app.wait()
    await asyncio.to_thread(program.wait, 10)
    async with open_asterisk(config):
        pass  # at the next start the folder and the port are ours at once


async def test_next_start_ends_what_a_killed_app_left(config: AsteriskConfig) -> None:
    """Should Asterisk not end with its app, it is known by its note and its command line."""
    config.instance_dir.mkdir()
    left = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(100)", f"{config.instance_dir}/etc/asterisk.conf"]
    )
    (config.instance_dir / "asterisk.pid").write_text(f"{left.pid}\n{config.instance_dir}/run\n")
    waited = asyncio.create_task(asyncio.to_thread(left.wait, 20))
    await asyncio.sleep(0)
    async with open_asterisk(config):
        assert await waited == -signal.SIGTERM


@needs_root
async def test_without_any_network_it_starts_and_refuses_quickly(config: AsteriskConfig) -> None:
    """Nothing but the loopback, and a host name that nobody knows: no look-up may hold up the start or the end."""
    isolate = ["unshare", "--net", "--uts"]
    if subprocess.run([*isolate, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine allows no network namespaces")
    script = (
        "import asyncio, fcntl, socket, struct, sys\n"
        "from pathlib import Path\n"
        "from app.asterisk.asterisk import open_asterisk\n"
        "from app.asterisk.config import AsteriskConfig\n"
        "socket.sethostname('nobody-knows-me')\n"
        "with socket.socket() as any_socket:  # SIOCSIFFLAGS: IFF_UP\n"
        "    fcntl.ioctl(any_socket, 0x8914, struct.pack('16sh', b'lo', 1))\n"
        "async def run():\n"
        "    config = AsteriskConfig(Path(sys.argv[1]), Path(sys.argv[2]), '127.0.0.1', 5060,\n"
        "                            (20000, 20019), 'callscribe')\n"
        "    async with open_asterisk(config):\n"
        "        print('up')\n"
        "asyncio.run(run())\n"
    )
    app = await asyncio.create_subprocess_exec(
        *(*isolate, sys.executable, "-c", script, str(config.instance_dir), str(config.root)),
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(app.communicate(), 30)
    assert b"up\n" in output, output
