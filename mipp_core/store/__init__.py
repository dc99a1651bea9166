"""Where results live."""

from mipp_core.store.job import Job, State
from mipp_core.store.runs import BATCH, INTERACTIVE, Runs, Ticket
from mipp_core.store.stages import Outcome, Stages
from mipp_core.store.store import Store

__all__ = ["BATCH", "INTERACTIVE", "Job", "Outcome", "Runs", "Stages", "State", "Store", "Ticket"]
