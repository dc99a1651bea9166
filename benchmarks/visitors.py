"""Visitors of the app that speak the browser's protocol and draw nothing, for benchmarks and tests of many at once."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import websockets
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

ROOT = Path(__file__).parent.parent


@dataclass
class Visitor:
    """One session of a browser.

    Attributes:
        host: of the app, with its port.
        words: all text that the page shows, since the last rerun began.
        errors: shown on the page, since the session began.
        seconds: that each rerun took, from the message that asks for it to the end of the script.
        pages: title -> what the protocol calls the page.
    """

    host: str
    words: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    pages: dict[str, str] = field(default_factory=dict)
    _page: str = ""
    _level: int | None = None
    _socket: websockets.ClientConnection | None = None

    async def open(self) -> None:
        """Open the app's first page."""
        await self.close()
        address, origin = f"ws://{self.host}/_stcore/stream", f"http://{self.host}"
        self._page, self._level = "", None
        self._socket = await websockets.connect(address, max_size=None, subprotocols=["streamlit"], origin=origin)
        await self._rerun()

    async def move(self, level: int) -> None:
        """Let the slider's thumb go at a level, which writes that into the address."""
        self._level = level
        await self._rerun()

    async def turn_to(self, title: str) -> None:
        """Change the page."""
        self._page = self.pages[title]
        await self._rerun()

    async def close(self) -> None:
        """Leave."""
        if self._socket is not None:
            await self._socket.close()
            self._socket = None

    def shows(self, text: str) -> bool:
        """Tell whether the page shows a text."""
        return any(text in each for each in self.words)

    async def _rerun(self) -> None:
        """Ask for a rerun and read all it sends."""
        assert self._socket is not None
        started = time.perf_counter()
        self.words.clear()
        await self._socket.send(self._asked().SerializeToString())
        while True:
            message = ForwardMsg()
            message.ParseFromString(await self._socket.recv())
            if message.WhichOneof("type") == "script_finished":
                break
            self._look(message)
        self.seconds.append(time.perf_counter() - started)

    def _asked(self) -> BackMsg:
        asked = BackMsg()
        asked.rerun_script.query_string = "" if self._level is None else f"level={self._level}"
        asked.rerun_script.page_script_hash = self._page
        return asked

    def _look(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "navigation":
            self.pages |= {page.page_name: page.page_script_hash for page in message.navigation.app_pages}
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self._see(message.delta.new_element)

    def _see(self, element: object) -> None:
        kind = element.WhichOneof("type")
        if kind == "bidi_component" and element.bidi_component.component_name == "living_network":
            given = json.loads(element.bidi_component.json)
            self.words.append(f"{given['points'][given['at']]['named']}: what the living network opens with")
        elif kind in ("markdown", "heading"):
            self.words.append(getattr(element, kind).body)
        elif kind == "exception":
            self.errors.append(element.exception.message)
        elif kind == "alert" and element.alert.format == Alert.ERROR:
            self.errors.append(element.alert.body)


STREAMLIT = (sys.executable, "-m", "streamlit", "run", "app.py", "--server.port")


@contextmanager
def app_with(
    store: Path, command: Sequence[str | Path] = STREAMLIT, folder: Path = ROOT, without: Collection[str] = ()
) -> Iterator[str]:
    """Start the app with a store of its own at a free port, and yield its host once it answers.

    Args:
        store: the folder for its runs.
        command: starts it; the port is added.
        folder: where the command is run.
        without: environment variables that it does not get.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {name: value for name, value in os.environ.items() if name not in without} | {"MIPP_STORE": str(store)}
    words = [*command, str(port)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(words, cwd=folder, env=settings, start_new_session=True, **quiet) as server:
        try:
            host = f"127.0.0.1:{port}"
            _wait_until_up(host)
            yield host
        finally:
            os.killpg(server.pid, signal.SIGTERM)  # the command may have started the server as its child
            _stop_workers(store)


def _stop_workers(store: Path) -> None:
    """Workers outlive the page that started them; those of this store end here."""
    end = time.monotonic() + 30
    while workers := _workers(store):
        for worker in workers:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
        if time.monotonic() > end:
            raise TimeoutError("A worker did not end.")
        time.sleep(0.1)


def _workers(store: Path) -> list[int]:
    """Return the processes that have the store in their command line."""
    found = []
    for process in list(Path("/proc").glob("[0-9]*")):
        with suppress(OSError):
            if str(store).encode() in (process / "cmdline").read_bytes():
                found.append(int(process.name))
    return found


def _wait_until_up(host: str) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(f"http://{host}/_stcore/health").close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
        else:
            return
    raise TimeoutError(f"The app at {host} did not start within a minute.")
