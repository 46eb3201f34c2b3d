"""What the tests let Azure Monitor say, and who is told in memory."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from shared.adapters.azure_notices import notice_text, parse_notice
from shared.adapters.common_alert import parse_alert
from shared.adapters.memory.outside import (
    MemoryAlertStore,
    MemoryEventPublisher,
    MemoryIssueTracker,
)
from shared.application.alert_intake import receive_alert
from shared.application.notices import take_notice
from shared.application.outside import Links, Outside
from shared.domain.decision import Decision
from tests.application.conftest import World
from tests.builders import NOON

RULE = "noon-slot-overdue"
LINKS = Links("https://noon.example.org", "https://docs.example.org/runbooks.html")


def guid(number: int) -> str:
    """The id of an alert."""
    return f"0a1b2c3d-0000-4000-8000-{number:012}"


def alert(
    number: int = 1,
    condition: str = "Fired",
    *,
    fired: float = 0,
    resolved: float = 5,
    model: str | None = "flights",
    rule: str = RULE,
    dimension: str = "noon.model",
) -> dict[str, Any]:
    """An alert of a log query in the common alert schema, minutes after noon."""
    essentials: dict[str, Any] = {
        "alertId": f"/subscriptions/s/providers/Microsoft.AlertsManagement/alerts/{guid(number)}",
        "alertRule": rule,
        "severity": "Sev2",
        "signalType": "Log",
        "monitorCondition": condition,
        "monitoringService": "Log Alerts V2",
        "alertTargetIDs": ["/subscriptions/s/resourcegroups/rg/providers/m/components/appi"],
        "firedDateTime": f"{NOON + timedelta(minutes=fired):%Y-%m-%dT%H:%M:%S}.1234567Z",
        "description": "A slot is due and has no job.",
        "essentialsVersion": "1.0",
        "alertContextVersion": "1.0",
    }
    if condition == "Resolved":
        at = NOON + timedelta(minutes=resolved)
        essentials["resolvedDateTime"] = f"{at:%Y-%m-%dT%H:%M:%S}.1234567Z"
    dimensions = [{"name": dimension, "value": model}] if model else []
    condition_met = {
        "searchQuery": "customMetrics",
        "metricMeasureColumn": "minutes",
        "operator": "GreaterThan",
        "threshold": "15",
        "timeAggregation": "Maximum",
        "dimensions": dimensions,
        "metricValue": 17.5,
        "linkToFilteredSearchResultsUI": "https://portal.example.org/logs?q=1",
    }
    context = {
        "properties": None,
        "conditionType": "LogQueryCriteria",
        "condition": {"windowSize": "PT15M", "allOf": [condition_met]},
    }
    data = {"essentials": essentials, "alertContext": context, "customProperties": None}
    return {"schemaId": "azureMonitorCommonAlertSchema", "data": data}


@dataclass
class Told:
    """A control plane with everybody who is told by it, in memory."""

    world: World
    outside: Outside
    tracker: MemoryIssueTracker = field(default_factory=MemoryIssueTracker)
    publisher: MemoryEventPublisher = field(default_factory=MemoryEventPublisher)
    alerts: MemoryAlertStore = field(default_factory=MemoryAlertStore)

    def post(self, content: object) -> tuple[int, dict[str, Any]]:
        """Send an alert as it travels; its status and answer."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        answer = receive_alert(self.outside, body)
        return answer.status, json.loads(answer.body)

    def work_off(self) -> list[Decision | None]:
        """Take in every notice that can be seen."""
        ended = []
        for _ in range(50):
            notice = self.world.notices.receive()
            if notice is None:
                return ended
            ended.append(take_notice(self.outside, notice_text(notice)))
        raise AssertionError("still busy")

    def hear(self, *contents: object) -> None:
        """Alerts come in one after the other, and are seen to."""
        for content in contents:
            assert self.post(content)[0] == 202
            self.work_off()

    @property
    def codes(self) -> list[str]:
        """The first reasons of what alerts ended in, in the order in which they came in."""
        found = self.world.decisions.decisions
        return [each.reasons[0].code for each in found if each.cause.startswith("alert")]


def told_by(world: World, **changes: Any) -> Told:
    """Everybody is told, unless the changes say otherwise."""
    tracker, publisher, alerts = MemoryIssueTracker(), MemoryEventPublisher(), MemoryAlertStore()
    given: dict[str, Any] = {
        "plane": world.plane,
        "notices": world.notices,
        "alerts": alerts,
        "read_alert": parse_alert,
        "read_notice": parse_notice,
        "tracker": tracker,
        "publisher": publisher,
        "links": LINKS,
    }
    return Told(world, Outside(**(given | changes)), tracker, publisher, alerts)
