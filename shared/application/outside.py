"""Whom the control plane tells, and with which words and addresses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from shared.application.plane import ControlPlane
from shared.domain.alerts import Alert
from shared.domain.notices import Notice
from shared.outlets import AlertStore, EventPublisher, IssueTracker, NoticeQueue

RULE_PREFIX = "noon-"
"""How the names of our own alert rules begin; the runbook calls them by the rest."""


@dataclass(frozen=True, slots=True)
class Links:
    """Where people look further; empty where there is nothing to look at."""

    web_url: str = ""
    runbooks_url: str = ""

    def why(self, asked: str, model: str) -> str:
        """How to learn what is behind an id: a command, and a link where there is a page."""
        command = f"`noon why {asked}{f' --model {model}' if model else ''}`"
        if not self.web_url or not model:
            return command
        page = f"{self.web_url}/decisions/{quote(model, safe='')}?why={quote(asked, safe='')}"
        return f"[{asked}]({page}), or {command}"

    def runbook(self, rule: str) -> str:
        """What to do about an alert of a rule of ours; empty for the rules of others."""
        if not self.runbooks_url or not rule.startswith(RULE_PREFIX):
            return ""
        name = rule.removeprefix(RULE_PREFIX)
        return f"[What this means and what to do]({self.runbooks_url}#{quote(name)})"


@dataclass(frozen=True, slots=True)
class Outside:
    """The control plane, and everything that is told outside of it."""

    plane: ControlPlane
    notices: NoticeQueue
    alerts: AlertStore
    read_alert: Callable[[bytes], Alert]
    """Parses the common alert schema; raises MalformedError that names the field."""
    read_notice: Callable[[str], Notice]
    """Parses the text of a queue message; raises MalformedError."""
    tracker: IssueTracker | None = None
    """None where no repository is set: alerts are recorded all the same."""
    publisher: EventPublisher | None = None
    """None where no topic is set."""
    links: Links = Links()
