"""Telemetry in Microsoft's own worker, which hands the host's trace on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from azure_emulator.certificates import certificate_paths

from shared.domain.signals import Span
from tests.telemetry.ingestion import ingesting

if TYPE_CHECKING:
    from azure_emulator.testing import Azurite

    from .conftest import Worker

ROOT = Path(__file__).parents[2]
MODEL = sorted(path.stem for path in (ROOT / "models").glob("*.toml"))[0]
TRACE, HOST = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TIMER = {"json": json.dumps({"Schedule": {}, "ScheduleStatus": None, "IsPastDue": False})}


def test_a_trace_goes_on_where_the_worker_carries_it(
    worker_environment: None,
    noon_settings: dict[str, str],
    make_worker: type[Worker],
    azurite: Azurite,
    local_home: Path,
) -> None:
    """With PYTHON_ENABLE_OPENTELEMETRY asynchronous functions are below the host's span.

    This library, the worker of Python 3.13, does not carry the context to the threads of
    synchronous ones: there a trace begins with our span. When that fails, docs/operations.md can
    say something better.
    """
    tls = certificate_paths(local_home)
    with ingesting(tls.certificate, tls.key) as insights:
        settings = {
            "APPLICATIONINSIGHTS_CONNECTION_STRING": insights.connection_string,
            "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
            "APPLICATIONINSIGHTS_SDKSTATS_DISABLED": "true",
            "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
            "PYTHON_ENABLE_OPENTELEMETRY": "true",
            "NOON_TRACED_PREDICTIONS": "1",
        }
        worker = make_worker(ROOT, {**noon_settings, **settings})
        host = {"traceparent": f"00-{TRACE}-{HOST}-01"}
        url = f"http://localhost:7071/api/models/{MODEL}/predict"
        asked = {"method": "POST", "url": url, "params": {"model": MODEL}, "body": "{}"}
        answer = worker.run(
            {"function": "predict", "data": {"http": asked}, **host},
            {"function": "daily_training", "data": TIMER, **host},
        )
        assert [run["succeeded"] for run in answer["runs"]] == [True, True], answer["runs"]
        (predicted,) = insights.rows("dependencies", name=Span.PREDICT)
        (woken,) = insights.rows("dependencies", name=Span.WAKE)
    assert (predicted["operation_Id"], predicted["operation_ParentId"]) == (TRACE, HOST)
    assert woken["operation_ParentId"] == ""
