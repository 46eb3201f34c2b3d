"""Issues of a GitHub repository, by the token of an app's installation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING

from shared.domain.errors import (
    BusyError,
    NoonError,
    NotFoundError,
    RefusedError,
    UnavailableError,
)
from shared.outlets import IssueDraft

if TYPE_CHECKING:
    from github import GithubException
    from github.Issue import Issue
    from github.Repository import Repository

TIMEOUT_SECONDS = 15
LIMITED_SECONDS = 60
"""What GitHub asks for when it limits without saying for how long."""
SKEW = timedelta(hours=1)
"""So far GitHub's clock may be behind ours when comments are looked for by time."""


class GitHubIssueTracker:
    """The issues of one repository; client and token come with the first use."""

    def __init__(
        self,
        repository: str,
        app_id: str,
        installation_id: int,
        private_key: str,
        api_url: str,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._name = repository
        self._app = (app_id, installation_id, private_key)
        self._api_url = api_url
        self._now = now
        self._lock = Lock()
        self._repository: Repository | None = None

    def find(self, marker: str, label: str) -> int | None:
        """The number of the oldest issue with the marker; None if none has it.

        By the list of the label's issues: the search of GitHub is minutes behind.
        """
        with self._errors("look for an issue"):
            issues = self._repo().get_issues(
                state="all", labels=[label], sort="created", direction="asc"
            )
            # Pull requests are listed too; asking one for more would be a request each.
            found = (each for each in issues if "/pull/" not in each.html_url)
            return next((each.number for each in found if marker in (each.body or "")), None)

    def create(self, draft: IssueDraft) -> int:
        """Open it; gives its number. Labels that are missing are made by GitHub."""
        with self._errors("open an issue"):
            made = self._repo().create_issue(draft.title, draft.body, labels=list(draft.labels))
            return made.number

    def change(self, number: int, draft: IssueDraft, *, is_open: bool) -> bool:
        """Make it as the draft says; False when there is no such issue any more."""
        try:
            with self._errors(f"change issue {number}"):
                self._issue(number).edit(
                    title=draft.title, body=draft.body, state="open" if is_open else "closed"
                )
        except NotFoundError:
            return False
        return True

    def say(self, number: int, marker: str, text: str, since: datetime) -> None:
        """Comment, unless a comment from `since` on has the marker."""
        with self._errors(f"comment on issue {number}"):
            issue = self._issue(number)
            comments = issue.get_comments(since=since - SKEW)
            if all(marker not in (each.body or "") for each in comments):
                issue.create_comment(f"{text}\n\n{marker}")

    def _issue(self, number: int) -> Issue:
        return self._repo().get_issue(number)

    def _repo(self) -> Repository:
        with self._lock:
            if self._repository is None:
                self._repository = self._made()
            return self._repository

    def _made(self) -> Repository:
        from github import Auth, Github

        app_id, installation_id, private_key = self._app
        client = Github(
            auth=Auth.AppInstallationAuth(Auth.AppAuth(app_id, private_key), installation_id),
            base_url=self._api_url,
            timeout=TIMEOUT_SECONDS,
            per_page=100,
            # One attempt: the queue comes again, and later than a client would wait.
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
            # A repository or an issue is not read before something is asked of it.
            lazy=True,
        )
        return client.get_repo(self._name)

    @contextmanager
    def _errors(self, doing: str) -> Iterator[None]:
        from github import GithubException
        from jwt import PyJWTError
        from requests import RequestException

        try:
            yield
        except PyJWTError as error:
            text = f"{doing}: the key of the GitHub App is no RSA key as PEM ({error})"
            raise RefusedError(text) from error
        except GithubException as error:
            raise self._error(doing, error) from error
        except (RequestException, OSError) as error:
            raise UnavailableError(f"{doing}: GitHub did not answer: {error}") from error

    def _error(self, doing: str, error: GithubException) -> NoonError:
        """The error that an answer stands for; GitHub says a limit with 403 as well as with 429."""
        status, data = error.status, error.data
        words = data.get("message") if isinstance(data, dict) else data
        text = f"{doing}: {status} {words}"
        if status == 429 or (status == 403 and self._is_limit(error)):
            return BusyError(text, self._seconds(error))
        if status in (404, 410):
            return NotFoundError(text)
        # A refused token is cured by an operator, who puts the right key there.
        if status == 401 or status >= 500:
            return UnavailableError(text)
        return RefusedError(text)

    def _is_limit(self, error: GithubException) -> bool:
        headers = error.headers or {}
        said = "rate limit" in str(error.data).lower()
        return said or "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0"

    def _seconds(self, error: GithubException) -> int:
        """How long to wait, by the header that says it, or until the limit begins anew."""
        headers = error.headers or {}
        after, reset = headers.get("retry-after", ""), headers.get("x-ratelimit-reset", "")
        if after.isdigit():
            return max(1, int(after))
        if headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
            return max(1, int(reset) - int(self._now()) + 1)
        return LIMITED_SECONDS
