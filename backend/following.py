"""Follows what is published: loads and tries a model beside the old one, then swaps."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from pathlib import Path

from backend.model_folder import ModelFolderError
from backend.models import Models, Served
from backend.published import Pointer, PublishedModels, SourceError
from backend.scoring import load_scorer
from backend.settings import Settings

_log = logging.getLogger("backend")


class Follower:
    """Keeps the models as they are published; whatever goes wrong, what serves goes on."""

    def __init__(self, settings: Settings, models: Models, url: str) -> None:
        self._settings = settings
        self._models = models
        self._published = PublishedModels(url)

    async def run(self) -> None:
        """Look again and again until cancelled."""
        while True:
            try:
                await self.look()
            except SourceError as error:
                self._explain(str(error))
                _log.warning("cannot see what is published: %s", error)
            except Exception as error:
                self._explain(f"the model could not be loaded: {error}")
                _log.exception("cannot follow what is published")
            await asyncio.sleep(self._settings.poll_seconds)

    async def look(self) -> None:
        """Bring the models to what is published now."""
        champion = await asyncio.to_thread(self._published.pointer, "champion")
        challenger = await asyncio.to_thread(self._published.pointer, "challenger")
        named = {pointer.digest for pointer in (champion, challenger) if pointer}
        models = self._models
        models.refused = {key: why for key, why in models.refused.items() if key in named}
        # The champion first: callers wait for it, nobody waits for a challenger.
        await self._follow_champion(champion)
        models.challenger = await self._served(challenger) if challenger else None

    async def _follow_champion(self, pointer: Pointer | None) -> None:
        models = self._models
        models.awaited = pointer is None
        if pointer is None:
            # Also when the pointer is gone: who serves goes on until something else is named.
            self._explain("nothing is published yet")
            return
        served = await self._served(pointer)
        if served is None:
            self._explain(models.refused.get(pointer.digest, "the model is being loaded"))
        elif served is not models.champion:
            # One assignment: a request has taken the old model or takes the new one.
            models.champion = served
            _log.warning("%s answers from now on", served.deployment)

    async def _served(self, pointer: Pointer) -> Served | None:
        """The model that is meant, from memory if it is there; None when it is refused."""
        models = self._models
        for held in (models.champion, models.challenger):
            if held and (held.version, held.digest) == (pointer.version, pointer.digest):
                return held
        if pointer.digest in models.refused:
            return None
        try:
            return await asyncio.to_thread(self._loaded, pointer)
        except ModelFolderError as error:
            models.refused[pointer.digest] = str(error)
            _log.error("version %s is not served: %s", pointer.version, error)
            return None

    def _loaded(self, pointer: Pointer) -> Served:
        """Download, load and try the model on its sample rows."""
        with tempfile.TemporaryDirectory(prefix="model-") as name:
            self._published.download(pointer, Path(name))
            # Read into memory whole: the folder is not needed once it is loaded.
            scorer = load_scorer(self._settings, Path(name))
        deployment = f"v{pointer.version}-e{self._settings.environment_version}"
        return Served(scorer, deployment, pointer.version, pointer.digest)

    def _explain(self, reason: str) -> None:
        if self._models.champion is None:
            self._models.reason = reason
