"""What the adapters say when nobody answers: all the same, so that the next pass tries again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from azure_emulator.testing import free_port

from shared.adapters.azure_blobs import (
    AzureBlobLease,
    AzureContainer,
    AzureLandingZone,
    AzureRunFiles,
)
from shared.adapters.azure_decisions import AzureTableDecisionLog
from shared.adapters.azure_queues import AzureMessageQueue
from shared.adapters.azure_state import AzureTableReleaseStore, AzureTableStateStore
from shared.adapters.azure_tables import AzureTable
from shared.adapters.credential import LazyCredential
from shared.domain.errors import UnavailableError
from shared.domain.events import Message
from shared.domain.state import ModelState

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
STATE = ModelState("flights", NOON, NOON)

CALLS: dict[str, Callable[[str, LazyCredential], object]] = {
    "load": lambda url, who: AzureTableStateStore(AzureTable(url, "noon", who)).load("flights"),
    "save": lambda url, who: AzureTableStateStore(AzureTable(url, "noon", who)).save(STATE, ""),
    "next_due": lambda url, who: AzureTableStateStore(AzureTable(url, "noon", who)).next_due(),
    "release": lambda url, who: AzureTableReleaseStore(AzureTable(url, "noon", who)).release(),
    "since": lambda url, who: AzureTableDecisionLog(AzureTable(url, "noon", who)).since(
        "flights", NOON, 9
    ),
    "send": lambda url, who: AzureMessageQueue(url, "noon", who).send(Message("flights", "tick")),
    "list": lambda url, who: AzureLandingZone(AzureContainer(url + "/landing", who)).list("x/"),
    "read": lambda url, who: AzureRunFiles(AzureContainer(url + "/runs", who)).read("x"),
    "write": lambda url, who: AzureRunFiles(AzureContainer(url + "/runs", who)).write_once(
        "x", b""
    ),
    "hold": lambda url, who: AzureBlobLease(url, who).hold("flights").__enter__(),
}


@pytest.mark.parametrize("call", CALLS)
def test_storage_that_does_not_answer_is_unavailable(credential: LazyCredential, call: str) -> None:
    """No answer is one error, whichever service it is."""
    url = f"https://127.0.0.1:{free_port()}/devstoreaccount1"
    with pytest.raises(UnavailableError):
        CALLS[call](url, credential)


def test_identity_that_does_not_answer_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a token nothing is sent, and nothing is wrong for good."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"https://127.0.0.1:{free_port()}/identity/token")
    monkeypatch.setenv("IDENTITY_HEADER", "nobody")
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")
    with pytest.raises(UnavailableError):
        CALLS["next_due"]("https://127.0.0.1:1/devstoreaccount1", LazyCredential())
