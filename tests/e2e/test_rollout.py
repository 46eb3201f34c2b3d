"""Canary rollouts with real processes and callers that never stop, one after the other.

The gate of this model lets every retrained version pass as a refresh, so that each order makes
a version to roll out; what then goes wrong is a fault chosen in the emulator.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from azure_emulator.testing import free_port, wait_until

from examples.diabetes import day_files
from noon.client import AppClient
from noon.local.commands import host_command
from noon.local.environment import Addresses
from noon.local.processes import Child
from tests.e2e.callers import calling
from tests.e2e.conftest import ROOT, Product, running_product

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e"), pytest.mark.timeout(900)]

MODEL = "diabetes"
ROW = {"age": 0.05, "sex": "1", "bmi": 0.06, "bp": 0.02, "s1": -0.04, "s2": -0.03}
ROW |= {"s3": -0.04, "s4": 0.0, "s5": 0.02, "s6": -0.01}
POLICY = """
[profiles.local.gate]
margin = 1000.0
refresh_after_days = 0
champion_floor = 0

[profiles.local.rollout]
soak_seconds = 2
requests_min = 20
no_data_seconds_max = 60
provisioning_minutes_max = 2
keep_warm_minutes = 0.1
poll_seconds = 1
bucket_seconds = 1
# Tests share two cores with all that they start: a slow second is no illness here.
latency_slack_ms = 1500
"""


@pytest.fixture(scope="module")
def rolling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A stack whose first version rules."""
    text = (ROOT / "examples" / "diabetes" / "diabetes.toml").read_text()
    text = text[: text.index("[profiles.local.rollout]")] + POLICY
    with running_product(tmp_path_factory.mktemp("rollout"), {MODEL: text}) as product:
        for name, content in day_files():
            product.put(f"{MODEL}/{name}", content)
        product.wait(MODEL, lambda m: m["champion"] is not None)
        yield product


def callers_of(product: Product, *more: int) -> Any:
    """A crowd at the host of the stack, and at others if there are any."""
    ports = [product.stack.addresses.ports["functions"], *more]
    return calling(ports, MODEL, product.key, ROW)


def ask_for_a_version(product: Product) -> int:
    """Order a training; gives the number of the version that it makes, in its rollout."""
    before = product.model(MODEL)["rollout"]["version"]
    product.stack.noon("train", MODEL, "--because", "another version is wanted")
    model = product.wait(MODEL, lambda m: m["rollout"]["version"] > before)
    number: int = model["rollout"]["version"]
    return number


def champion(product: Product) -> int:
    """The version that rules."""
    number: int = product.model(MODEL)["champion"]["version"]
    return number


def ended(*phases: str) -> Callable[[dict[str, Any]], bool]:
    """The rollout ended in one of these phases, and nothing waits to be cleared away."""

    def check(model: dict[str, Any]) -> bool:
        rollout = model["rollout"]
        over = rollout["phase"] in ("succeeded", "rolled_back", "aborted")
        assert not over or rollout["phase"] in phases, rollout["reason"]
        return over

    check.__doc__ = f"the rollout to be {' or '.join(phases)}"
    return check


def share_of(product: Product, deployment: str, share: int) -> None:
    """Wait until a deployment has this share of the traffic."""

    def reached() -> bool:
        rollout = product.model(MODEL)["rollout"]
        assert rollout["phase"] not in ("rolled_back", "aborted"), rollout
        return product.traffic(MODEL).get(deployment, 0) == share

    wait_until(reached, timeout_seconds=90, what=f"{deployment} to have {share} %")


def faulty(product: Product, **rule: Any) -> None:
    """Choose a fault of the emulator."""
    product.emulator("/_emulator/faults", {"count": None} | rule)


def test_a_good_version_takes_over_without_a_failed_request(rolling: Product) -> None:
    """(a) 10, 50, 100 %; the old one stays warm and is retired; no request of 2,000 failed."""
    old = f"v{champion(rolling)}-e1"
    with callers_of(rolling) as callers:
        new = f"v{ask_for_a_version(rolling)}-e1"
        for share in (10, 50, 100):
            share_of(rolling, new, share)
        rolling.wait(MODEL, ended("succeeded"))
        assert old in rolling.deployments(MODEL)
        wait_until(
            lambda: old not in rolling.deployments(MODEL), timeout_seconds=90, what=f"{old} to go"
        )
        wait_until(lambda: len(callers.answers) >= 2000, timeout_seconds=120, what="2000 answers")
    assert callers.failed == []
    assert rolling.traffic(MODEL) == {new: 100}
    print(f"(a) {len(callers.answers)} requests, 0 failed; {dict(callers.by_deployment)}")


def test_b_errors_bring_the_traffic_back(rolling: Product) -> None:
    """(b) A canary that answers errors loses its traffic; the loss is bounded by its share."""
    old = champion(rolling)
    with callers_of(rolling) as callers:
        new = f"v{ask_for_a_version(rolling)}-e1"
        share_of(rolling, new, 10)
        asked, began = len(callers.answers), time.time()
        faulty(rolling, id="sick", operation=f"Scoring.*.{new}", status=500, by="container")
        model = rolling.wait(MODEL, ended("rolled_back"))
    assert champion(rolling) == old
    assert rolling.traffic(MODEL) == {f"v{old}-e1": 100}
    assert "failed" in model["rollout"]["reason"]
    lost, seen = len(callers.failed), len(callers.answers) - asked
    first = callers.failed[0][0]
    print(
        f"(b) {lost} of {seen} requests failed; order {ordered_after(rolling, first):.1f} s after"
    )
    assert 0 < lost <= 0.2 * seen
    assert ordered_after(rolling, first) <= 60
    assert time.time() - began < 120


def ordered_after(product: Product, first: float) -> float:
    """Seconds from the first bad answer to the decision to go back."""
    orders = product.decisions(MODEL, "go_back") or product.decisions(MODEL, "errors")
    return datetime.fromisoformat(orders[-1]["at"]).timestamp() - first


def test_c_doubled_latency_brings_the_traffic_back(rolling: Product) -> None:
    """(c) A canary that takes at least twice as long is sick, though no request of it fails."""
    old = champion(rolling)
    with callers_of(rolling) as callers:
        new = f"v{ask_for_a_version(rolling)}-e1"
        share_of(rolling, new, 10)
        faulty(
            rolling,
            id="slow",
            operation=f"Scoring.*.{new}",
            delay_factor=2.0,
            delay_seconds=2.0,
        )
        model = rolling.wait(MODEL, ended("rolled_back"))
    assert champion(rolling) == old
    assert "slow" in model["rollout"]["reason"]
    assert callers.failed == []


def test_d_without_callers_recorded_rows_decide(rolling: Product) -> None:
    """(d) Nobody calls: the step is held, recorded rows are sent, and then it is decided."""
    new = ask_for_a_version(rolling)
    rolling.wait(MODEL, ended("succeeded"))
    assert champion(rolling) == new
    assert rolling.traffic(MODEL) == {f"v{new}-e1": 100}


def test_e_the_host_dies_in_every_phase(rolling: Product) -> None:
    """(e) SIGKILL in each phase and a new start: the rollout ends, the traffic map is whole."""
    with callers_of(rolling) as callers:
        number = ask_for_a_version(rolling)
        new = f"v{number}-e1"
        killed: list[str] = []

        def over() -> bool:
            rollout = rolling.model(MODEL)["rollout"]
            place = f"{rollout['phase']} {rolling.traffic(MODEL).get(new, 0)}"
            if rollout["phase"] in ("succeeded", "rolled_back", "aborted"):
                return True
            if place not in killed:
                rolling.stack.kill("app")
                rolling.stack.restart("app")
                killed.append(place)
            assert sum(rolling.traffic(MODEL).values()) == 100
            assert len(rolling.deployments(MODEL)) <= 3
            return False

        wait_until(over, timeout_seconds=240, what="the end of the rollout")
    print(f"(e) killed in {killed}; {len(callers.answers)} requests")
    rolling.wait(MODEL, ended("succeeded"))
    assert champion(rolling) == number
    assert {place.split()[1] for place in killed} >= {"0", "10"}


def test_f_two_hosts_are_one_control_plane(rolling: Product) -> None:
    """(f) Two hosts share queue, lease and health window: one rollout, counts added up."""
    port = free_port()
    addresses = Addresses({**rolling.stack.addresses.ports, "functions": port})
    command = [*host_command(rolling.stack.home.path, addresses), "--host-id", "second"]
    log = rolling.stack.home.logs / "second.log"
    second = Child("second", command, rolling.stack.environment, log)
    second.start()
    before = set(rolling.jobs())
    try:
        second.wait_ready(AppClient(addresses.app, timeout_seconds=5).healthy)
        with callers_of(rolling, port) as callers:
            number = ask_for_a_version(rolling)
            rolling.wait(MODEL, ended("succeeded"))
        assert champion(rolling) == number
        assert callers.failed == []
        assert len(set(rolling.jobs()) - before) == 1
    finally:
        second.end()
        second.join()


def test_g_operators_pause_resume_abort_and_roll_back(rolling: Product) -> None:
    """(g) In mid-step: pause holds, resume goes on, abort gives up, rollback returns."""
    old = champion(rolling)
    with callers_of(rolling) as callers:
        new = f"v{ask_for_a_version(rolling)}-e1"
        share_of(rolling, new, 10)
        rolling.stack.noon("pause", MODEL, "--because", "a look at the dashboards")
        rolling.wait(MODEL, lambda m: m["rollout"]["paused"])
        asked = len(callers.answers)
        wait_until(lambda: len(callers.answers) > asked + 500, timeout_seconds=60, what="callers")
        assert rolling.traffic(MODEL)[new] == 10
        rolling.stack.noon("resume", MODEL, "--because", "all is well")
        share_of(rolling, new, 50)
        rolling.stack.noon("abort", MODEL, "--because", "not today")
        model = rolling.wait(MODEL, ended("aborted"))
        assert "not today" in model["rollout"]["reason"]
        assert rolling.traffic(MODEL) == {f"v{old}-e1": 100}
        number = ask_for_a_version(rolling)
        share_of(rolling, f"v{number}-e1", 100)
        rolling.wait(MODEL, ended("succeeded"))
        rolling.stack.noon("rollback", MODEL, "--because", "odd answers")
        share_of(rolling, f"v{old}-e1", 100)
        rolling.wait(MODEL, lambda m: m["champion"]["version"] == old)
    assert callers.failed == []


def test_h_a_new_image_rolls_out_for_the_same_version(rolling: Product) -> None:
    """(h) A newer serving environment goes through the same steps under the same version."""
    version = champion(rolling)
    rolling.wait(MODEL, ended("succeeded"))
    rolling.stack.environment["NOON_SERVING_IMAGE"] = "noon-backend:second"
    released = json.loads(rolling.stack.noon("deploy", "components", "--json"))
    assert released["environment"] == 2
    with callers_of(rolling) as callers:
        # It would be seen within the hour; a timer that wakes every model does not let us wait.
        rolling.fire("daily_training")
        share_of(rolling, f"v{version}-e2", 10)
        share_of(rolling, f"v{version}-e2", 100)
        rolling.wait(MODEL, ended("succeeded"))
    assert champion(rolling) == version
    assert callers.failed == []
