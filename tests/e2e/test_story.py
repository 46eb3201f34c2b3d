"""The story with real processes, in the order in which it happens.

Storage, Azure ML, Event Grid and the Functions host run as processes; the data are the flights
of 2013. Each test goes on where the one before it stopped.
"""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure_emulator.testing import wait_until

from examples.diabetes import day_files as diabetes_files
from examples.flights import day_files as flights_files
from noon.local.flights import easy_and_hard
from tests.e2e.conftest import FIRST, Product, flights_with_schedule

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e"), pytest.mark.timeout(900)]

JANUARY_31 = FIRST.replace(day=31)
FEBRUARY = (FIRST.replace(month=2), FIRST.replace(month=2, day=28))
HOLDOUT_DAYS = 7


def rules(version: int) -> Any:
    """Whether that version is the champion, with its rollout over."""

    def check(model: dict[str, Any]) -> bool:
        champion = model["champion"]
        return champion is not None and champion["version"] == version

    check.__doc__ = f"version {version} rules"
    return check


def idle(model: dict[str, Any]) -> bool:
    """No training and no rollout in flight."""
    rollout = model["rollout"]
    return model["training"] is None and (
        rollout is None or rollout["phase"] in ("succeeded", "rolled_back", "aborted")
    )


def inverted(content: bytes) -> bytes:
    """The same flights with every label turned round."""
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    turned = {"true": "false", "false": "true"}
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(row | {"late": turned[row["late"]]} for row in rows)
    return out.getvalue().encode()


def test_a_january_becomes_the_first_champion(product: Product) -> None:
    """(a) January lands; a job trains, the gate lets it pass, it is deployed and answers."""
    product.stack.noon("data", "push", "flights", "--from", str(FIRST), "--to", str(JANUARY_31))
    for name, content in diabetes_files():
        product.put(f"diabetes/{name}", content)
    model = product.wait("flights", rules(1))
    score = model["champion"]["score"]
    assert score["compared_with"].startswith("baseline")
    assert score["low"] > 0
    assert score["landed_rows"] > 25_000
    assert product.traffic() == {"v1-e1": 100}
    rows = easy_and_hard(JANUARY_31)
    answer = product.stack.app.predict("flights", list(rows.values()))
    easy, hard = (row["probabilities"]["true"] for row in answer["predictions"])
    assert 0 < easy < hard < 1
    assert answer["model"] == {"name": "flights", "version": "1", "deployment": "v1-e1"}
    assert ".v1-e1." in answer["request_id"]


def test_f_a_second_table_is_served_beside_it(product: Product) -> None:
    """(f) Diabetes, a regression, was trained, judged and deployed by the same parts."""
    product.wait("diabetes", rules(1))
    row = {"age": 0.05, "sex": "1", "bmi": 0.06, "bp": 0.02, "s1": -0.04, "s2": -0.03}
    row |= {"s3": -0.04, "s4": 0.0, "s5": 0.02, "s6": -0.01}
    answer = product.stack.app.predict("diabetes", [row, row | {"bmi": None}])
    values = [prediction["value"] for prediction in answer["predictions"]]
    assert all(25 < value < 350 for value in values)
    assert answer["model"]["name"] == "diabetes"
    assert product.traffic("diabetes") == {"v1-e1": 100}


def test_a_deployment_sees_that_events_arrive_and_champions_answer(product: Product) -> None:
    """A canary event travels from storage to its decision; each champion scores its own rows."""
    told = json.loads(product.stack.noon("deploy", "canary", "--json"))
    why = product.stack.app.why(f"_canary/{told['canary']}")
    assert [link["facts"]["kind"] for link in why["links"]] == ["ignored"]
    assert why["links"][0]["facts"]["decision"] == told["decision"]
    checked = json.loads(product.stack.noon("deploy", "check", "--json"))["models"]
    assert {name: answer["deployment"] for name, answer in checked.items()} == {
        "diabetes": "v1-e1",
        "flights": "v1-e1",
    }
    assert all(answer["predictions"] > 0 for answer in checked.values())


def test_bad_bodies_are_refused_by_name(product: Product) -> None:
    """Whatever is sent for a prediction, the answer is a 4xx that says what is wrong."""
    good = easy_and_hard(JANUARY_31)["easy"]
    cases: list[tuple[bytes, int, str]] = [
        (b"not json", 400, "JSON"),
        (b'{"rows": 1}', 422, "rows"),
        (json.dumps({"rows": [good | {"distance_miles": "far"}]}).encode(), 422, "distance_miles"),
        (json.dumps({"rows": [good | {"dep_delay": 3}]}).encode(), 422, "dep_delay"),
        (json.dumps({"rows": [{"carrier": "UA"}]}).encode(), 422, "origin"),
        (json.dumps({"rows": [good | {"gust_mph": float("nan")}]}).encode(), 422, "NaN"),
        (b'{"rows":[' + b" " * 10_000_000 + b"]}", 413, "5000000"),
    ]
    for body, status, word in cases:
        got, problem = product.predict(body)
        assert (got, word in json.dumps(problem)) == (status, True), (body[:80], got, problem)
    got, problem = product.predict(b"{}", "ghost")
    assert (got, problem["title"]) == (404, "unknown model")


def test_b_a_worse_model_is_retained(product: Product) -> None:
    """(b) February's training days carry wrong labels: the champion stays, and traffic with it."""
    last_good = FEBRUARY[1] - timedelta(days=HOLDOUT_DAYS)
    for name, content in flights_files(*FEBRUARY):
        spoilt = name <= f"{last_good}.csv"
        product.put(f"flights/{name}", inverted(content) if spoilt else content)
    model = product.wait("flights", lambda m: "retained" in (m["last_refusal"] or ""))
    assert re.search(r"worse, paired difference to champion 1: -0\.\d+", model["last_refusal"])
    assert model["champion"]["version"] == 1
    assert product.traffic() == {"v1-e1": 100}


def test_c_doubled_events_and_a_doubled_noon_are_one_job_each(product: Product) -> None:
    """(c) All blob events five times over and backwards, and the slot fired twice; (d) the
    completion events of that job are lost, and the tick finds it."""
    product.wait("flights", idle)
    before = set(product.jobs())
    for event in ("RunCompleted", "RunStatusChanged"):
        lost = {"operation": f"Event.{event}", "drop": "before", "count": 20}
        product.emulator("/_emulator/faults", lost)
    product.emulator("/_emulator/events/redeliver", {"all": True, "reverse": True, "times": 5})
    # What a new schedule would have done in the past is not made up for: the next minute is.
    due_at = (datetime.now(UTC) + timedelta(minutes=1)).replace(second=0, microsecond=0)
    (product.models / "flights.toml").write_text(flights_with_schedule(due_at))
    product.stack.restart("app")
    wait_until(lambda: datetime.now(UTC) > due_at, timeout_seconds=70, what="the slot")
    product.fire("daily_training")
    product.fire("daily_training")
    slot = f"flights-slot-{due_at:%Y%m%dt%H%M}-a1"
    wait_until(lambda: slot in product.jobs(), timeout_seconds=60, what=f"job {slot}")
    wait_until(
        lambda: product.jobs()[slot] == "Completed", timeout_seconds=240, what=f"{slot} to complete"
    )
    product.wait("flights", idle)
    assert {name for name in set(product.jobs()) - before if name.startswith("flights-")} == {slot}
    assert product.model()["champion"]["version"] == 1


def test_e_a_killed_host_loses_nothing(product: Product) -> None:
    """(e) The Functions host dies by SIGKILL while a job runs and starts again: one job, one
    verdict."""
    before = set(product.jobs())
    product.stack.noon("train", "flights", "--because", "the end-to-end test asks")
    model = product.wait("flights", lambda m: m["training"] is not None)
    job = model["training"]["job"]
    wait_until(
        lambda: product.jobs().get(job) == "Running", timeout_seconds=60, what=f"{job} to run"
    )
    product.stack.kill("app")
    product.stack.restart("app")
    product.wait("flights", idle)
    ours = {name for name in set(product.jobs()) - before if name.startswith("flights-")}
    assert ours == {job}
    verdicts = [
        decision
        for code in ("better", "refresh", "worse", "maybe_worse", "tie")
        for decision in product.decisions("flights", code)
        if f"job:{job}" in decision["about"]
    ]
    assert len(verdicts) == 1


def test_truncated_file_is_refused_and_the_champion_stays(product: Product) -> None:
    """A file cut in two, one without its target and one that is no table: each by name."""
    names = [name for name, _ in diabetes_files()]
    whole = dict(diabetes_files())[names[-1]].decode()
    bad = {
        "diabetes/2999-01-01.csv": b"",
        "diabetes/2999-01-02.csv": b"\x89PNG\r\n\x1a\n\x00\x00",
        "diabetes/2999-01-03.csv": whole.replace("progression", "progress").encode(),
    }
    for path, content in bad.items():
        product.put(path, content)
    model = product.wait("diabetes", lambda m: len(m["data"]["quarantine"]) == len(bad))
    assert {entry["path"] for entry in model["data"]["quarantine"]} == set(bad)
    assert all(entry["reason"] for entry in model["data"]["quarantine"])
    assert model["champion"]["version"] == 1
    shown = product.stack.noon("status", "--json")
    assert "2999-01-02.csv" in shown
