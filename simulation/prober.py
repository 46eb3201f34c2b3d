"""How deployments answer recorded rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from shared.domain.facts import Probe, SmokeFacts
from shared.domain.state import ModelState, Phase


class Fates(Protocol):
    """What is to become of deployments."""

    fate: dict[tuple[str, str], str]

    def state(self, model: str) -> ModelState | None:
        """What is saved."""


class FatedProber:
    """Answers of deployments to recorded rows, as their fate has it."""

    def __init__(self, fates: Fates) -> None:
        self._fates = fates

    def smoke(
        self, scoring_uri: str, deployment: str, rows: Sequence[dict[str, object]]
    ) -> SmokeFacts:
        """A sick deployment answers well until it has callers."""
        model = scoring_uri.removeprefix("https://noon-").partition(".")[0]
        state, fate = self._fates.state(model), self._fates.fate.get((model, deployment))
        young = state is not None and state.rollout and state.rollout.phase is Phase.SMOKE
        if fate == "broken" or (fate == "sick" and not young):
            return SmokeFacts(Probe.FAILED, "500")
        return SmokeFacts(Probe.PASSED, f"{len(rows)} rows answered")
