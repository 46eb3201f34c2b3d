"""When a delivery that failed is tried again, when it is given up, and which endpoints rest.

Schedule, statuses and probation as Azure's "Event Grid message delivery and retry" describes them;
how many failures in a row bring an endpoint on probation is not published and chosen here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from .chosen import Chosen
    from .journal import Delivery
    from .subscription import Subscription

Answer = int | str
"""A status, or the name of what went wrong before there was one."""

SUCCESSES = (200, 201, 202, 203, 204)
NEVER_RETRIED = (400, 401, 403, 413)
RETRY_SECONDS = (10, 30, 60, 300, 600, 1800, 3600, 10800, 21600, 43200)
LEAST_SECONDS = {408: 120, 503: 30}
PROBATION_FAILURES = 10
PROBATION_SECONDS = {
    "NotFound": 300,
    "ResolutionError": 300,
    "Unauthorized": 300,
    "Forbidden": 300,
    "SocketError": 30,
}
PROBATION_SECONDS_OTHERWISE = 10


def succeeded(answer: Answer) -> bool:
    """Tell whether an answer ends the delivery."""
    return answer in SUCCESSES


def outcome_of(answer: Answer) -> str:
    """Return the name of an answer, as in the `lastDeliveryOutcome` of a dead letter."""
    if isinstance(answer, str):
        return answer
    try:
        return HTTPStatus(answer).phrase.replace(" ", "").replace("-", "")
    except ValueError:
        return str(answer)


def pause(attempts: int, answer: Answer, chosen: Chosen) -> timedelta:
    """Return how long to wait after so many attempts, of which the last was answered so."""
    seconds = RETRY_SECONDS[min(attempts, len(RETRY_SECONDS)) - 1]
    least = LEAST_SECONDS.get(answer, 0) if isinstance(answer, int) else 0
    return timedelta(seconds=max(seconds, least)) * chosen.retry_scale


def give_up_reason(
    delivery: Delivery, subscription: Subscription, answer: Answer, now: datetime, chosen: Chosen
) -> str | None:
    """Return why a delivery that was just answered so is not tried again, or None when it is."""
    attempts = delivery.attempts + 1
    if answer in NEVER_RETRIED:
        return "UndeliverableDueToClientError"
    if attempts >= subscription.attempts_max:
        return "MaxDeliveryAttemptsExceeded"
    lifetime = timedelta(minutes=subscription.lifetime_minutes) * chosen.retry_scale
    if now + pause(attempts, answer, chosen) > delivery.event.at + lifetime:
        return "TimeToLiveExceeded"
    return None


@dataclass(slots=True)
class _Health:
    failures: int = 0
    until: datetime | None = None


class Probation:
    """Endpoints that failed again and again: nothing is sent to them for a while."""

    def __init__(self, chosen: Chosen) -> None:
        self._chosen = chosen
        self._health: dict[str, _Health] = {}

    def until(self, subscription: str, now: datetime) -> datetime | None:
        """Return when the subscription's endpoint may be tried again, or None when it may now."""
        health = self._health.get(subscription)
        until = health.until if health else None
        return until if until is not None and until > now else None

    def note(self, subscription: str, answer: Answer, now: datetime) -> None:
        """Take in how an attempt went."""
        if succeeded(answer):
            self._health.pop(subscription, None)
            return
        health = self._health.setdefault(subscription, _Health())
        health.failures += 1
        if health.failures >= PROBATION_FAILURES:
            seconds = PROBATION_SECONDS.get(outcome_of(answer), PROBATION_SECONDS_OTHERWISE)
            health.until = now + timedelta(seconds=seconds) * self._chosen.retry_scale

    def listed(self, now: datetime) -> list[dict[str, object]]:
        """Return the subscriptions that rest, and until when."""
        resting = {key: self.until(key, now) for key in self._health}
        return [
            {"subscription": key.rpartition("/")[2], "until": until.isoformat()}
            for key, until in resting.items()
            if until is not None
        ]
