"""Landing is write-once: pushing again changes nothing, pushing something else is refused."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient
from azure_emulator.testing import Azurite, free_port

from noon.failures import CommandError, NotRunningError
from noon.landing import Landed, push

DAYS = [("flights/2013-01-01.csv", b"a,b\n1,2\n3,4\n"), ("flights/2013-01-02.csv", b"a,b\n5,6\n")]


@pytest.fixture(autouse=True)
def _trusted(azurite: Azurite, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable by which the Azure libraries are told whom to trust."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(azurite.tls.bundle))


@pytest.fixture
def landing_container(azurite: Azurite) -> Iterator[ContainerClient]:
    """An empty container of this test alone."""
    account = BlobServiceClient(azurite.blob_url, credential=account_key(azurite))
    with account, account.create_container(f"landing-{uuid.uuid4().hex[:8]}") as container:
        yield container


def account_key(azurite: Azurite) -> dict[str, str]:
    """The storage account's own key."""
    return {"account_name": azurite.account, "account_key": azurite.account_key}


def pushed(container: ContainerClient, files: list[tuple[str, bytes]]) -> tuple[Landed, list[str]]:
    """What a push counts, and the paths that it uploaded."""
    uploaded: list[str] = []

    def told(path: str, new: bool) -> None:
        uploaded.extend([path] if new else [])

    return push(container.url, container.credential, files, told), uploaded


def test_files_land_with_their_digest(landing_container: ContainerClient) -> None:
    """A training compares size and MD5, so storage has to know both."""
    counts, uploaded = pushed(landing_container, DAYS)
    assert counts == Landed(uploaded=2, skipped=0, size=20, rows=3)
    assert uploaded == [path for path, _ in DAYS]
    blob = landing_container.get_blob_client(DAYS[0][0]).get_blob_properties()
    digest = hashlib.md5(DAYS[0][1], usedforsecurity=False).digest()
    assert bytes(blob.content_settings.content_md5 or b"") == digest


def test_the_same_files_again_change_nothing(landing_container: ContainerClient) -> None:
    """A push that broke off is simply made again."""
    pushed(landing_container, DAYS[:1])
    before = landing_container.get_blob_client(DAYS[0][0]).get_blob_properties().etag
    counts, uploaded = pushed(landing_container, DAYS)
    assert (counts.uploaded, counts.skipped, counts.rows) == (1, 1, 3)
    assert uploaded == [DAYS[1][0]]
    assert landing_container.get_blob_client(DAYS[0][0]).get_blob_properties().etag == before


@pytest.mark.parametrize("other", [b"a,b\n1,2\n3,5\n", b"", b"a,b\n1,2\n3,4\n5,6\n"])
def test_another_content_is_refused(landing_container: ContainerClient, other: bytes) -> None:
    """What has landed is never changed, whatever the size of the new content."""
    pushed(landing_container, DAYS)
    path, content = DAYS[0]
    with pytest.raises(CommandError, match=f"{path} has landed before with another content"):
        pushed(landing_container, [(path, other)])
    assert landing_container.download_blob(path).readall() == content


def test_a_missing_container_is_named(azurite: Azurite) -> None:
    """A wrong landing address is told with the address."""
    url = f"{azurite.blob_url}/nowhere"
    with pytest.raises(CommandError, match="nowhere refused"):
        push(url, account_key(azurite), DAYS, lambda path, new: None)  # type: ignore[arg-type]


def test_storage_that_does_not_answer_is_not_running() -> None:
    """Nobody at the address is another matter than a refusal."""
    url = f"https://127.0.0.1:{free_port()}/devstoreaccount1/landing"
    key = {"account_name": "devstoreaccount1", "account_key": "aGVsbG8="}
    with pytest.raises(NotRunningError, match="noon up"):
        push(url, key, DAYS, lambda path, new: None)  # type: ignore[arg-type]
