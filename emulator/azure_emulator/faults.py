"""Faults on demand: what the next calls of an operation suffer."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any


@dataclass(slots=True)
class Fault:
    """One rule; `count` calls of the operations that match it are hit, then it is spent."""

    operation: str
    count: int = 1
    status: int | None = None
    code: str = "InjectedFault"
    delay_seconds: float = 0.0
    drop: str = ""
    """'before': the call is lost; 'after': it happens, but its answer is lost."""


class Faults:
    """The rules that are not spent yet, in the order in which they were given."""

    def __init__(self) -> None:
        self._rules: list[Fault] = []

    def add(self, rule: dict[str, Any]) -> None:
        """Take one rule; TypeError or ValueError when it is malformed."""
        fault = Fault(**rule)
        if fault.drop not in ("", "before", "after"):
            raise ValueError("drop is 'before' or 'after'")
        self._rules.append(fault)

    def clear(self) -> None:
        """Forget all rules."""
        self._rules.clear()

    def listed(self) -> list[dict[str, Any]]:
        """Give the rules that are left."""
        return [asdict(rule) for rule in self._rules]

    def take(self, operation: str) -> Fault | None:
        """Give the first rule that hits this operation and count it down; None when none does."""
        for rule in self._rules:
            if fnmatchcase(operation.lower(), rule.operation.lower()):
                rule.count -= 1
                if rule.count <= 0:
                    self._rules.remove(rule)
                return rule
        return None
