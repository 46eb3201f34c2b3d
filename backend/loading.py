"""Brings the models in while the service already answers its probes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path

from backend.following import Follower
from backend.model_folder import ModelFolderError
from backend.models import Models, Served
from backend.scoring import load_scorer
from backend.settings import NAME, Settings

_log = logging.getLogger("backend")


class Loading:
    """The models of all sources, by the paths under which they answer."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.all = list(_places(settings))
        self._tasks: list[asyncio.Task[None]] = []
        self.by_path: dict[str, Models] = {}
        """`/score` only where it is clear which model is meant."""
        for models in self.all:
            self._name(models, models.name)
        if len(self.all) == 1:
            self.by_path["/score"] = self.all[0]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Loads or follows in the background; on leaving, loading is finished, following ends."""
        # Not awaited: the probes answer from the first moment, and say that it is not ready yet.
        if self._settings.serving_urls:
            pairs = zip(self.all, self._settings.serving_urls, strict=True)
            followers = [Follower(self._settings, models, url) for models, url in pairs]
            self._tasks = [asyncio.create_task(follower.run()) for follower in followers]
        else:
            followers = []
            self._tasks = [asyncio.create_task(self._load_all())]
        try:
            yield
        finally:
            for task in self._tasks:
                if followers:
                    task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def ended(self) -> None:
        """Wait until every model was loaded or refused; following never ends."""
        await asyncio.gather(*self._tasks)

    async def _load_all(self) -> None:
        for models in self.all:
            await self._load(models, _folder(self._settings, models))

    async def _load(self, models: Models, folder: Path | None) -> None:
        try:
            models.champion = Served(await asyncio.to_thread(load_scorer, self._settings, folder))
        except ModelFolderError as error:
            models.reason = str(error)
            _log.error("not ready: %s", error)
        except Exception as error:
            models.reason = f"the model could not be loaded: {error}"
            _log.exception("not ready")
        else:
            self._name(models, models.name or models.champion.scorer.schema.model)

    def _name(self, models: Models, name: str) -> None:
        models.name = name
        if NAME.fullmatch(name):
            self.by_path[f"/models/{name}/score"] = models


def _places(settings: Settings) -> list[Models]:
    """A place for each model that is to come; one without a name when there is only one."""
    if settings.serving_urls:
        names = [url.rpartition("/")[2] for url in settings.serving_urls]
        return [Models(name, followed=True) for name in names]
    if settings.models_dir is None:
        return [Models()]
    if not settings.models_dir.is_dir():
        raise ValueError(f"SCORING_MODELS_DIR: {settings.models_dir} is not a folder")
    names = sorted(path.name for path in settings.models_dir.iterdir() if path.is_dir())
    wrong = [name for name in names if not NAME.fullmatch(name)]
    if wrong or not names:
        what = f"{wrong[0]!r} cannot be a model's name" if wrong else "it holds no folders"
        raise ValueError(f"SCORING_MODELS_DIR: {what}")
    return [Models(name) for name in names]


def _folder(settings: Settings, models: Models) -> Path | None:
    return settings.models_dir / models.name if settings.models_dir else settings.model_dir
