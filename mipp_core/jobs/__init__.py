"""Runs in the background: a worker process a device (``jobs.worker``), and the queue in the store."""

from mipp_core.jobs.launcher import alive, devices, ensure, start

__all__ = ["alive", "devices", "ensure", "start"]
