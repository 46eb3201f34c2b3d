"""The adapter over Microsoft's exporter, against a local Application Insights that has bad days."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from azure_emulator.testing import wait_until

from shared.adapters.azure_monitor import AzureMonitorTelemetry
from shared.domain.signals import Dimension, Log, Metric, Span
from shared.telemetry import Reading

if TYPE_CHECKING:
    from .ingestion import Ingestion

MODEL = {Dimension.MODEL: "flights"}
PARENT = f"00-{'a' * 32}-{'b' * 16}-01"


@pytest.fixture
def telemetry(ingestion: Ingestion, tmp_path: Path, quiet: None) -> Iterator[AzureMonitorTelemetry]:
    """Telemetry that tries again after a second what could not be sent."""
    ingestion.accepted.clear()
    made = AzureMonitorTelemetry(
        ingestion.connection_string,
        None,
        instance="one",
        version="abc",
        retry_seconds=1,
        storage_directory=str(tmp_path),
    )
    yield made
    ingestion.planned.clear()
    made.close()


def spans(telemetry: AzureMonitorTelemetry, names: list[str]) -> None:
    """Some spans, sent together."""
    for name in names:
        with telemetry.span(name):
            pass
    telemetry.flush()


def arrived(ingestion: Ingestion) -> list[str]:
    """The names of the spans that were accepted, in order of the alphabet."""
    return sorted(str(row["name"]) for row in ingestion.rows("dependencies"))


@pytest.mark.parametrize("answers", [[206], [429], [503], [503, 206, 429]], ids=str)
def test_nothing_is_lost_when_the_service_does_not_take_it(
    telemetry: AzureMonitorTelemetry, ingestion: Ingestion, answers: list[int]
) -> None:
    """What was throttled or refused for now comes again, each once."""
    ingestion.planned, ingestion.answered = list(answers), []
    first = [f"first-{number}" for number in range(4)]
    spans(telemetry, first)
    pushes = iter(range(1000))

    def all_there() -> bool:
        # The exporter looks at what waits after each transmission that went well.
        spans(telemetry, [f"push-{next(pushes)}"])
        return [name for name in arrived(ingestion) if name in first] == first

    wait_until(all_there, timeout_seconds=60, what="what was not taken")
    assert ingestion.answered[: len(answers)] == answers


def test_a_span_below_a_message_belongs_to_its_trace(
    telemetry: AzureMonitorTelemetry, ingestion: Ingestion
) -> None:
    """The parent is the message's, and what is sent on names the span around it."""
    with telemetry.span(Span.RECONCILE, "consumer", MODEL, parent=PARENT):
        with telemetry.span("jobs.submit", "client"):
            sent = telemetry.traceparent()
        telemetry.log(Log.DECISION, "decided", {})
    assert telemetry.traceparent() == ""
    telemetry.flush()
    (taken,) = ingestion.rows("requests")
    assert (taken["operation_Id"], taken["operation_ParentId"]) == ("a" * 32, "b" * 16)
    (call,) = ingestion.rows("dependencies")
    assert call["operation_ParentId"] == taken["id"]
    assert call["customDimensions"] == MODEL, "spans below a model's are the model's"
    assert sent == f"00-{'a' * 32}-{call['id']}-01"
    (line,) = ingestion.rows("traces")
    assert (line["operation_Id"], line["operation_ParentId"]) == ("a" * 32, taken["id"])
    assert (taken["cloud_RoleName"], taken["application_Version"]) == ("noon", "abc")


def test_an_error_is_told_by_its_name_alone(
    telemetry: AzureMonitorTelemetry, ingestion: Ingestion
) -> None:
    """Its words can quote a row."""
    with pytest.raises(ValueError, match="quoted"), telemetry.span("work"):
        raise ValueError("quoted 31415.92")
    telemetry.flush()
    (row,) = ingestion.rows("dependencies")
    assert row["success"] is False
    assert row["customDimensions"] == {Dimension.OUTCOME: "ValueError"}
    assert ingestion.rows("exceptions") == []
    assert b"31415.92" not in b"".join(ingestion.raw)


def test_a_reading_goes_out_once(telemetry: AzureMonitorTelemetry, ingestion: Ingestion) -> None:
    """A gauge that nobody reports any more says nothing, and never the old value again."""
    telemetry.gauge([Reading(Metric.CHAMPION_AGE, 7, MODEL), Reading(Metric.POISON, 0)])
    telemetry.flush()
    telemetry.flush()
    rows = ingestion.rows("customMetrics")
    assert sorted((row["name"], row["value"]) for row in rows) == [
        (Metric.CHAMPION_AGE, 7),
        (Metric.POISON, 0),
    ]


def test_counts_are_of_the_time_since_the_last_export(
    telemetry: AzureMonitorTelemetry, ingestion: Ingestion
) -> None:
    """So that a query may add them up."""
    for times in (2, 1):
        for _ in range(times):
            telemetry.count(Metric.DECISIONS, MODEL)
            telemetry.record(Metric.PREDICTION_DURATION, 5, MODEL)
        telemetry.flush()
    decisions = ingestion.rows("customMetrics", name=Metric.DECISIONS)
    assert [row["value"] for row in decisions] == [2, 1]
    durations = ingestion.rows("customMetrics", name=Metric.PREDICTION_DURATION)
    assert [(row["valueCount"], row["valueSum"]) for row in durations] == [(2, 10), (1, 5)]


def test_a_share_of_spans_stands_for_all_of_them(
    telemetry: AzureMonitorTelemetry, ingestion: Ingestion
) -> None:
    """`itemCount` says for how many, also of the spans below."""
    with telemetry.span(Span.PREDICT, share=0.01), telemetry.span(Span.SCORE, "client"):
        pass
    telemetry.flush()
    assert {row["name"]: row["itemCount"] for row in ingestion.rows("dependencies")} == {
        Span.PREDICT: 100,
        Span.SCORE: 100,
    }


def test_the_exporter_is_imported_by_who_sends(fresh: Callable[[str], str]) -> None:
    """Making telemetry waits for OpenTelemetry's library at most, never for Azure's exporter."""
    said = fresh(
        "import sys\n"
        "from shared.adapters.azure_monitor import AzureMonitorTelemetry\n"
        "key = '00000000-0000-0000-0000-000000000000'\n"
        "AzureMonitorTelemetry(f'InstrumentationKey={key}', None, instance='i', version='v')\n"
        "print([name for name in sys.modules if name.startswith('azure.monitor')])\n"
    )
    assert said.strip() == "[]"


def test_off_nothing_of_it_is_imported(fresh: Callable[[str], str]) -> None:
    """The app without a connection string does not even look for OpenTelemetry."""
    said = fresh(
        "import sys, function_app\n"
        "print([name for name in sys.modules if name.partition('.')[0] == 'opentelemetry'])\n"
    )
    assert said.strip() == "[]"
