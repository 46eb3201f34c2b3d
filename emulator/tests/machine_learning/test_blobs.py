"""Files on their way between blobs and folders."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from azure_emulator.in_process import InProcessAzure
from azure_emulator.machine_learning.blobs import BlobFiles, MissingDataError
from azure_emulator.machine_learning.uris import Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def files(tmp_path: Path) -> Iterator[BlobFiles]:
    """Files of a storage account in memory, through a cache in `tmp_path`/cache."""
    with InProcessAzure(tmp_path / "home") as azure:
        azure.storage.ensure_container("store")
        yield BlobFiles(azure.storage, tmp_path / "cache")


def test_what_was_uploaded_last_is_not_downloaded_again(files: BlobFiles, tmp_path: Path) -> None:
    """The next reader gets the very file; a later upload of the same blob is another one."""
    made = tmp_path / "made"
    made.mkdir()
    (made / "a.txt").write_text("first")
    inode = (made / "a.txt").stat().st_ino
    assert files.upload_folder(made, Place("store", "run/out")) == 1
    files.download_folder(Place("store", "run/out"), tmp_path / "one", link=True)
    assert (tmp_path / "one" / "a.txt").stat().st_ino == inode
    (tmp_path / "b.txt").write_text("second")
    files.upload_file(tmp_path / "b.txt", Place("store", "run/out/a.txt"))
    files.download_folder(Place("store", "run/out"), tmp_path / "two")
    assert (tmp_path / "two" / "a.txt").read_text() == "second"


def test_a_file_that_others_own_too_is_left_alone(files: BlobFiles, tmp_path: Path) -> None:
    """Links of a step to files outside are uploaded by content, and stay writable."""
    outside = tmp_path / "outside.txt"
    outside.write_text("before")
    made = tmp_path / "made"
    made.mkdir()
    (made / "symbolic.txt").symlink_to(outside)
    os.link(outside, made / "hard.txt")
    files.upload_folder(made, Place("store", "linked"))
    outside.write_text("after")
    files.download_folder(Place("store", "linked"), tmp_path / "got")
    assert {path.read_text() for path in (tmp_path / "got").iterdir()} == {"before"}


def test_code_is_downloaded_once(files: BlobFiles, tmp_path: Path) -> None:
    """Each step gets a copy of its own, which it may write to."""
    source = tmp_path / "src"
    source.mkdir()
    (source / "run.py").write_text("print(1)")
    files.upload_folder(source, Place("store", "code/src"))
    files.copy_code(Place("store", "code/src"), tmp_path / "first")
    (tmp_path / "first" / "run.py").write_text("changed")
    files.copy_code(Place("store", "code/src"), tmp_path / "second")
    assert (tmp_path / "second" / "run.py").read_text() == "print(1)"


def test_a_blob_that_is_not_there_is_missed_by_name(files: BlobFiles, tmp_path: Path) -> None:
    """The message says which."""
    with pytest.raises(MissingDataError, match=r"no blob store/nothing\.csv"):
        files.download_file(Place("store", "nothing.csv"), tmp_path / "x")
