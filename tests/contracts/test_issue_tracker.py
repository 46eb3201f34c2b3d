"""What every IssueTracker keeps to, and GitHub's limits and failures as the adapter takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.adapters.github_issues import LIMITED_SECONDS, GitHubIssueTracker
from shared.adapters.memory.outside import MemoryIssueTracker
from shared.domain.errors import BusyError, NotFoundError, RefusedError, UnavailableError
from shared.outlets import IssueDraft, IssueTracker
from tests.contracts.github_server import (
    APP_ID,
    INSTALLATION_ID,
    REPOSITORY,
    Fault,
    GitHub,
    served,
)

MARKER = "<!-- noon:abc -->"
LABEL = "noon:alert"
DRAFT = IssueDraft(MARKER, "Late: flights", f"Since noon. ü\n\n{MARKER}", (LABEL, "noon:flights"))
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
CLOCK = 1_800_000_000


@dataclass(frozen=True)
class TrackerUnderTest:
    """A tracker, and what people see there."""

    tracker: IssueTracker
    seen: Callable[[int], tuple[str, str, bool]]
    """Title, body, and whether it is open."""
    comments: Callable[[int], list[str]]
    delete: Callable[[int], object]


@pytest.fixture
def github() -> Iterator[GitHub]:
    """GitHub at a port of its own."""
    with served() as github:
        yield github


def tracker_of(github: GitHub, **changes: Any) -> GitHubIssueTracker:
    """The adapter, as the app would make it."""
    given: dict[str, Any] = {
        "repository": REPOSITORY,
        "app_id": APP_ID,
        "installation_id": INSTALLATION_ID,
        "private_key": github.private_key,
        "api_url": github.url,
        "now": lambda: CLOCK,
    }
    return GitHubIssueTracker(**(given | changes))


@pytest.fixture(params=["memory", "github"])
def under_test(request: pytest.FixtureRequest) -> TrackerUnderTest:
    """No issue yet."""
    if request.param == "memory":
        memory = MemoryIssueTracker()
        return TrackerUnderTest(
            memory,
            lambda number: (
                memory.issues[number].draft.title,
                memory.issues[number].draft.body,
                memory.issues[number].is_open,
            ),
            lambda number: [text for _, text in memory.issues[number].comments],
            memory.issues.pop,
        )
    github: GitHub = request.getfixturevalue("github")
    return TrackerUnderTest(
        tracker_of(github),
        lambda number: (
            github.issues[number]["title"],
            github.issues[number]["body"],
            github.issues[number]["state"] == "open",
        ),
        lambda number: [each["body"] for each in github.comments[number]],
        github.deleted.add,
    )


def test_issue_is_found_by_its_marker(under_test: TrackerUnderTest) -> None:
    """Open or closed, by marker and label; another marker is another issue."""
    tracker = under_test.tracker
    assert tracker.find(MARKER, LABEL) is None
    number = tracker.create(DRAFT)
    assert under_test.seen(number) == (DRAFT.title, DRAFT.body, True)
    assert tracker.find(MARKER, LABEL) == number
    assert tracker.find("<!-- noon:xyz -->", LABEL) is None
    assert tracker.find(MARKER, "noon:rollouts") is None
    assert tracker.change(number, DRAFT, is_open=False)
    assert tracker.find(MARKER, LABEL) == number


def test_the_oldest_of_two_is_the_one(under_test: TrackerUnderTest) -> None:
    """Should two have been made after all, everybody goes on with the same."""
    first = under_test.tracker.create(DRAFT)
    second = under_test.tracker.create(DRAFT)
    assert first != second
    assert under_test.tracker.find(MARKER, LABEL) == first


def test_change_makes_it_so_and_again(under_test: TrackerUnderTest) -> None:
    """The same change twice is one."""
    tracker, number = under_test.tracker, under_test.tracker.create(DRAFT)
    closed = replace(DRAFT, title="Was late", body=f"Over.\n\n{MARKER}")
    for _ in range(2):
        assert tracker.change(number, closed, is_open=False)
        assert under_test.seen(number) == (closed.title, closed.body, False)
    assert tracker.change(number, DRAFT, is_open=True)
    assert under_test.seen(number) == (DRAFT.title, DRAFT.body, True)


def test_issue_that_is_not_there_is_no_error(under_test: TrackerUnderTest) -> None:
    """Deleted or never made: the answer says so, and nothing is made instead."""
    tracker = under_test.tracker
    assert not tracker.change(77, DRAFT, is_open=True)
    number = tracker.create(DRAFT)
    under_test.delete(number)
    assert not tracker.change(number, DRAFT, is_open=True)
    assert tracker.find(MARKER, LABEL) is None


def test_a_comment_is_said_once(under_test: TrackerUnderTest) -> None:
    """The marker tells that it was said; another one is another comment."""
    tracker, number = under_test.tracker, under_test.tracker.create(DRAFT)
    for marker in ("<!-- noon:1 -->", "<!-- noon:1 -->", "<!-- noon:2 -->"):
        tracker.say(number, marker, f"Said {marker[-5]}", LONG_AGO)
    assert [text[:6] for text in under_test.comments(number)] == ["Said 1", "Said 2"]


def test_every_page_is_looked_at(github: GitHub) -> None:
    """The issue may be the last of very many, and so may be the comment."""
    tracker = tracker_of(github)
    for each in range(250):
        other = f"<!-- noon:o{each} -->"
        tracker.create(IssueDraft(other, "Other", other, (LABEL,))) if each < 3 else None
    for number in range(4, 251):
        github.issues[number] = github.issues[1] | {"number": number, "body": f"n{number}"}
    github.issues[230]["body"] = MARKER
    assert tracker.find(MARKER, LABEL) == 230
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    github.comments[1] = [
        {"id": n, "url": github.url, "body": f"c{n}", "updated_at": now} for n in range(150)
    ]
    github.comments[1].append(github.comments[1][0] | {"body": "<!-- noon:c -->"})
    tracker.say(1, "<!-- noon:c -->", "again", datetime.now(UTC) - timedelta(hours=1))
    assert len(github.comments[1]) == 151


def test_pull_requests_are_no_issues(github: GitHub) -> None:
    """GitHub lists them among the issues."""
    tracker = tracker_of(github)
    number = tracker.create(DRAFT)
    github.issues[number]["html_url"] = f"https://github.com/{REPOSITORY}/pull/{number}"
    assert tracker.find(MARKER, LABEL) is None


def test_one_token_serves_many_calls_until_it_ends(github: GitHub) -> None:
    """The token is the installation's, asked for with a signed JWT, and asked for anew in time."""
    tracker = tracker_of(github)
    tracker.create(DRAFT)
    tracker.find(MARKER, LABEL)
    assert len(github.tokens) == 1
    assert all(call.token.startswith("token ghs_") for call in github.calls[1:])
    github.token_minutes = 0.1
    again = tracker_of(github)
    again.create(DRAFT)
    again.create(DRAFT)
    assert len(github.tokens) == 3


def test_wrong_key_is_unavailable_until_it_is_put_right(github: GitHub) -> None:
    """What an operator cures is tried again later, and its text names what was being done."""
    with served("somebody else") as other:
        tracker = tracker_of(github, private_key=other.private_key)
        with pytest.raises(UnavailableError, match="look for an issue: 401"):
            tracker.find(MARKER, LABEL)
    assert github.issues == {}


def test_key_that_is_none_is_said(github: GitHub) -> None:
    """A key that cannot be read is refused by name, not by a traceback."""
    with pytest.raises(RefusedError, match="no RSA key as PEM"):
        tracker_of(github, private_key="secret").find(MARKER, LABEL)


def test_repository_that_is_not_there(github: GitHub) -> None:
    """Or in which the app is not installed: that is no missing issue."""
    tracker = tracker_of(github, repository="octo/other")
    with pytest.raises(NotFoundError, match="404"):
        tracker.create(DRAFT)
    with pytest.raises(NotFoundError, match="404"):
        tracker.find(MARKER, LABEL)


LIMITS = [
    (429, {"retry-after": "120"}, "", 120),
    (403, {"retry-after": "31"}, "You have exceeded a secondary rate limit", 31),
    (
        403,
        {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(CLOCK + 600)},
        "API rate limit exceeded for installation ID 7001",
        601,
    ),
    (
        429,
        {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(CLOCK - 5)},
        "API rate limit exceeded",
        1,
    ),
    (403, {}, "You have exceeded a secondary rate limit. Please wait a few minutes", 60),
]


@pytest.mark.parametrize(("status", "headers", "message", "seconds"), LIMITS)
@pytest.mark.parametrize("path", ["access_tokens", "/issues$"])
def test_limits_say_how_long_to_wait(
    github: GitHub, status: int, headers: dict[str, str], message: str, seconds: int, path: str
) -> None:
    """By Retry-After, by the time of the reset, or a minute where GitHub says neither."""
    assert LIMITED_SECONDS == 60
    github.faults.append(Fault("POST", path, status, headers, message))
    tracker = tracker_of(github)
    with pytest.raises(BusyError) as raised:
        tracker.create(DRAFT)
    assert raised.value.retry_after_seconds == seconds
    assert github.issues == {}
    # One attempt: the queue comes again, not the client.
    assert len([call for call in github.calls if path.strip("$") in call.path]) == 1
    assert tracker.create(DRAFT) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (500, UnavailableError),
        (502, UnavailableError),
        (503, UnavailableError),
        (0, UnavailableError),
        (403, RefusedError),
        (422, RefusedError),
    ],
)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_failures_of_a_call(
    github: GitHub, status: int, error: type[Exception], after: bool
) -> None:
    """A lost answer may have had its effect: then the marker finds it."""
    github.faults.append(Fault("POST", "/issues$", status, message="no", after=after))
    tracker = tracker_of(github)
    with pytest.raises(error):
        tracker.create(DRAFT)
    assert (tracker.find(MARKER, LABEL) == 1) is after


def test_server_that_is_gone() -> None:
    """Nobody listens: that is no answer, whatever the call."""
    with served() as github:
        tracker = tracker_of(github)
    with pytest.raises(UnavailableError, match="GitHub did not answer"):
        tracker.find(MARKER, LABEL)
