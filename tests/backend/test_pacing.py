"""How quickly challengers are loaded: in pieces, until somebody waits for them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from azure_emulator.testing import Azurite, Emulator

from backend.following import Follower
from backend.models import Models
from backend.pacing import REST_PER_WORK, REST_SECONDS_MAX, Pace
from backend.settings import Settings
from tests.backend.test_following import Service, blobs_of


def test_rests_are_long_beside_the_work_and_have_an_end() -> None:
    """A hundred times as long as the piece before, a second at most."""
    times = iter([5.0, 5.004, 5.005, 5.006, 5.007, 7.0, 7.0])
    rests: list[float] = []
    pace = Pace(rests.append, lambda: next(times))
    for _ in range(3):
        pace()
    # What passes while it rests is no work: from 5.005 to 5.006, and from 5.007 to 7.
    assert rests == pytest.approx([0.004 * REST_PER_WORK, 0.001 * REST_PER_WORK, REST_SECONDS_MAX])


@pytest.fixture
def published(request: pytest.FixtureRequest, azurite: Azurite, local_azure: Emulator) -> Service:
    """Blobs to be followed, without a process that does."""
    name = "pacing-" + hashlib.sha256(request.node.name.encode()).hexdigest()[:8]
    return Service(blobs_of(azurite, name), f"{azurite.blob_url}/{name}/tiny")


async def play(
    published: Service, story: Callable[[Follower, Models], Coroutine[Any, Any, None]]
) -> None:
    """A story of a follower that looks when it is told to.

    When it begins champion 1 answers, and challenger 2 is coming.
    """
    where = {"SCORING_SERVING_URL": published.url, "SCORING_ENVIRONMENT_VERSION": "3"}
    settings = Settings.from_environment({**where, "SCORING_AUTH": "off"})
    models = Models("tiny", followed=True)
    follower = Follower(settings, models, published.url)
    with published.blobs:
        published.publish("champion", 1, 2.0)
        await follower.look()
        published.publish("challenger", 2, 3.0)
        await follower.look()
        await story(follower, models)


def names(models: Models) -> tuple[str, str]:
    """Who answers, and who answers whoever asks for it."""
    both = (models.champion, models.challenger)
    first, second = (each.deployment if each else "" for each in both)
    return first, second


def test_looking_does_not_wait_for_a_challenger(published: Service) -> None:
    """It is loaded beside the looking, once, and answers whoever asks for it."""

    async def story(follower: Follower, models: Models) -> None:
        assert names(models) == ("v1-e3", "")
        await follower.look()
        await follower.settled()
        assert names(models) == ("v1-e3", "v2-e3")
        loaded = models.challenger
        await follower.look()
        await follower.settled()
        assert models.challenger is loaded

    asyncio.run(play(published, story))


def test_a_challenger_that_is_to_answer_callers_rests_no_more(published: Service) -> None:
    """Who becomes champion while it is being loaded is loaded once, and waited for."""

    async def story(follower: Follower, models: Models) -> None:
        published.publish("champion", 2, 3.0)
        await follower.look()
        assert names(models) == ("v2-e3", "v2-e3")
        assert models.champion is models.challenger

    asyncio.run(play(published, story))


def test_the_champion_changes_while_a_challenger_is_being_loaded(published: Service) -> None:
    """The way back of callers does not wait for anybody else."""

    async def story(follower: Follower, models: Models) -> None:
        published.publish("champion", 3, 5.0)
        await follower.look()
        assert names(models) == ("v3-e3", "")
        await follower.settled()
        assert names(models) == ("v3-e3", "v2-e3")

    asyncio.run(play(published, story))


def test_a_challenger_that_is_withdrawn_is_gone(published: Service) -> None:
    """Also one that was just being loaded; and another one takes its place."""

    async def story(follower: Follower, models: Models) -> None:
        published.blobs.delete_blob("tiny/challenger.json")
        await follower.look()
        await follower.settled()
        assert names(models) == ("v1-e3", "")
        published.publish("challenger", 4, 7.0)
        await follower.look()
        published.publish("challenger", 5, 9.0)
        await follower.look()
        await follower.settled()
        assert names(models) == ("v1-e3", "v5-e3")

    asyncio.run(play(published, story))


def test_a_challenger_that_cannot_be_loaded_is_refused_once(published: Service) -> None:
    """It is said why, and the one before it goes."""

    async def story(follower: Follower, models: Models) -> None:
        await follower.settled()
        bad = [{"path": "model.onnx", "size": 3, "sha256": "00"}]
        published.publish("challenger", 6, 2.0, files=bad)
        await follower.look()
        await follower.settled()
        assert names(models) == ("v1-e3", "")
        assert "not the content" in models.refused["d6"]
        await follower.look()
        await follower.settled()
        assert names(models) == ("v1-e3", "")

    asyncio.run(play(published, story))
