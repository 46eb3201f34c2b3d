"""The models that the service holds: which answers callers, and which only who asks for it."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.responses import Response

from backend.problems import Problem, shortened
from backend.scoring import Scorer


@dataclass(frozen=True, slots=True)
class Served:
    """A model that was loaded, and what its answers are signed with."""

    scorer: Scorer
    deployment: str = ""
    """Such as `v12-e3`; empty where the platform in front signs the answers."""
    version: int = 0
    digest: str = ""


@dataclass(slots=True)
class Models:
    """What is held now. A request takes its model once, so a swap never meets it half way."""

    champion: Served | None = None
    challenger: Served | None = None
    reason: str = "the model is being loaded"
    """Why there is no champion."""
    awaited: bool = False
    """Nothing is published yet: there is no champion, and that is in order."""
    refused: dict[str, str] = field(default_factory=dict)
    """Why a published folder cannot be served, by its digest."""

    def chosen(self, deployment: str) -> Served | Problem:
        """The champion, or whatever has the name that was asked for."""
        if not deployment:
            return self.champion or self.not_ready()
        for served in (self.champion, self.challenger):
            if served is not None and served.deployment == deployment:
                return served
        detail = f"{shortened(deployment)!r} is not loaded here."
        return Problem(404, "There is no such deployment", detail)

    def not_ready(self) -> Problem:
        """What is said to whatever needs the champion while there is none."""
        return Problem(503, "The model is not ready", self.reason)

    def not_ready_response(self) -> Response:
        """The same as an answer."""
        return self.not_ready().response({"Retry-After": "1"})
