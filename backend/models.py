"""The models that the service holds: which answers callers, and which only who asks for it."""

from __future__ import annotations

from dataclasses import dataclass, field

from backend.batching import Batcher
from backend.counting import Counts
from backend.problems import Problem, shortened
from backend.scoring import Scorer

DEPLOYMENT_HEADER = "azureml-model-deployment"
"""Asks for a deployment by name, and says which one answered; as managed endpoints have it."""


class Served:
    """A model that was loaded, and what its answers are signed with."""

    __slots__ = ("batcher", "deployment", "digest", "scorer", "signature", "version")

    def __init__(
        self, scorer: Scorer, deployment: str = "", version: int = 0, digest: str = ""
    ) -> None:
        self.scorer = scorer
        self.deployment = deployment
        """Such as `v12-e3`; empty where the platform in front signs the answers."""
        self.version = version
        self.digest = digest
        self.batcher = Batcher(scorer) if scorer.batches else None
        self.signature: tuple[tuple[bytes, bytes], ...] = ()
        if deployment:
            self.signature = ((DEPLOYMENT_HEADER.encode(), deployment.encode()),)


@dataclass(slots=True)
class Models:
    """One name's models. A request takes its model once, so a swap never meets it half way."""

    name: str = ""
    """Empty until it is known."""
    followed: bool = False
    """Whether they come and go by what is published."""
    champion: Served | None = None
    challenger: Served | None = None
    reason: str = "the model is being loaded"
    """Why there is no champion."""
    awaited: bool = False
    """Nothing is published yet: there is no champion, and that is in order."""
    refused: dict[str, str] = field(default_factory=dict)
    """Why a published folder cannot be served, by its digest."""
    counts: Counts = field(default_factory=Counts)

    @property
    def ready(self) -> bool:
        """Whether callers are answered, or nothing is there that could answer them."""
        return self.champion is not None or self.awaited

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
        return Problem(503, "The model is not ready", self.reason, headers=(("Retry-After", "1"),))
