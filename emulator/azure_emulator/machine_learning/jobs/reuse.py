"""Results of earlier steps that the service takes again instead of running a step."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from .plan import Data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...context import Context
    from ...resource import Resource
    from .plan import Step
    from .runs import Runs

KIND = "reuse"


class Reuse:
    """Finds a completed step that did the same: data are compared by their place alone."""

    def __init__(self, context: Context, runs: Runs) -> None:
        self._store = context.store
        self._runs = runs

    def find(self, step: Step, inputs: Mapping[str, str | Data]) -> Resource | None:
        """Give the run of an equal step, or None when there is none or the step may differ."""
        if not step.deterministic:
            return None
        known = self._store.get(_key(step, inputs))
        run = self._runs.get(known.body["run"]) if known else None
        return run if run and run.body["status"] == "Completed" else None

    def note(self, step: Step, inputs: Mapping[str, str | Data], run: str) -> None:
        """Let later steps that are equal take what this run made."""
        if step.deterministic:
            self._store.put(_key(step, inputs), KIND, {"run": run})


def _key(step: Step, inputs: Mapping[str, str | Data]) -> str:
    """Give a name for all that the service compares."""
    given = {
        name: asdict(value) if isinstance(value, Data) else value for name, value in inputs.items()
    }
    outputs = {name: asdict(target) for name, target in step.outputs.items()}
    compared = [
        step.command,
        step.code,
        step.environment,
        step.environment_variables,
        given,
        outputs,
    ]
    digest = hashlib.sha256(json.dumps(compared, sort_keys=True).encode()).hexdigest()
    return f"/{KIND}/{digest}"
