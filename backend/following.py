"""Follows what is published: loads and tries a model beside the old one, then swaps."""

from __future__ import annotations

import asyncio
import logging
import tempfile
import threading
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path

from backend.model_folder import ModelFolderError
from backend.models import Models, Served
from backend.pacing import Pace, Rest, at_once
from backend.published import Pointer, PublishedModels, SourceError
from backend.scoring import load_scorer
from backend.settings import Settings

_log = logging.getLogger("backend")


@dataclass(frozen=True, slots=True)
class _Coming:
    """A challenger that is being loaded, with rests until somebody is in a hurry."""

    pointer: Pointer
    hurry: threading.Event
    loading: asyncio.Task[None]


class Follower:
    """Keeps the models as they are published; whatever goes wrong, what serves goes on."""

    def __init__(self, settings: Settings, models: Models, url: str) -> None:
        self._settings = settings
        self._models = models
        self._published = PublishedModels(url)
        self._coming: _Coming | None = None

    async def run(self) -> None:
        """Look again and again until cancelled."""
        try:
            while True:
                await self._minded(self.look())
                await asyncio.sleep(self._settings.poll_seconds)
        finally:
            # The process ends when its threads have: nothing rests any more.
            await self.settled()

    async def _minded(self, work: Awaitable[None]) -> None:
        """Do it, and say what goes wrong; the next look tries again."""
        try:
            await work
        except SourceError as error:
            self._explain(str(error))
            _log.warning("cannot see what is published: %s", error)
        except Exception as error:
            self._explain(f"the model could not be loaded: {error}")
            _log.exception("cannot follow what is published")

    async def look(self) -> None:
        """Bring the champion to what is published now, and begin to bring the challenger."""
        champion = await asyncio.to_thread(self._published.pointer, "champion")
        challenger = await asyncio.to_thread(self._published.pointer, "challenger")
        named = {pointer.digest for pointer in (champion, challenger) if pointer}
        models = self._models
        models.refused = {key: why for key, why in models.refused.items() if key in named}
        # The champion first, and at once: callers wait for it, nobody waits for a challenger.
        await self._follow_champion(champion)
        await self._follow_challenger(challenger)

    async def _follow_champion(self, pointer: Pointer | None) -> None:
        models, coming = self._models, self._coming
        models.awaited = pointer is None
        if pointer is None:
            # Also when the pointer is gone: who serves goes on until something else is named.
            self._explain("nothing is published yet")
            return
        if coming is not None and _same(coming.pointer, pointer):
            await self.settled()
        served = self._held(pointer)
        if served is None and pointer.digest not in models.refused:
            served = await self._loaded(pointer)
        if served is None:
            self._explain(models.refused.get(pointer.digest, "the model is being loaded"))
        elif served is not models.champion:
            # One assignment: a request has taken the old model or takes the new one.
            models.champion = served
            _log.warning("%s answers from now on", served.deployment)

    async def _follow_challenger(self, pointer: Pointer | None) -> None:
        models, coming = self._models, self._coming
        if pointer and coming and _same(coming.pointer, pointer) and not coming.loading.done():
            return
        await self.settled()
        held = self._held(pointer) if pointer else None
        if pointer is None or held is not None or pointer.digest in models.refused:
            models.challenger = held
            return
        # Beside the looking: the champion may change, or this one be withdrawn.
        hurry = threading.Event()
        bringing = self._minded(self._bring(pointer, hurry))
        self._coming = _Coming(pointer, hurry, asyncio.create_task(bringing))

    async def _bring(self, pointer: Pointer, hurry: threading.Event) -> None:
        served = await self._loaded(pointer, hurry)
        self._models.challenger = served
        if served is not None:
            _log.warning("%s answers who asks for it", served.deployment)

    async def settled(self) -> None:
        """Wait until nothing is being loaded any more; what is goes on without rests."""
        coming, self._coming = self._coming, None
        if coming is not None:
            coming.hurry.set()
            await coming.loading

    def _held(self, pointer: Pointer) -> Served | None:
        """The model that is meant, if it is in memory."""
        for held in (self._models.champion, self._models.challenger):
            if held and (held.version, held.digest) == (pointer.version, pointer.digest):
                return held
        return None

    async def _loaded(
        self, pointer: Pointer, hurry: threading.Event | None = None
    ) -> Served | None:
        """The model that is meant; None when it is refused."""
        try:
            return await asyncio.to_thread(self._load, pointer, hurry)
        except ModelFolderError as error:
            self._models.refused[pointer.digest] = str(error)
            _log.error("version %s is not served: %s", pointer.version, error)
            return None

    def _load(self, pointer: Pointer, hurry: threading.Event | None) -> Served:
        """Download, load and try the model on its sample rows."""
        # The pace is that of the thread that loads.
        rest: Rest = Pace(hurry.wait) if hurry else at_once
        with tempfile.TemporaryDirectory(prefix="model-") as name:
            self._published.download(pointer, Path(name), rest)
            # Read into memory whole: the folder is not needed once it is loaded.
            scorer = load_scorer(self._settings, Path(name), rest)
        deployment = f"v{pointer.version}-e{self._settings.environment_version}"
        return Served(scorer, deployment, pointer.version, pointer.digest)

    def _explain(self, reason: str) -> None:
        if self._models.champion is None:
            self._models.reason = reason


def _same(one: Pointer, other: Pointer) -> bool:
    return (one.version, one.digest) == (other.version, other.digest)
