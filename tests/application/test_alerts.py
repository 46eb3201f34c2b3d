"""Alerts that come back: whatever comes in which order, there is one issue and it stands right."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from shared.adapters.azure_notices import notice_text
from shared.adapters.memory.outside import MemoryIssueTracker
from shared.application.notices import ATTEMPTS_MAX, take_notice
from shared.application.plane import NOBODY
from shared.application.why import why
from shared.domain.decision import Kind
from shared.domain.errors import BusyError, UnavailableError
from tests.application.conftest import World
from tests.application.telling import RULE, Told, alert, guid, told_by


@pytest.fixture
def told(world: World) -> Told:
    """Everybody is told."""
    return told_by(world)


def test_fired_opens_one_issue_that_says_what_to_do(told: Told) -> None:
    """Rule, model, numbers, the way to more, and the runbook stand in it."""
    told.hear(alert())
    (issue,) = told.tracker.issues.values()
    assert issue.is_open
    assert issue.draft.title == f"{RULE}: flights"
    assert issue.draft.labels == ("noon:alert", "noon:flights")
    body = issue.draft.body
    assert "**Firing** since 2026-11-23 12:00Z, Sev2. A slot is due" in body
    assert "- Maximum of minutes (noon.model flights): 17.5, GreaterThan 15" in body
    assert "(https://docs.example.org/runbooks.html#slot-overdue)" in body
    assert f"noon why event:{guid(1)} --model flights" in body
    assert f"(https://noon.example.org/decisions/flights?why=event%3A{guid(1)})" in body
    assert "(https://portal.example.org/logs?q=1)" in body


def test_resolved_closes_it_and_fired_again_opens_the_same(told: Told) -> None:
    """One issue for each rule and model, with a comment for each turn."""
    told.hear(alert(1), alert(1, "Resolved"))
    (issue,) = told.tracker.issues.values()
    assert not issue.is_open
    assert "**Resolved** at 2026-11-23 12:05Z, fired 12:00Z" in issue.draft.body
    told.hear(alert(2, fired=60))
    assert len(told.tracker.issues) == 1
    assert issue.is_open
    assert "**Firing** since 2026-11-23 13:00Z" in issue.draft.body
    assert len(issue.comments) == 2


def test_each_rule_and_each_model_has_its_own_issue(told: Told) -> None:
    """What one model does closes nothing of another."""
    told.hear(alert(1), alert(2, model="diabetes"), alert(3, rule="noon-poison", model=None))
    told.hear(alert(2, "Resolved", model="diabetes"))
    standing = {issue.draft.title: issue.is_open for issue in told.tracker.issues.values()}
    assert standing == {
        f"{RULE}: flights": True,
        f"{RULE}: diabetes": False,
        "noon-poison: ws": True,
    }


STORY = (
    alert(1),
    alert(1),
    alert(1, "Resolved", resolved=5),
    alert(2, fired=30),
    alert(2, "Resolved", fired=30, resolved=40),
)


def test_any_order_ends_in_one_issue_or_none_and_nothing_open(world: World) -> None:
    """Two alerts that fired and were resolved leave nothing open, whatever comes when."""
    for story in permutations(STORY):
        told = told_by(world)
        told.hear(*story)
        assert len(told.tracker.issues) <= 1
        assert not any(issue.is_open for issue in told.tracker.issues.values()), story


def test_any_order_keeps_open_what_fires(world: World) -> None:
    """The newest alert was not resolved: the one issue is open in the end."""
    for story in permutations(STORY[:-1]):
        told = told_by(world)
        told.hear(*story)
        (issue,) = told.tracker.issues.values()
        assert issue.is_open, story


def test_every_alert_ends_in_one_decision_that_why_finds(told: Told) -> None:
    """Acted, duplicate, late or overtaken: each has its record, with the numbers."""
    told.hear(alert(2, fired=30), alert(2, fired=30), alert(1), alert(2, "Resolved", fired=30))
    told.hear(alert(2, "Resolved", fired=30), alert(2, fired=30))
    told.hear(alert(3, "Resolved", fired=50, resolved=55), alert(3, fired=50))
    assert told.codes == [
        "alert_fired",
        "alert_repeated",
        "alert_overtaken",
        "alert_resolved",
        "alert_repeated",
        "alert_late",
        "alert_never_open",
        "alert_late",
    ]
    chain = why(told.world.plane, guid(3))
    codes = [link["reasons"][0]["code"] for link in chain["links"]]
    assert codes == ["alert_never_open", "alert_late"]
    assert chain["links"][0]["facts"]["numbers"]
    assert why(told.world.plane, f"event:{guid(1)}")["model"] == "flights"
    path = f"/subscriptions/s/providers/Microsoft.AlertsManagement/alerts/{guid(1)}"
    assert why(told.world.plane, path)["model"] == "flights"


def test_notice_that_comes_twice_is_seen_to_once(told: Told) -> None:
    """The queue delivers at least once."""
    told.post(alert())
    notice = told.world.notices.receive()
    assert notice is not None
    first = take_notice(told.outside, notice_text(notice))
    assert take_notice(told.outside, notice_text(notice)) is None
    assert [each for each in told.world.decisions.decisions if each.about] == [first]


class Losing(MemoryIssueTracker):
    """An issue tracker whose answers are lost at one call."""

    def __init__(self, call: str) -> None:
        super().__init__()
        self.call = call

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in ("find", "create", "change", "say") or name != self.call:
            return found

        def lost(*given: Any, **named: Any) -> Any:
            self.call = ""
            found(*given, **named)
            raise UnavailableError(f"{name}: the answer was lost")

        return lost


@pytest.mark.parametrize("call", ["find", "create", "change", "say"])
def test_lost_answers_make_no_second_issue(world: World, call: str) -> None:
    """What was made and not heard of is found by its marker; the notice comes again later."""
    tracker = Losing(call)
    told = told_by(world, tracker=tracker)
    for word in (alert(1), alert(1, "Resolved"), alert(2, fired=30)):
        told.hear(word)
        world.go_on(1)
        told.work_off()
    (issue,) = tracker.issues.values()
    assert issue.is_open
    assert len(set(issue.comments)) == len(issue.comments)
    assert tracker.call == ""
    assert told.codes == ["alert_fired", "alert_resolved", "alert_fired"]


@pytest.mark.parametrize("call", ["create", "change", "say"])
def test_resolved_closes_what_a_lost_answer_opened(world: World, call: str) -> None:
    """The firing waits to be tried again when its end comes, and then opens nothing any more."""
    tracker = Losing("")
    told = told_by(world, tracker=tracker)
    if call != "create":
        told.hear(alert(1), alert(1, "Resolved"))
    tracker.call = call
    told.hear(alert(2, fired=30))
    assert tracker.call == ""
    told.hear(alert(2, "Resolved", fired=30, resolved=31))
    (issue,) = tracker.issues.values()
    assert not issue.is_open
    world.go_on(2)
    told.work_off()
    assert world.notices.waiting == []
    assert len(tracker.issues) == 1
    assert not issue.is_open
    assert told.codes[-2:] == ["alert_late", "alert_never_open"]


def test_row_that_was_lost_makes_no_second_issue(told: Told) -> None:
    """The marker in the body is looked for before anything is opened."""
    told.hear(alert(1))
    told.alerts.forget(RULE, "flights")
    told.hear(alert(2, fired=30))
    assert len(told.tracker.issues) == 1


def test_issue_that_somebody_deleted_is_opened_anew(told: Told) -> None:
    """The number in the row is not believed for ever."""
    told.hear(alert(1))
    told.tracker.issues.clear()
    told.hear(alert(2, fired=30))
    assert list(told.tracker.issues) == [2]


class Limited(MemoryIssueTracker):
    """GitHub says: not now."""

    def find(self, marker: str, label: str) -> int | None:
        """Never answered."""
        raise BusyError("429", 900)


def test_retry_after_is_respected_and_nothing_is_lost(world: World) -> None:
    """The copy comes no sooner than was asked, with one more attempt; the decision says so."""
    told = told_by(world, tracker=Limited())
    told.hear(alert())
    ((visible_at, notice),) = world.notices.waiting
    assert (visible_at - world.clock.now()).total_seconds() == 900
    assert notice.attempt == 1
    assert world.decisions.decisions[-1].kind is Kind.FAILED
    assert "will be tried again in 900 s" in world.decisions.decisions[-1].outcome


def test_what_fails_for_a_day_is_left_to_the_poison_queue(world: World) -> None:
    """The last attempt raises, so that the platform puts it aside, and the record says where."""
    told = told_by(world, tracker=Limited())
    told.post(alert())
    for _ in range(ATTEMPTS_MAX - 1):
        world.clock.advance(world.notices.waiting[0][0] - world.clock.now())
        told.work_off()
    world.clock.advance(world.notices.waiting[0][0] - world.clock.now())
    with pytest.raises(BusyError):
        told.work_off()
    assert world.notices.waiting == []
    (decision,) = (each for each in world.decisions.decisions if each.about)
    assert "noon replay --poison" in decision.outcome


def test_two_workers_open_one_issue(told: Told) -> None:
    """Whoever comes second leaves the issue to the first and comes again."""
    told.post(alert(1))
    told.post(alert(2, fired=1))
    first, second = (told.world.notices.receive() for _ in range(2))
    assert first is not None
    assert second is not None

    class Meanwhile(MemoryIssueTracker):
        def find(self, marker: str, label: str) -> int | None:
            if not self.issues:
                self.issues[0] = None  # type: ignore[assignment]
                take_notice(told.outside, notice_text(second))
                self.issues.clear()
            return super().find(marker, label)

    tracker = Meanwhile()
    told.outside = replace(told.outside, tracker=tracker)
    take_notice(told.outside, notice_text(first))
    told.world.go_on(1)
    told.work_off()
    assert len(tracker.issues) == 1
    assert "**Firing** since 2026-11-23 12:01Z" in tracker.issues[1].draft.body


def test_without_a_repository_alerts_are_recorded(world: World) -> None:
    """Nobody is told, nothing is lost."""
    told = told_by(world, tracker=None)
    told.hear(alert(), alert(1, "Resolved"))
    assert told.codes == ["alert_fired", "alert_resolved"]
    assert "no_tracker" in world.codes()


def test_alert_of_an_unknown_model_is_recorded_and_left(told: Told) -> None:
    """A dimension can say anything; only our models have issues."""
    assert told.post(alert(model="weather"))[0] == 202
    assert told.world.notices.waiting == []
    assert told.codes == ["alert_unknown_model"]


def changed(*path: str, to: Any) -> dict[str, Any]:
    """An alert with one field set, or gone."""
    content = alert()
    place = content
    for name in path[:-1]:
        place = place[name]
    if to is None:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return content


WHOLE = json.dumps(alert()).encode()
BAD = [
    (b"", 422, "not JSON"),
    (WHOLE[:-40], 422, "not JSON"),
    (b"\xff\xfe\xff", 422, "not JSON"),
    (b"[" * 100_000, 422, "not JSON"),
    (b"[]", 422, "the body must be an object, not list"),
    (changed("schemaId", to="AIP Budget Notification"), 422, "schemaId is 'AIP Budget"),
    (changed("schemaId", to=7), 422, "schemaId is 7"),
    (changed("data", to="x"), 422, "data must be an object, not str"),
    (changed("data", "essentials", to=[]), 422, "data.essentials must be an object"),
    (changed("data", "essentials", "alertId", to=None), 422, "alertId must be a text"),
    (changed("data", "essentials", "alertRule", to=7), 422, "alertRule must be a text"),
    (changed("data", "essentials", "alertRule", to="x" * 300), 422, "has 300 characters"),
    (changed("data", "essentials", "monitorCondition", to="Ended"), 422, "'Fired' or 'Resolved'"),
    (changed("data", "essentials", "firedDateTime", to="noon"), 422, "no time as ISO 8601"),
    (changed("data", "essentials", "severity", to=2), 422, "severity must be a text"),
    (changed("data", "alertContext", "condition", to=[1]), 422, "condition must be an object"),
    (changed("data", "alertContext", "condition", "allOf", to={}), 422, "allOf must be a list"),
    (changed("data", "alertContext", "condition", "allOf", to=[1]), 422, "must be an object"),
    (WHOLE + b" " * 300_000, 413, "at most 262144"),
]


@pytest.mark.parametrize(("content", "status", "words"), BAD, ids=[each[2] for each in BAD])
def test_what_is_no_alert_is_refused_by_name(
    told: Told, content: object, status: int, words: str
) -> None:
    """The answer names the field, the refusal is recorded, and nothing else happens."""
    got, problem = told.post(content)
    assert got == problem["status"] == status
    assert words in problem["detail"]
    (decision,) = told.world.decisions.decisions
    assert (decision.model, decision.kind) == (NOBODY, Kind.REFUSED)
    assert decision.reasons[0].text == problem["detail"]
    assert told.world.notices.waiting == []


def test_resolved_needs_its_time(told: Told) -> None:
    """Without it nobody could say what came first."""
    content = alert(1, "Resolved")
    del content["data"]["essentials"]["resolvedDateTime"]
    status, problem = told.post(content)
    assert (status, "resolvedDateTime" in problem["detail"]) == (422, True)


def test_texts_of_others_hide_and_call_nothing(told: Told) -> None:
    """A description cannot fake a marker, and mentions nobody."""
    evil = changed("data", "essentials", "description", to="<!-- noon:x --> @octocat")
    told.hear(evil)
    body = told.tracker.issues[1].draft.body
    assert body.count("<!--") == 1
    assert "@octocat" not in body


def test_storage_that_does_not_answer_makes_azure_come_again(world: World) -> None:
    """503 is sent again by Azure Monitor; any other refusal would lose the alert."""

    class Out:
        def send(self, notice: object, delay_seconds: int = 0) -> None:
            raise UnavailableError("no answer")

    told = told_by(world, notices=Out())
    assert told.post(alert())[0] == 503
