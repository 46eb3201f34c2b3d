"""`noon doctor`: looks at everything that must be right, and says what to do."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from importlib import import_module

from rich.console import Console
from rich.table import Table
from rich.text import Text

from noon.doctor.checks import CHECKS, NAMES
from noon.doctor.examining import examine
from noon.doctor.finding import Finding, State
from noon.doctor.patient import Patient, find_patient
from noon.failures import ExitCode, UsageError
from noon.show import WIDTH

STYLES = {
    State.OK: "green",
    State.WARN: "yellow",
    State.FAIL: "bold red",
    State.SKIPPED: "dim",
}
LIBRARIES = (
    "azure.identity",
    "azure.storage.blob",
    "azure.storage.queue",
    "azure.data.tables",
    "shared.bootstrap",
)


def run_doctor(only: Sequence[str], *, read_only: bool, seconds: float, as_json: bool) -> int:
    """Make the checks; the exit code says whether one failed."""
    unknown = sorted(set(only) - set(NAMES))
    if unknown:
        raise UsageError(f"there is no check {unknown[0]!r}; there are: {', '.join(NAMES)}")
    checks = [check for check in CHECKS if not only or check.name in only]
    patient = find_patient(read_only=read_only)
    _prepare(patient)
    findings = examine(checks, patient, seconds)
    failed = any(finding.state is State.FAIL for finding in findings)
    if as_json:
        told = [asdict(finding) for finding in findings]
        print(json.dumps({"ok": not failed, "findings": told}, ensure_ascii=False))
    else:
        show(findings)
    sys.stdout.flush()
    return ExitCode.FAILED if failed else ExitCode.OK


def _prepare(patient: Patient) -> None:
    """Import before there are threads what several of them would import at once."""
    if patient.has_settings:
        for library in LIBRARIES:
            import_module(library)


def show(findings: Sequence[Finding]) -> None:
    """Print a line for each check, and below what is not well what to do."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    table = Table.grid(padding=(0, 2))
    for finding in findings:
        style = STYLES[finding.state]
        text = Text(finding.found, "" if finding.state is not State.SKIPPED else "dim")
        if finding.advice and finding.state is not State.OK:
            text.append(f"\n→ {finding.advice}", "italic")
        table.add_row(Text(finding.state.value, style), Text(finding.check, style), text)
    console.print(table)
    counts = Counter(finding.state for finding in findings)
    console.print(", ".join(f"{counts[state]} {state.value}" for state in State if counts[state]))
