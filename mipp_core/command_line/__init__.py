"""``mipp``, or ``python -m mipp_core``: one JSON document on stdout with ``--json``, progress on stderr.

Exit codes: 0 success, 1 the work failed, 2 the command was wrong, 130 interrupted.
"""

import json
import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from mipp_core.command_line.parser import build_parser
from mipp_core.command_line.warning import plainly
from mipp_core.errors import ImagesError, MippError, ModelError, SettingError, UnknownNameError
from mipp_core.later import Later


def _later(module: str, name: str) -> Later:
    return Later(f"mipp_core.command_line.{module}", name)


COMMANDS = {
    "app": _later("app", "run_app"),
    "models": _later("list_models", "models"),
    "datasets": _later("listings", "datasets"),
    "pruners": _later("listings", "pruners"),
    "inspect": _later("inspecting", "inspect_command"),
    "train": _later("commands", "train"),
    "plan": _later("planning", "plan_command"),
    "cmi": _later("ordering", "cmi"),
    "limits": _later("limits", "limits"),
    "prune": _later("commands", "prune"),
    "sweep": _later("sweeping", "sweep"),
    "export": _later("slim_networks", "export"),
    "latency": _later("slim_networks", "latency"),
    "runs": _later("runs", "runs"),
    "worker": _later("serving", "worker"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    chosen = build_parser().parse_args(arguments)
    try:
        with plainly():
            document, lines = COMMANDS[chosen.command](chosen)
    except (UnknownNameError, SettingError, ModelError, ImagesError) as problem:
        return _complain(problem, 2)
    except MippError as problem:
        return _complain(problem, 1)
    except KeyboardInterrupt:
        return _complain("Stopped; nothing half-written was left behind.", 130)
    _show(chosen, document, lines)
    return 1 if chosen.command == "sweep" and _later("sweeping", "failed")(document) else 0


def _complain(problem: object, code: int) -> int:
    print(f"error: {problem}", file=sys.stderr)
    return code


def _show(chosen: Namespace, document: Any, lines: list[str]) -> None:
    text = json.dumps(document, indent=1, allow_nan=False) if chosen.json else "\n".join(lines)
    try:
        print(text, flush=True)
    except BrokenPipeError:  # whoever reads has seen enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
