"""`noon logs`: what the local processes said; for an app in Azure the query that tells it."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from noon.failures import ExitCode, NotRunningError, UsageError
from noon.fleet_view import moment
from noon.home import Home, find_home
from noon.log_files import LogFile, is_trouble
from noon.since import instant
from shared.domain.signals import Dimension

POLL_SECONDS = 0.5


def run_logs(
    processes: Sequence[str], most: int, *, follow: bool, trouble: bool, as_json: bool
) -> int:
    """Show the ends of the logs of the local stack."""
    logs = _chosen(find_home(), processes)
    width = max(len(log.name) for log in logs)

    def tell(log: LogFile, line: str) -> None:
        if as_json:
            print(json.dumps({"process": log.name, "line": line}, ensure_ascii=False))
        else:
            print(f"{log.name:<{width}} | {line}" if len(logs) > 1 else line)

    for log in logs:
        for line in log.last(most, trouble=trouble):
            tell(log, line)
    sys.stdout.flush()
    with suppress(KeyboardInterrupt):
        while follow:
            for log in logs:
                for line in log.added():
                    if not trouble or is_trouble(line):
                        tell(log, line)
            sys.stdout.flush()
            time.sleep(POLL_SECONDS)
    return ExitCode.OK


def run_query(model: str, since: str, most: int, *, trouble: bool) -> int:
    """Print the query that shows the same in Application Insights."""
    print(query(model, instant(since, moment()), most, trouble=trouble))
    if sys.stdout.isatty():
        print("paste it into Logs of the Application Insights resource", file=sys.stderr)
    return ExitCode.OK


def is_elsewhere() -> bool:
    """Whether commands talk to an app whose processes do not run on this machine."""
    return bool(os.environ.get("NOON_URL"))


def query(model: str, since: datetime, most: int, *, trouble: bool) -> str:
    """The KQL for log lines and exceptions, newest first."""
    conditions = [f"timestamp > datetime({since:%Y-%m-%dT%H:%M:%SZ})"]
    if model:
        conditions.append(f"{_dimension(Dimension.MODEL)} == {json.dumps(model)}")
    if trouble:
        conditions.append('severityLevel >= 2 or itemType == "exception"')
    columns = (
        "timestamp, itemType, severityLevel, text = coalesce(message, outerMessage), "
        f"model = {_dimension(Dimension.MODEL)}, decision = {_dimension(Dimension.DECISION)}, "
        "operation_Id"
    )
    steps = ["union traces, exceptions", *(f"where {each}" for each in conditions)]
    return "\n| ".join([*steps, f"project {columns}", "order by timestamp desc", f"take {most}"])


def _dimension(dimension: Dimension) -> str:
    return f'tostring(customDimensions["{dimension.value}"])'


def _chosen(home: Home, processes: Sequence[str]) -> list[LogFile]:
    known = {path.stem: LogFile(path) for path in sorted(home.logs.glob("*.log"))}
    if not known:
        raise NotRunningError(
            f"{home.logs} has no logs: start a stack with noon up; for an app in Azure, "
            "noon logs --kql prints the query"
        )
    unknown = sorted(set(processes) - set(known))
    if unknown:
        raise UsageError(f"there is no log of {unknown[0]!r}; there are: {', '.join(known)}")
    return [known[name] for name in processes] if processes else list(known.values())
