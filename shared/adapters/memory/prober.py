"""Answers of deployments in memory."""

from __future__ import annotations

from collections.abc import Sequence

from shared.domain.facts import Probe, SmokeFacts


class MemoryProber:
    """Every deployment answers well unless it was told otherwise."""

    def __init__(self) -> None:
        self.answers: dict[str, SmokeFacts] = {}
        self.asked: list[str] = []

    def smoke(
        self,
        scoring_uri: str,  # noqa: ARG002 - the port's; in memory a deployment's name is enough
        deployment: str,
        rows: Sequence[dict[str, object]],
    ) -> SmokeFacts:
        """What the deployment was told to answer."""
        if not rows:
            return SmokeFacts(Probe.NO_DATA, "there are no rows to ask with")
        self.asked.append(deployment)
        passed = SmokeFacts(Probe.PASSED, f"{len(rows)} of {len(rows)} rows answered")
        return self.answers.get(deployment, passed)
