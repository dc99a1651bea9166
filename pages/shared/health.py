"""What a monitor may ask: are the workers alive, on which devices, and how long is the queue?"""

from starlette.requests import Request
from starlette.responses import JSONResponse

from mipp_core import jobs
from mipp_core.errors import MippError
from mipp_core.store import Store


def answer(_: Request) -> JSONResponse:
    """Answer 200 with the state of workers and queue; 503 where the store cannot be opened."""
    store = Store.at()
    try:
        found = store.runs.list()
        silence = store.workers.silence()
        workers = {device: _worker(store, device, silence.get(device)) for device in jobs.devices()}
    except (MippError, OSError) as problem:
        return JSONResponse({"status": "broken", "message": str(problem)}, status_code=503)
    running = [{"run": job.hash, "device": job.device, "done": job.done} for job in found if job.state == "running"]
    waiting = sum(job.state == "queued" for job in found)
    return JSONResponse({"status": "ok", "workers": workers, "running": running, "queue": waiting})


def _worker(store: Store, device: str, silence: float | None) -> dict[str, str | float | None]:
    """Say whether a device has a worker (one starts when a run waits) and when it last gave a sign of life."""
    state = "alive" if jobs.alive(store, device) else "asleep"
    return {"state": state, "heartbeat_age_s": None if silence is None else round(silence, 1)}
