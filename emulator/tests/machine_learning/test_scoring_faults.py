"""Faults of scoring: chosen from outside, without any hook in the container."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEPLOYMENT = "azureml-model-deployment"
Served = Any


@pytest.fixture(scope="module")
def colours(serve_endpoint: Callable[[str], Any]) -> Iterator[Served]:
    """An endpoint with blue, which has all the traffic, and green."""
    with serve_endpoint("tiny-colours") as served:
        served.deploy("blue")
        served.deploy("green")
        served.route(blue=100)
        yield served


@pytest.fixture
def faulty(colours: Served) -> Iterator[Served]:
    """The endpoint; its faults are gone after the test."""
    yield colours
    colours.control("DELETE", "faults")


def test_a_sick_container_answers_424_and_a_sick_platform_its_own_status(faulty: Served) -> None:
    """Who fails is chosen; the deployment is named either way, and its neighbour is well."""
    faulty.fault(operation="Scoring.{}.green", status=500, by="container")
    wrapped = faulty.score(deployment="green")
    assert wrapped.status_code == 424
    assert wrapped.headers["ms-azureml-model-error-statuscode"] == "500"
    assert wrapped.headers["ms-azureml-model-error-reason"] == "Internal Server Error"
    faulty.fault(operation="Scoring.{}.green", status=503)
    bare = faulty.score(deployment="green")
    assert bare.status_code == 503
    assert wrapped.headers[DEPLOYMENT] == bare.headers[DEPLOYMENT] == "green"
    assert faulty.score(deployment="green").status_code == 200


def test_a_rule_without_count_hits_until_it_is_deleted(faulty: Served) -> None:
    """Globs choose deployments; the deleted rule says how often it hit; others stay."""
    faulty.fault(id="sick", operation="Scoring.*.gr*", count=None, status=500, by="container")
    faulty.fault(id="other", operation="Scoring.elsewhere.*", count=None, status=500)
    assert [faulty.score(deployment="green").status_code for _ in range(5)] == [424] * 5
    assert faulty.score().status_code == 200
    assert faulty.control("DELETE", "faults/sick")["hits"] == 5
    assert faulty.score(deployment="green").status_code == 200
    assert [rule["id"] for rule in faulty.control("GET", "faults")["value"]] == ["other"]
    with pytest.raises(requests.HTTPError, match="404"):
        faulty.control("DELETE", "faults/sick")


def test_a_seed_chooses_the_same_share_again(faulty: Served) -> None:
    """A given probability hits some; the same seed hits the same ones."""

    def codes() -> list[int]:
        faulty.fault(
            id="half", operation="Scoring.{}.blue", count=None, probability=0.5, seed=7, status=500
        )
        return [faulty.score().status_code for _ in range(20)]

    first = codes()
    assert 4 <= first.count(500) <= 16
    assert codes() == first


def test_latency_is_the_containers_and_runs_into_the_request_timeout(faulty: Served) -> None:
    """A factor stretches what the container needs; what takes too long is 408 and named."""
    faulty.fault(id="slow", operation="Scoring.{}.blue", count=None, delay_factor=4.0)
    slow = faulty.score({"seconds": 0.05})
    # Within the request timeout of a second, else it would be 408.
    assert slow.status_code == 200
    assert slow.elapsed.total_seconds() >= 0.2
    faulty.fault(id="slow", operation="Scoring.{}.blue", count=None, delay_seconds=0.3)
    assert faulty.score().elapsed.total_seconds() >= 0.3
    faulty.fault(id="slow", operation="Scoring.{}.blue", count=None, delay_seconds=5)
    late = faulty.score()
    assert (late.status_code, late.headers[DEPLOYMENT]) == (408, "blue")
    assert 1 <= late.elapsed.total_seconds() < 5


def test_a_connection_can_be_cut(faulty: Served) -> None:
    """It ends before the answer is whole, and the next request is well."""
    faulty.fault(operation="Scoring.{}.blue", drop="before")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        faulty.score()
    assert faulty.score().status_code == 200


def test_a_rule_ends_by_itself(faulty: Served) -> None:
    """With `for_seconds` it hits every call until its time is over."""
    faulty.fault(operation="Scoring.{}.blue", for_seconds=30, status=500)
    assert [faulty.score().status_code for _ in range(3)] == [500] * 3
    faulty.control("DELETE", "faults")
    faulty.fault(operation="Scoring.{}.blue", for_seconds=0, status=500)
    assert faulty.score().status_code == 200


@pytest.mark.parametrize(
    "rule",
    [
        {"status": 500},
        {"operation": "Scoring.*", "by": "nobody"},
        {"operation": "Scoring.*", "drop": "sometimes"},
        {"operation": "Scoring.*", "count": 0},
        {"operation": "Scoring.*", "probability": 2},
        {"operation": "Scoring.*", "delay_factor": 0.5},
        {"operation": "Scoring.*", "unknown": 1},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(faulty: Served, rule: dict[str, Any]) -> None:
    """400, and nothing is added."""
    with pytest.raises(requests.HTTPError, match="400"):
        faulty.control("POST", "faults", rule)
    assert faulty.control("GET", "faults")["value"] == []
