"""Counts what a control plane asks of the outside, by a wrapper around each port."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields, replace
from functools import wraps
from typing import Any

from shared.application.plane import ControlPlane
from shared.ports import Ports

AZURE_ML = frozenset({"endpoint", "jobs", "registry"})
OURS = frozenset({"clock", "slots"})
"""Answer from this process."""


class Counted:
    """A port whose calls are counted under `port.method`."""

    def __init__(self, name: str, port: Any, calls: Counter[str]) -> None:
        self._name = name
        self._port = port
        self._calls = calls

    def __getattr__(self, method: str) -> Any:
        found = getattr(self._port, method)
        name = f"{self._name}.{method}"

        @wraps(found)
        def counted(*args: Any, **kwargs: Any) -> Any:
            # A lease is taken and given back; its checks ask nobody while the pass is quick.
            self._calls[name] += 2 if name == "lease.hold" else 1
            return found(*args, **kwargs)

        return counted


class Calls(Counter[str]):
    """Calls by name, and how many there were."""

    @property
    def azure_ml(self) -> int:
        """Calls of Azure ML."""
        return sum(count for name, count in self.items() if name.partition(".")[0] in AZURE_ML)

    @property
    def storage(self) -> int:
        """Calls of tables, queues and blobs."""
        return self.total() - self.azure_ml

    def __str__(self) -> str:
        names = ", ".join(f"{name} {count}" for name, count in sorted(self.items()))
        return f"{self.storage} storage + {self.azure_ml} Azure ML ({names})"


def counted(plane: ControlPlane) -> tuple[ControlPlane, Calls]:
    """The plane with every port counted, and the calls up to now."""
    calls = Calls()
    wrapped = {
        field.name: Counted(field.name, getattr(plane.ports, field.name), calls)
        for field in fields(Ports)
        if field.name not in OURS
    }
    return replace(plane, ports=replace(plane.ports, **wrapped)), calls
