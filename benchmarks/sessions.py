"""Many visitors and one long run: `python -m benchmarks.sessions [visitors] [moves]`.

Starts the app with an empty store and a live run.  While that runs, several sessions (12 by default) move the slider
of the shipped run, each at its own pace.  A session uses the browser's protocol but draws nothing; what is timed is a
rerun of the page, from the message that asks for it to the end of the script.  (With twelve real browsers on the
server's two cores, their drawing would be timed instead.)  Fails if the median exceeds one second or if any session is
shown an error.
"""

import asyncio
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import websockets
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks.kills import workers
from mipp_core import NetworkSpec, RunSpec, Store, jobs

_HOST = "127.0.0.1:8599"
_SLIDER = "Confidence level"
_LONGEST_PAUSE = 6.0
"""Most seconds between two moves of one visitor."""


@dataclass
class Visit:
    """What one visitor saw.

    Attributes:
        slider: the slider's name in the protocol, once it has been drawn.
        errors: number of errors shown on the page.
        seconds: how long each rerun took.
    """

    slider: str = ""
    errors: int = 0
    seconds: list[float] = field(default_factory=list)


async def visit(moves: int, chance: random.Random) -> Visit:
    """Open the page, then move the slider again and again."""
    seen = Visit()
    address, origin = f"ws://{_HOST}/_stcore/stream", f"http://{_HOST}"
    async with websockets.connect(address, max_size=None, subprotocols=["streamlit"], origin=origin) as page:
        await _rerun(page, seen, None)
        for number in range(moves):
            await asyncio.sleep(chance.uniform(0, _LONGEST_PAUSE))
            started = time.perf_counter()
            await _rerun(page, seen, 4 + number % 15)
            seen.seconds.append(time.perf_counter() - started)
    return seen


async def _rerun(page: websockets.ClientConnection, seen: Visit, level: int | None) -> None:
    """Ask for a rerun and read every message it sends."""
    asked = BackMsg()
    asked.rerun_script.query_string = ""
    if level is not None:
        moved = asked.rerun_script.widget_states.widgets.add()
        moved.id = seen.slider
        moved.double_array_value.data.append(level)
    await page.send(asked.SerializeToString())
    while True:
        message = ForwardMsg()
        message.ParseFromString(await page.recv())
        if message.WhichOneof("type") == "script_finished":
            return
        _look(message, seen)


def _look(message: ForwardMsg, seen: Visit) -> None:
    if message.WhichOneof("type") != "delta" or message.delta.WhichOneof("type") != "new_element":
        return
    element = message.delta.new_element
    kind = element.WhichOneof("type")
    if kind == "slider" and element.slider.label == _SLIDER:
        seen.slider = element.slider.id
    if kind == "exception" or (kind == "alert" and element.alert.format == Alert.ERROR):
        print(f"shown: {element.exception.message or element.alert.body}")
        seen.errors += 1


async def main(visitors: int, moves: int) -> int:
    """Run all visits, print the measurements and return the exit code."""
    seen = await asyncio.gather(*(visit(moves, random.Random(number)) for number in range(visitors)))
    seconds = sorted(second for each in seen for second in each.seconds)
    median, late = statistics.median(seconds), seconds[int(0.95 * len(seconds))]
    errors = sum(each.errors for each in seen)
    print(f"{visitors} sessions, {len(seconds)} reruns")
    print(f"median {median:.2f} s, 95% {late:.2f} s, worst {max(seconds):.2f} s")
    with urllib.request.urlopen(f"http://{_HOST}/api/health") as health:
        print(f"errors shown: {errors}; health: {health.read().decode()}")
    return int(median > 1 or errors > 0)


def _wait_until_up() -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(f"http://{_HOST}/_stcore/health").close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
        else:
            return


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={_HOST.partition(':')[2]}"]
        with subprocess.Popen(words, env={**os.environ, "MIPP_STORE": folder}, stdout=subprocess.DEVNULL) as server:
            try:
                _wait_until_up()
                jobs.start(RunSpec(NetworkSpec(dataset="mnist-sample")), Store(Path(folder)))
                time.sleep(15)  # the worker is at its first stage
                code = asyncio.run(main(*(given + [12, 8][len(given) :])))
            finally:
                server.terminate()
                for worker in workers(Path(folder)):
                    os.kill(worker, 9)
    sys.exit(code)
