"""`noon why`, against the application over memory behind real HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from subprocess import CompletedProcess

from tests.application.conftest import world
from tests.application.test_canary import rolling
from tests.cli.test_rollout import App, app

__all__ = ["app", "rolling", "world"]

Cli = Callable[..., CompletedProcess[str]]


def test_chain_is_told_to_people(app: App, noon_cli: Cli) -> None:
    """From the landing to the traffic, with reasons, orders and what each check saw."""
    app.go_on(80)
    shown = noon_cli("why", "flights:2", **app.settings)
    assert shown.returncode == 0, shown.stderr
    for words in (
        "why version flights:2 (flights)",
        "data landed (landing ",
        ": 2 files, ",
        "promote: flights-data-",
        "it becomes version 2",
        "challenger 0.7500",
        "10 % passed, 50 % follows",
        "requests, 0 failed, 0 recorded rows, p95",
        "ordered: set traffic to v1-e1 50 %, v2-e1 50 %",
        "traffic now: v2-e1 100 %",
    ):
        assert words in shown.stdout, words
    assert "\x1b" not in shown.stdout


def test_chain_for_scripts_is_a_list(app: App, noon_cli: Cli) -> None:
    """Scripts get the links, whichever way they ask; a file's name keeps its slashes."""
    app.go_on(80)
    by_number = noon_cli("why", "2", "--model", "flights", "--json", **app.settings)
    links = json.loads(by_number.stdout)
    assert [set(link) for link in links] == [{"at", "kind", "what", "reasons", "facts"}] * len(
        links
    )
    by_file = json.loads(noon_cli("why", "flights/b.csv", "--json", **app.settings).stdout)
    assert [link for link in by_file if link["kind"] != "blob"] == links


def test_what_nothing_is_known_of_is_exit_code_1(app: App, noon_cli: Cli) -> None:
    """One sentence says what was looked for, or what can be asked."""
    shown = noon_cli("why", "flights:77", **app.settings)
    assert (shown.returncode, shown.stdout) == (1, "")
    assert "no decision is kept under begun:version:77" in shown.stderr
    shown = noon_cli("why", "2", **app.settings)
    assert shown.returncode == 1
    assert "say which of diabetes, flights" in shown.stderr
    shown = noon_cli("why", "what ever?", **app.settings)
    assert shown.returncode == 1
    assert "a request id 20261123t" in shown.stderr
