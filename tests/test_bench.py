"""Benchmarks run; how fast things are is for people to read, not for a test to say."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.contestants import ECHO
from bench.load import LOADS, Load
from bench.model import Model
from bench.page import with_figures
from bench.places import PAGE, ROOT, BenchError
from bench.proxies import proxied, proxied_over_https
from bench.rounds import Plan, compared
from bench.table import table

BENCH = ROOT / "bench"


def test_health_recorder_prints_its_figures(tmp_path: Path) -> None:
    """The cost of counting an answer is measured by one command, from any folder."""
    command = [sys.executable, str(BENCH / "health_recorder.py"), "--times", "50", "--rounds", "3"]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    figures = json.loads(shown.stdout)
    assert figures["calls"] == 150
    assert figures["microseconds"] >= figures["microseconds_best"] > 0
    assert figures["times_an_empty_call"] > 1


FIGURES = {"bad": 0, "lost": 0, "p50_ms": [1.0, 3.0, 2.0], "p99_ms": [9.0], "cpu_us": [40.0]}


def measured(name: str, kind: str, *rates: float, **more: Any) -> dict[str, Any]:
    """What a run keeps of a server that has the same rates under each load."""
    loads = {load.name: {**FIGURES, "per_second": list(rates), **more} for load in LOADS}
    return {"name": name, "kind": kind, "version": "1.2", "loads": loads, "ready_seconds": 0.9}


def results(
    *servers: dict[str, Any],
    proxies: Sequence[dict[str, Any]] = (),
    over_https: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """A run in which these were measured."""
    machine = {"processor": "a processor", "cores": 2, "system": "Linux", "python": "3.11"}
    return {
        "servers": list(servers),
        "proxies": list(proxies),
        "proxies_over_https": list(over_https),
        "machine": {**machine, "load_before": 0.1, "load_after": 7.5},
        "plan": {"rounds": 3, "seconds": 2},
        "began_at": "2026-11-23T20:00:00+00:00",
        "ended_at": "2026-11-23T20:10:00+00:00",
    }


AZUREML = "azureml-inference-server-http"


def test_table_has_medians_ratios_and_the_load() -> None:
    """Each figure is the median of its rounds, beside the best one and the ratio to ours."""
    ours, peer = measured("Noon", "ours", 9000, 9500, 1), measured(AZUREML, "peer", 90, 80, 120)
    shown = table(results(ours, peer))
    assert "| Noon 1.2 | 9,000 | 9,000 (9,500) |" in shown
    assert f"| {AZUREML} 1.2 | 90.0 | 90.0 (120) | 90.0 | 100x |" in shown
    assert f"| at 16: times {AZUREML} | 100, not below 60 | 100x |" in shown
    assert "load average 0.1 before and 7.5 after" in shown
    assert "The machine was busy" in shown


def test_who_could_not_be_measured_is_named_with_the_reason() -> None:
    """A peer is never dropped silently, and bad answers are no rate."""
    absent = {"name": "Peer", "kind": "peer", "reason": "cannot be installed: no wheel"}
    shown = table(results(measured("Noon", "ours", 0), absent, measured("B", "peer", 9, bad=3)))
    assert "- Peer: cannot be installed: no wheel" in shown
    assert "| Peer | - |" in shown
    assert "| B 1.2 | - | - |" in shown


def test_what_a_proxy_adds_is_over_asking_directly() -> None:
    """The median of the medians, and the least one in brackets."""
    slow = {"p50_ms": [1.5, 3.25, 2.25]}
    passing = [
        measured("direct", "limit", 100),
        measured("Noon: handler", "ours", 45, **slow),
        measured("bare aiohttp proxy", "peer", 50, **slow),
    ]
    shown = table(results(proxies=passing, over_https=passing[1:]))
    assert "0.25 (0.50)" in shown
    assert "| handler at 16: times a bare aiohttp proxy | at least 0.85 | 0.90x |" in shown
    assert "| handler in front of HTTPS: times a bare aiohttp proxy | no aim | 0.90x |" in shown


def test_page_keeps_what_stands_around_the_figures() -> None:
    """Only what is between the markers is written anew; the page of this checkout has them."""
    page = PAGE.read_text(encoding="utf-8")
    changed = with_figures(page, "| new |")
    assert "| new |" in changed
    assert changed.partition("<!--")[0] == page.partition("<!--")[0]
    assert with_figures(changed, "| new |") == changed
    with pytest.raises(BenchError, match="lost its markers"):
        with_figures("no markers", "| new |")


MODEL = Model(Path(), [{"x": 1.0}] * 2, [0.25, 0.5])
HERE = replace(ECHO, python=Path(sys.executable))


def test_who_answers_wrongly_or_not_at_all_is_not_compared() -> None:
    """A wrong probability, too few of them and a program that is missing are reasons."""

    def reason(**changes: Any) -> str:
        (figures,) = compared([replace(HERE, **changes)], MODEL, Plan((), 1, 1))
        return str(figures.get("reason", ""))

    def probabilities(said: Any) -> list[float]:
        return [row["probabilities"]["true"] for row in said["predictions"]]

    assert "1 answers to 2 rows" in reason(answers=probabilities)
    assert "wrong by up to 0.25" in reason(answers=lambda _: [0.5])
    assert "answers nonsense: KeyError" in reason(answers=lambda said: [said["scores"]])
    assert "cannot be started" in reason(command=lambda *_: ["/no/such/program"])
    ended = reason(command=lambda environment, _: [str(environment.python), "-c", "1/0"])
    assert "ZeroDivisionError" in ended


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_servers_are_driven_in_turns() -> None:
    """A second of the echo, and of proxies in front of it, gives every figure of the table."""
    plan = Plan((Load("1", 1),), rounds=1, seconds=1)
    direct, handler, *_ = proxied(plan, host=False, only=("bare ASGI echo", "Noon: handler"))
    for figures in (direct, handler, *proxied_over_https(plan)):
        run = figures["loads"]["1"]
        assert run["per_second"][0] > 0
        assert (run["bad"], run["lost"]) == (0, 0)
        assert run["p99_ms"][0] >= run["p50_ms"][0] > 0
        assert figures["memory_mb"] > 1
        assert figures["ready_seconds"] > 0


def test_missing_wrk_is_told_with_what_to_do() -> None:
    """Whoever has no wrk reads how to install it, and nothing was begun."""
    environment = {"PATH": "/nowhere", "PYTHONPATH": f"{ROOT}:{ROOT / 'emulator'}"}
    command = [sys.executable, "-m", "bench", "--quick"]
    told = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert told.returncode == 1
    assert told.stderr.strip() == (
        "bench: wrk is not on PATH: install it (Debian, Ubuntu: sudo apt-get install wrk)"
    )
