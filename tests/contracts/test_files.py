"""What every LandingZone and every RunFiles keeps to."""

from __future__ import annotations

import base64
import hashlib

import pytest

from shared.adapters.azure_blobs import AzureContainer, AzureLandingZone, AzureRunFiles
from shared.domain.errors import NotFoundError
from shared.ports import RunFiles


def test_listing_tells_what_landed(landing) -> None:
    """Path, size, MD5 and etag of every file below the prefix, sorted by path."""
    for path in ("flights/2.csv", "flights/1 ä#%.csv", "other/1.csv", "flights2/1.csv"):
        landing.put(path, path.encode())
    files = landing.zone.list("flights/")
    assert [file.path for file in files] == ["flights/1 ä#%.csv", "flights/2.csv"]
    for file in files:
        content = file.path.encode()
        assert file.size == len(content)
        assert file.md5 == base64.b64encode(hashlib.md5(content).digest()).decode()
        assert file.etag.startswith("0x")


def test_nothing_landed_is_an_empty_listing(landing) -> None:
    """No files is an answer, not an error."""
    assert landing.zone.list("flights/") == ()


def test_replaced_file_has_another_etag(landing) -> None:
    """A file that was replaced is told from the one that was there, even with equal content."""
    etags = set()
    for _ in range(2):
        landing.put("flights/1.csv", b"a,b\n1,2\n")
        etags |= {file.etag for file in landing.zone.list("flights/")}
    assert len(etags) == 2


def test_empty_file_is_listed(landing) -> None:
    """An empty file landed too: it has to be refused by name later."""
    landing.put("flights/1.csv", b"")
    assert [file.size for file in landing.zone.list("flights/")] == [0]


def test_markers_of_folders_are_left_out(azure_container: AzureContainer) -> None:
    """Blobs that stand for folders are no data."""
    client = azure_container.client()
    client.upload_blob("flights", b"", metadata={"Hdi_isfolder": "true"})
    client.upload_blob("flights/sub/", b"")
    client.upload_blob("flights/sub/1.csv", b"x")
    paths = [file.path for file in AzureLandingZone(azure_container).list("flights")]
    assert paths == ["flights/sub/1.csv"]


def test_file_is_written_once(run_files: RunFiles) -> None:
    """What is there already stays."""
    assert run_files.read("noon/specs/flights/1.json") is None
    run_files.write_once("noon/specs/flights/1.json", b"one")
    run_files.write_once("noon/specs/flights/1.json", b"two")
    assert run_files.read("noon/specs/flights/1.json") == b"one"


def test_missing_container_is_not_a_missing_file(azure_container: AzureContainer) -> None:
    """A wrong setting is not taken for a file that is not there yet."""
    azure_container.client().delete_container()
    with pytest.raises(NotFoundError):
        AzureRunFiles(azure_container).read("noon/specs/flights/1.json")
