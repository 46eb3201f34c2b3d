"""Reads events of Azure Event Grid, in either schema and in either spelling of the keys."""

from __future__ import annotations

import re
from collections.abc import Mapping

from shared.domain.errors import MalformedError
from shared.domain.events import DataLanded, Event, RunEnded, UnknownEvent

BLOB_SUBJECT = re.compile(r"/blobServices/default/containers/([^/]+)/blobs/(.+)", re.IGNORECASE)
BLOB_CREATED = "microsoft.storage.blobcreated"
RUN_EVENTS = (
    "microsoft.machinelearningservices.runcompleted",
    "microsoft.machinelearningservices.runstatuschanged",
)


def parse_event(raw: object) -> Event:
    """The fact that an event reports; raises MalformedError that names the field."""
    envelope = _folded(raw, "event")
    # CloudEvents say type and source where the Event Grid schema says eventType and topic.
    kind = _text(envelope, "type" if "specversion" in envelope else "eventType")
    source = _text(envelope, "source" if "specversion" in envelope else "topic")
    event_id = _text(envelope, "id")
    subject = str(envelope.get("subject") or "")
    if kind.lower() == BLOB_CREATED:
        return _landed(event_id, source, subject, _folded(envelope.get("data"), "data"))
    if kind.lower() in RUN_EVENTS:
        data = _folded(envelope.get("data"), "data")
        status = _text(data, "runStatus") if data.get("runstatus") is not None else "Completed"
        return RunEnded(event_id, source, _text(data, "runId"), status)
    return UnknownEvent(event_id, kind, subject)


def _landed(event_id: str, source: str, subject: str, data: Mapping[str, object]) -> DataLanded:
    place = BLOB_SUBJECT.fullmatch(subject)
    if place is None:
        raise MalformedError(f"event: subject {subject!r} names no container and blob")
    return DataLanded(
        event_id=event_id,
        container=place[1],
        path=place[2],
        size=_size(data),
        api=_text(data, "api"),
        account=source.rstrip("/").rpartition("/")[2],
    )


def _folded(value: object, name: str) -> Mapping[str, object]:
    """The object with its keys in small letters: published samples disagree on their case."""
    if not isinstance(value, Mapping):
        raise MalformedError(f"event: {name} must be an object, not {type(value).__name__}")
    return {str(key).lower(): item for key, item in value.items()}


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name.lower())
    if not isinstance(value, str) or not value:
        raise MalformedError(f"event: {name} must be a text that is not empty, not {value!r}")
    return value


def _size(data: Mapping[str, object]) -> int:
    value = data.get("contentlength")
    if isinstance(value, bool) or not isinstance(value, int | str) or not str(value).isdigit():
        raise MalformedError(f"event: contentLength must be a number of bytes, not {value!r}")
    return int(value)
