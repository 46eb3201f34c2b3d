"""`noon replay`, against real queues, tables and containers."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from azure.storage.blob import ContainerClient
from azure.storage.queue import QueueClient
from azure_emulator.testing import Azurite, Emulator

from shared.adapters.azure_notices import notice_text
from shared.domain.notices import DecisionNotice
from tests.application.story import blob_event

Cli = Callable[..., CompletedProcess[str]]
ROOT = Path(__file__).parents[2]
MESSAGE = {"schema": 1, "model": "flights", "cause": "run flights-slot-1-a1 Completed"}


@dataclass
class Accounts:
    """Storage of one app, and the settings that lead there."""

    settings: dict[str, str]
    queue: QueueClient
    poison: QueueClient
    poisoned_notices: QueueClient
    letters: ContainerClient

    def queued(self) -> list[str]:
        """What waits in the app's queue, with its causes."""
        found = self.queue.peek_messages(32)
        return [json.loads(base64.b64decode(each.content))["cause"] for each in found]


@pytest.fixture
def accounts(azurite: Azurite, local_azure: Emulator) -> Iterator[Accounts]:
    """An app that was never started; nothing was left behind."""
    unique, key = uuid.uuid4().hex[:8], azurite.account_key
    sample = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
    settings = (
        sample
        | dict(local_azure.environment)
        | {
            "REQUESTS_CA_BUNDLE": str(azurite.tls.bundle),
            "NOON_MODELS_DIR": str(ROOT / "models"),
            "NOON_QUEUE_URL": azurite.queue_url,
            "NOON_TABLE_URL": azurite.table_url,
            "NOON_BLOB_URL": azurite.blob_url,
            "NOON_QUEUE_NAME": f"noon-{unique}",
            "NOON_NOTICES_QUEUE_NAME": f"notices-{unique}",
            "NOON_DEAD_LETTER_URL": f"{azurite.blob_url}/dead-{unique}",
        }
    )
    credential = {"account_name": azurite.account, "account_key": key}
    with ExitStack() as stack:
        queues = [
            stack.enter_context(QueueClient(azurite.queue_url, name, credential=credential))
            for name in (f"noon-{unique}", f"noon-{unique}-poison", f"notices-{unique}-poison")
        ]
        for queue in queues:
            queue.create_queue()
        letters = ContainerClient(azurite.blob_url, f"dead-{unique}", credential=credential)
        yield Accounts(settings, *queues, stack.enter_context(letters))


@pytest.fixture(autouse=True)
def _trusted(azurite: Azurite, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable by which the Azure libraries are told whom to trust."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(azurite.tls.bundle))


def test_nothing_left_behind_is_said(accounts: Accounts, noon_cli: Cli) -> None:
    """An empty queue and a container that was never made are no errors."""
    for option in ("--poison", "--dead-letter"):
        shown = noon_cli("replay", option, **accounts.settings)
        assert (shown.returncode, shown.stdout) == (0, "nothing was left behind\n"), shown.stderr


def test_poison_is_told_first_and_sent_again_with_yes(accounts: Accounts, noon_cli: Cli) -> None:
    """Without --yes nothing changes; with it the queue is empty and the model will be looked at."""
    accounts.poison.send_message(base64.b64encode(json.dumps(MESSAGE).encode()).decode())
    accounts.poison.send_message("not base64!")
    told = noon_cli("replay", "--poison", **accounts.settings)
    assert told.returncode == 0, told.stderr
    assert "would wake flights (run flights-slot-1-a1 Completed)" in told.stdout
    assert "would be ignored: malformed message" in told.stdout
    assert "2 would be taken in again" in told.stdout
    assert accounts.queued() == []
    done = noon_cli("replay", "--poison", "--yes", "--json", **accounts.settings)
    assert [each["done"] for each in json.loads(done.stdout)] == [True, True], done.stderr
    assert accounts.queued() == [MESSAGE["cause"]]
    assert accounts.poison.get_queue_properties().approximate_message_count == 0


def test_poisoned_notices_are_told_and_sent_again(accounts: Accounts, noon_cli: Cli) -> None:
    """What could not be told outside for a day is shown beside the messages."""
    at = datetime(2026, 11, 23, 12, tzinfo=UTC)
    text = notice_text(DecisionNotice("flights", "20261123t120000-0000abcd", "job:j", at, 23))
    accounts.poisoned_notices.send_message(base64.b64encode(text.encode()).decode())
    told = noon_cli("replay", "--poison", **accounts.settings)
    words = "decision 20261123t120000-0000abcd would be told again (flights)"
    assert words in told.stdout, told.stderr
    done = noon_cli("replay", "--poison", "--yes", "--json", **accounts.settings)
    assert [each["kind"] for each in json.loads(done.stdout)] == ["tells"], done.stderr
    assert accounts.poisoned_notices.get_queue_properties().approximate_message_count == 0


def test_poison_that_is_not_shown_is_counted(accounts: Accounts, noon_cli: Cli) -> None:
    """A queue shows 32 at once: that there are more is said, and --yes takes them all."""
    for _ in range(34):
        accounts.poison.send_message("not base64!")
    told = noon_cli("replay", "--poison", **accounts.settings)
    assert "the first 32 of about 34 would be taken in again" in told.stdout, told.stderr
    listed = noon_cli("replay", "--poison", "--json", **accounts.settings)
    assert len(json.loads(listed.stdout)) == 32
    assert listed.stderr == "about 2 more are left\n"
    done = noon_cli("replay", "--poison", "--yes", "--json", **accounts.settings)
    assert len(json.loads(done.stdout)) == 34
    assert done.stderr == ""


def test_dead_letters_are_taken_in_again(accounts: Accounts, noon_cli: Cli) -> None:
    """A landing that could not be delivered wakes its model, and stays where it was left."""
    letter = blob_event("flights/2013-01-01.csv") | {"deadLetterReason": "TimeToLiveExceeded"}
    accounts.letters.create_container()
    accounts.letters.upload_blob("LANDINGS/2026/11/23/12/a.json", json.dumps([letter]).encode())
    told = noon_cli("replay", "--dead-letter", **accounts.settings)
    assert "LANDINGS/2026/11/23/12/a.json: would wake flights (landing " in told.stdout, told.stderr
    assert accounts.queued() == []
    done = noon_cli("replay", "--dead-letter", "--yes", **accounts.settings)
    assert ": woke flights (landing " in done.stdout, done.stderr
    assert len(accounts.queued()) == 1
    assert len(list(accounts.letters.list_blobs())) == 1


def test_file_is_replayed(accounts: Accounts, noon_cli: Cli, tmp_path: Path) -> None:
    """An event in a file is taken in like one that was delivered; nonsense is wrong usage."""
    file = tmp_path / "event.json"
    file.write_text(json.dumps(blob_event("elsewhere/a.csv")))
    told = noon_cli("replay", str(file), "--yes", **accounts.settings)
    assert "was ignored: no model reads landing/elsewhere/a.csv" in told.stdout, told.stderr
    shown = noon_cli("replay", "-", text="hello", **accounts.settings)
    assert shown.returncode == 2
    assert "- is not JSON" in shown.stderr
