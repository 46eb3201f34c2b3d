"""A server that is compared: how it is installed, started and asked."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from bench.environments import ONNXRUNTIME_ONLY, SKLEARN_ONLY, Environment, install
from bench.places import HOME, PEERS, ROOT

Rows = list[dict[str, Any]]
Kind = Literal["ours", "peer", "peer with onnxruntime", "limit"]

PEERS_THREADS = {"OMP_NUM_THREADS": "1"}
"""scikit-learn's trees start a thread for each core and wait by spinning: that costs the peers up
to half on two cores of their own, and nearly everything on cores that something else needs."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server that answers rows with probabilities; a limit answers without looking."""

    name: str
    kind: Kind
    package: str
    """Names its version in the table."""
    requirements: Path
    command: Callable[[Environment, int], list[str]]
    path: str = "/score"
    body: Callable[[Rows], Any] = lambda rows: {"rows": rows}
    answers: Callable[[Any], list[float]] | None = lambda said: [
        row[1] for row in said["predictions"]
    ]
    """The probabilities in an answer; None: it knows none."""
    folder: Path = ROOT
    settings: dict[str, str] = field(default_factory=dict)
    prepare: Callable[[Environment, dict[str, str], int], None] | None = None
    """What its users do before the first start."""
    headers: Callable[[], dict[str, str]] | None = None
    """What is sent besides, known once it answers."""
    counted: Path | None = None
    """Holds the id of the one process that is measured; None: all are."""
    python: Path | None = None
    """The interpreter, where it is not that of an environment of its own."""

    @property
    def slug(self) -> str:
        """A name for files."""
        return "".join(c if c.isalnum() else "-" for c in self.name.lower())

    def installed(self) -> Environment:
        """Its environment; raises BenchError when it cannot be made."""
        if self.python is not None:
            return Environment(self.python.parents[1])
        folder = self.requirements.parent.name
        return install("noon" if folder == "requirements" else folder, self.requirements)

    def environment(self, environment: Environment) -> dict[str, str]:
        """The variables of its process: few of ours, none that was set by chance, and its own."""
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
        path = f"{environment.folder / 'bin'}:/usr/local/bin:/usr/bin:/bin"
        paths = f"{self.folder}:{PEERS}:{ROOT}" if self.kind.startswith("peer") else str(ROOT)
        engine = "onnxruntime" if self.kind == "peer with onnxruntime" else "scikit-learn"
        ours = {"BENCH_MODEL": str(HOME / "model"), "BENCH_ENGINE": engine}
        kinder = PEERS_THREADS if self.kind.startswith("peer") else {}
        return {**kept, "PATH": path, "PYTHONPATH": paths, **ours, **kinder, **self.settings}

    def megabytes(self, environment: Environment) -> float:
        """What has to be installed for it."""
        needless = {"peer": ONNXRUNTIME_ONLY, "peer with onnxruntime": SKLEARN_ONLY}
        return environment.megabytes(needless.get(self.kind, ()))
