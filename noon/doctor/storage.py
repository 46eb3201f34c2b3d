"""Checks of storage: a marker is written, read and deleted; read only, it is only looked at."""

from __future__ import annotations

import uuid
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from noon.doctor.finding import Found, fail, ok
from noon.doctor.patient import Patient

if TYPE_CHECKING:
    from azure.core.exceptions import AzureError

MARKER = "noon-doctor"
PATIENCE: dict[str, Any] = {"retry_total": 0, "connection_timeout": 4, "read_timeout": 8}
STATE_TABLE = "noonstate"
LEASES = "noon-leases"


def blobs(patient: Patient) -> Found:
    """Manifests, job outputs and leases."""
    url = patient.needed("NOON_RUNS_URL")
    from azure.storage.blob import ContainerClient

    with ContainerClient.from_container_url(
        url, credential=patient.credential(), **PATIENCE
    ) as container:
        return _examined(lambda: _blob(container, patient.read_only), url, "Blob")


def _blob(container: Any, read_only: bool) -> str:
    if read_only:
        next(iter(container.list_blobs(results_per_page=1)), None)
        return "listed"
    name = f"{MARKER}/{uuid.uuid4().hex}"
    container.upload_blob(name, MARKER.encode())
    try:
        read = container.download_blob(name).readall()
    finally:
        container.delete_blob(name)
    return _same(read == MARKER.encode())


def queue(patient: Patient) -> Found:
    """Messages; the marker has a queue of its own, so that nothing is woken."""
    url = patient.needed("NOON_QUEUE_URL")
    from azure.storage.queue import QueueServiceClient

    with QueueServiceClient(url, credential=patient.credential(), **PATIENCE) as service:
        return _examined(lambda: _queue(service, patient), url, "Queue")


def _queue(service: Any, patient: Patient) -> str:
    if patient.read_only:
        next(iter(service.list_queues(results_per_page=1)), None)
        return "listed"
    name = f"{MARKER}-{uuid.uuid4().hex[:12]}"
    marked = service.create_queue(name)
    try:
        marked.send_message(MARKER)
        message = marked.receive_message()
        marked.delete_message(message)
    finally:
        service.delete_queue(name)
    return _same(message is not None and message.content == MARKER)


def tables(patient: Patient) -> Found:
    """State and decisions."""
    url = patient.needed("NOON_TABLE_URL")
    from azure.data.tables import TableClient

    with TableClient(url, STATE_TABLE, credential=patient.credential(), **PATIENCE) as table:
        return _examined(lambda: _table(table, patient.read_only), url, "Table")


def _table(table: Any, read_only: bool) -> str:
    from azure.core.exceptions import ResourceExistsError

    partition, row = f"_{MARKER}", uuid.uuid4().hex
    if read_only:
        condition = f"PartitionKey eq '{partition}'"
        next(iter(table.query_entities(condition, results_per_page=1)), None)
        return "queried"
    with suppress(ResourceExistsError):
        table.create_table()
    table.create_entity({"PartitionKey": partition, "RowKey": row, "marker": MARKER})
    try:
        read = table.get_entity(partition, row)
    finally:
        table.delete_entity(partition, row)
    return _same(read["marker"] == MARKER)


def landing(patient: Patient) -> Found:
    """Where data lands; a marker would be trained on, so it is only listed."""
    url = patient.needed("NOON_LANDING_URL")
    from azure.storage.blob import ContainerClient

    with ContainerClient.from_container_url(
        url, credential=patient.credential(), **PATIENCE
    ) as container:
        return _examined(lambda: _blob(container, read_only=True), url, "Blob")


def _same(same: bool) -> str:
    if not same:
        raise ValueError("what was read is not what was written")
    return "written, read, deleted"


def _examined(look: Any, url: str, kind: str) -> Found:
    from azure.core.exceptions import AzureError

    try:
        return ok(f"{look()} at {url}")
    except AzureError as error:
        return fail(f"{url}: {said(error)}", _advice(error, kind))


def said(error: AzureError) -> str:
    """What the service or the connection said, in one line."""
    status = getattr(error, "status_code", None)
    code = getattr(error, "error_code", None)
    code = getattr(code, "value", code)
    inner = getattr(error, "inner_exception", None)
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if status:
        return f"{status} {code or text}"
    if "refused" in f"{text} {inner}".lower():
        return "nobody listens there"
    if "CERTIFICATE_VERIFY_FAILED" in f"{text} {inner}":
        return "its certificate is not accepted"
    return text


def _advice(error: AzureError, kind: str) -> str:
    status = getattr(error, "status_code", None)
    if status in (401, 403):
        return (
            f"give this identity the role Storage {kind} Data Contributor on the account, and see "
            "its firewall"
        )
    if status == 404:
        return "make what is missing: the infrastructure in infra/ does, and noon up"
    if "certificate" in said(error):
        return "see certificates"
    return "is storage running? see noon logs storage, or the account's firewall"
