"""Runs in the background: one worker process per device (``jobs.worker``), and the queue in the store."""

from mipp_core.jobs.launcher import alive, devices, ensure, start, warm

__all__ = ["alive", "devices", "ensure", "start", "warm"]
