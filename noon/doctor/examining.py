"""Makes all checks at once, each within its time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Thread

from noon.doctor.finding import Finding, Found, SkippedError, State
from noon.doctor.patient import Patient


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is looked at."""

    name: str
    run: Callable[[Patient], Found]
    advice: str
    """When it fails in a way that nobody thought of, or takes too long."""


def examine(checks: Sequence[Check], patient: Patient, seconds: float) -> list[Finding]:
    """The findings in the order of the checks, within `seconds`; never raises."""
    began = time.monotonic()
    findings: dict[str, Finding] = {}

    def make(check: Check) -> None:
        found = _found(check, patient)
        took = round(time.monotonic() - began, 2)
        findings[check.name] = Finding(check.name, found.state, found.text, found.advice, took)

    # One that hangs must not keep us: daemons end with the process.
    threads = [Thread(target=make, args=(check,), daemon=True) for check in checks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, began + seconds - time.monotonic()))
    made = dict(findings)
    return [made.get(check.name) or _unanswered(check, seconds) for check in checks]


def _found(check: Check, patient: Patient) -> Found:
    try:
        return check.run(patient)
    except SkippedError as error:
        return Found(State.SKIPPED, str(error))
    except Exception as error:  # a report has no traceback, whatever went wrong
        return Found(State.FAIL, _sentence(error), check.advice)


def _unanswered(check: Check, seconds: float) -> Finding:
    text = f"no answer within {seconds:g} s"
    return Finding(check.name, State.FAIL, text, check.advice, round(seconds, 2))


def _sentence(error: Exception) -> str:
    text = str(getattr(error, "message", "") or error).strip()
    line = text.splitlines()[0] if text else "nothing more is known"
    status = getattr(error, "status_code", None)
    code = getattr(error, "error_code", None)
    told = " ".join(str(part) for part in (status, getattr(code, "value", code)) if part)
    return f"{told}: {line}" if told else line
