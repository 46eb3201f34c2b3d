"""Faults on demand: the one place that knows what the next calls of an operation suffer."""

from __future__ import annotations

import random
import threading
import time
import uuid
from dataclasses import MISSING, asdict, dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any

from .fault_presets import with_preset
from .fault_rules import check


@dataclass(slots=True)
class Fault:
    """One rule; `count` calls of the operations that match it are hit, then it is spent."""

    operation: str
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    resource: str = "*"
    """Pattern of the path below the workspace, or of an event's subject."""
    count: int | None = 1
    """None hits until the rule is deleted."""
    for_seconds: float | None = None
    probability: float = 1.0
    seed: int | None = None
    status: int | None = None
    by: str = "platform"
    """Who fails in scoring: the 'container' (its status is wrapped) or the 'platform'."""
    code: str = ""
    inner: str = ""
    message: str = ""
    delay_seconds: float = 0.0
    delay_factor: float = 1.0
    drop: str = ""
    """'before': the call is lost; 'after': it happens, but its answer is lost."""
    kill: bool = False
    """The deployment's processes are killed while the request is under way."""
    copies: int = 1
    """So many times an event is accepted, always with the same id."""
    hits: int = 0

    def words(self, what: str) -> str:
        """Give the error's message, or one that names what was hit."""
        return self.message or f"{what} was told to fail."

    @property
    def fails(self) -> bool:
        """Say whether what is hit ends with an error."""
        return bool(self.status or self.code)


IDLE = {
    each.name: each.default
    for each in fields(Fault)
    if each.default is not MISSING and each.name != "count"
}
"""What fields say that do nothing: a rule that was read can be given again."""


@dataclass(slots=True)
class _Rule:
    fault: Fault
    added_at: float
    dice: random.Random

    def matches(self, operation: str, resource: str, since: float | None) -> bool:
        fault = self.fault
        if fault.for_seconds is not None:
            begun = self.added_at if since is None else since
            if time.time() - begun > fault.for_seconds:
                return False
        return fnmatchcase(operation.lower(), fault.operation.lower()) and fnmatchcase(
            resource.lower(), fault.resource.lower()
        )

    def strikes(self) -> bool:
        return self.fault.probability >= 1 or self.dice.random() < self.fault.probability


class Faults:
    """The rules that are not spent yet, in the order in which they were given.

    Safe to use from several threads.
    """

    def __init__(self) -> None:
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()
        self.operations: set[str] = set()
        """The names of the control plane's operations, for which rules may be given."""

    def add(self, rule: dict[str, Any]) -> str:
        """Take one rule, give its id; BadRuleError when it means nothing.

        `preset` names a rule of the catalogue, of which the other fields change something. A
        rule with the id of an older one takes its place.
        """
        given = with_preset(
            {key: value for key, value in rule.items() if key not in IDLE or value != IDLE[key]}
        )
        given.pop("hits", None)
        check(given, self.operations)
        if given.get("for_seconds") is not None:
            given.setdefault("count", None)
        fault = Fault(**given)
        dice = random.Random(fault.seed)  # noqa: S311 - no secret
        with self._lock:
            self._rules = [other for other in self._rules if other.fault.id != fault.id]
            self._rules.append(_Rule(fault, time.time(), dice))
        return fault.id

    def remove(self, rule_id: str) -> dict[str, Any] | None:
        """Forget one rule and give it with its hits; None when it is not there."""
        with self._lock:
            for rule in self._rules:
                if rule.fault.id == rule_id:
                    self._rules.remove(rule)
                    return asdict(rule.fault)
        return None

    def clear(self) -> None:
        """Forget all rules."""
        with self._lock:
            self._rules.clear()

    def listed(self) -> list[dict[str, Any]]:
        """Give the rules that are left."""
        with self._lock:
            return [asdict(rule.fault) for rule in self._rules]

    def take(
        self, operation: str, resource: str = "", *, since: float | None = None
    ) -> Fault | None:
        """Give the first rule that hits this operation and count it down; None when none does.

        `since` is the Unix time of the event from which `for_seconds` counts; without it, that
        is the arrival of the rule.
        """
        if not self._rules:
            return None
        with self._lock:
            for rule in self._rules:
                if rule.matches(operation, resource, since) and rule.strikes():
                    rule.fault.hits += 1
                    if rule.fault.count is not None:
                        rule.fault.count -= 1
                        if rule.fault.count <= 0:
                            self._rules.remove(rule)
                    return rule.fault
        return None
