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
TRACE, HOST = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TIMER = {"json": json.dumps({"Schedule": {}, "ScheduleStatus": None, "IsPastDue": False})}


def test_a_span_is_below_that_of_the_host(
    worker_environment: None,
    noon_settings: dict[str, str],
    make_worker: type[Worker],
    azurite: Azurite,
    local_home: Path,
) -> None:
    """With PYTHON_ENABLE_OPENTELEMETRY the worker sets the context; what is sent carries it on."""
    tls = certificate_paths(local_home)
    with ingesting(tls.certificate, tls.key) as insights:
        settings = {
            "APPLICATIONINSIGHTS_CONNECTION_STRING": insights.connection_string,
            "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
            "APPLICATIONINSIGHTS_SDKSTATS_DISABLED": "true",
            "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
            "PYTHON_ENABLE_OPENTELEMETRY": "true",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }
        worker = make_worker(ROOT, {**noon_settings, **settings})
        timer = {"function": "daily_training", "data": TIMER}
        (run,) = worker.run({**timer, "traceparent": f"00-{TRACE}-{HOST}-01"})["runs"]
        assert run["succeeded"], run
        (woken,) = insights.rows("dependencies", name=Span.WAKE)
    assert (woken["operation_Id"], woken["operation_ParentId"]) == (TRACE, HOST)
