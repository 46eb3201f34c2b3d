"""A model that a scoring container serves, with real processes and callers that never stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from azure_emulator.testing import wait_until

from examples.diabetes import day_files
from noon.local.subscriptions import WORKSPACE_ID
from tests.e2e.callers import Callers, calling
from tests.e2e.conftest import ROOT, Product, running_product

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e"), pytest.mark.timeout(900)]

MODEL = "diabetes"
ENVIRONMENT = "1"
"""Of a new workspace."""
REQUESTS_MIN = 500
ROW = {"age": 0.05, "sex": "1", "bmi": 0.06, "bp": 0.02, "s1": -0.04, "s2": -0.03}
ROW |= {"s3": -0.04, "s4": 0.0, "s5": 0.02, "s6": -0.01}
POLICY = """
[profiles.local.gate]
margin = 1000.0
refresh_after_days = 0
champion_floor = 0

[profiles.local.rollout]
poll_seconds = 1
provisioning_minutes_max = 2
keep_warm_minutes = 10
"""


@pytest.fixture(scope="module")
def contained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A stack whose only model is served by a container, which it starts for that."""
    text = (ROOT / "examples" / "diabetes" / "diabetes.toml").read_text()
    text = text[: text.index("[profiles.local.rollout]")] + POLICY
    text = text.replace('"managed_endpoint"', '"container"')
    with running_product(tmp_path_factory.mktemp("contained"), {MODEL: text}) as product:
        for name, content in day_files():
            product.put(f"{MODEL}/{name}", content)
        yield product


def callers_of(product: Product) -> Any:
    """A crowd at the prediction function."""
    return calling([product.stack.addresses.ports["functions"]], MODEL, product.key, ROW)


def rules(version: int) -> Callable[[dict[str, Any]], bool]:
    """Whether that version is the champion, with its rollout over."""

    def check(model: dict[str, Any]) -> bool:
        champion = model["champion"]
        return champion is not None and champion["version"] == version

    check.__doc__ = f"version {version} rules"
    return check


def asked(callers: Callers, deployment: str) -> None:
    """Wait until the crowd has had some answers from a deployment."""
    enough = callers.by_deployment[deployment] + 50
    wait_until(lambda: callers.by_deployment[deployment] > enough, what=f"callers of {deployment}")


def test_first_version_comes_to_the_container(contained: Product) -> None:
    """Trained, judged and published; the container answers, and Azure ML has no endpoint."""
    model = contained.wait(MODEL, rules(1))
    assert model["champion"]["deployment"] == f"v1-e{ENVIRONMENT}"
    answer = contained.stack.app.predict(MODEL, [ROW])
    assert 25 < answer["predictions"][0]["value"] < 350
    name = f"v1-e{ENVIRONMENT}"
    assert answer["model"] == {"name": MODEL, "version": "1", "deployment": name}
    path = f"{WORKSPACE_ID}/onlineEndpoints?api-version=2022-02-01-preview"
    listed = contained.stack.azure.get(path)
    assert listed is not None
    assert listed["value"] == []


def test_i_the_next_version_and_the_way_back_fail_no_request(contained: Product) -> None:
    """(i) Version 2 is smoke-tested and switched to under load, and an operator's order brings
    version 1 back: callers meet both and not one failure."""
    product = contained
    one, two = f"v1-e{ENVIRONMENT}", f"v2-e{ENVIRONMENT}"
    with callers_of(product) as callers:
        product.stack.noon("train", MODEL, "--because", "another version is wanted")
        product.wait(MODEL, rules(2))
        asked(callers, two)
        product.stack.noon("rollback", MODEL, "--because", "callers liked the old one better")
        product.wait(MODEL, rules(1))
        before = len(callers.answers)
        wait_until(lambda: len(callers.answers) > before + 100, what="callers")
    seen = callers.by_deployment
    print(f"{len(callers.answers)} requests, {len(callers.failed)} failed: {dict(seen)}")
    assert callers.failed == []
    assert len(callers.answers) >= REQUESTS_MIN
    assert set(seen) == {one, two}
    assert {name for _, _, name in callers.answers[-20:]} == {one}
    said = [
        reason["text"]
        for decision in product.decisions(MODEL, "smoke_passed")
        for reason in decision["reasons"]
    ]
    assert any("rows answered; champion.json is to name version 2" in text for text in said)


def test_a_container_that_is_started_anew_serves_what_is_published(contained: Product) -> None:
    """Killed and started again it has no memory, and needs none."""
    contained.stack.kill("container")
    status, problem = contained.predict(b'{"rows":[]}', MODEL)
    assert (status, problem["title"]) == (502, "endpoint does not answer")
    contained.stack.restart("container")
    answer = contained.stack.app.predict(MODEL, [ROW])
    assert answer["model"]["version"] == "1"
