"""Models that are published in blob storage: the pointers, and the folders that they name."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from backend.model_folder import ModelFolderError
from backend.pacing import Rest

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from requests import Response, Session

Role = Literal["champion", "challenger"]
SCOPE = "https://storage.azure.com/.default"
API_VERSION = "2021-12-02"
TIMEOUT_SECONDS = (5.0, 30.0)
"""To connect, and between two pieces of an answer."""
PIECE_BYTES = 1_000_000


class SourceError(Exception):
    """Storage did not answer, or not as it should: to be tried again."""


class File(msgspec.Struct, frozen=True):
    """A file of a published folder."""

    path: str
    size: int
    sha256: str


class Pointer(msgspec.Struct, frozen=True):
    """`champion.json` or `challenger.json`: which folder is meant, and all that is in it."""

    schema: Literal[1]
    version: int
    folder: str
    digest: str
    files: list[File]


class PublishedModels:
    """Reads what is published for one model below a URL, by identity."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._opened: tuple[Session, TokenCredential] | None = None
        self._known: dict[Role, tuple[str, Pointer]] = {}
        """Each pointer by the etag under which it was read."""

    def pointer(self, role: Role) -> Pointer | None:
        """What the role points at; None when at nothing. Raises SourceError."""
        etag, known = self._known.get(role, ("", None))
        response = self._get(f"{role}.json", {"If-None-Match": etag} if etag else {})
        if response.status_code == 304:
            return known
        if response.status_code == 404 and response.headers.get("x-ms-error-code") in (
            "BlobNotFound",
            None,
        ):
            self._known.pop(role, None)
            return None
        pointer = _pointer(self._content(response), role)
        self._known[role] = (response.headers.get("ETag", ""), pointer)
        return pointer

    def download(self, pointer: Pointer, folder: Path, rest: Rest) -> None:
        """Write the pointer's files; raises ModelFolderError when they are not what it says."""
        for file in pointer.files:
            path = _inside(folder, file.path)
            path.parent.mkdir(parents=True, exist_ok=True)
            response = self._get(f"{pointer.folder}/{file.path}", {})
            content = self._content(response)
            if len(content) != file.size or hashlib.sha256(content).hexdigest() != file.sha256:
                raise ModelFolderError(f"{file.path}: not the content that was published")
            path.write_bytes(content)
            rest()

    def _get(self, path: str, headers: dict[str, str]) -> Response:
        import requests
        from azure.core.exceptions import AzureError

        try:
            session, credential = self._open()
            token = credential.get_token(SCOPE).token
            headers |= {"Authorization": f"Bearer {token}", "x-ms-version": API_VERSION}
            return session.get(f"{self._url}/{path}", headers=headers, timeout=TIMEOUT_SECONDS)
        except (requests.RequestException, AzureError) as error:
            raise SourceError(f"{path}: {error}") from error

    def _open(self) -> tuple[Session, Any]:
        # Not imported before: who serves a mounted folder needs no identity and no storage.
        if self._opened is None:
            import requests
            from azure.identity import DefaultAzureCredential

            self._opened = requests.Session(), DefaultAzureCredential()
        return self._opened

    def _content(self, response: Response) -> bytes:
        if response.status_code != 200:
            code = response.headers.get("x-ms-error-code", "")
            raise SourceError(f"{response.url}: {response.status_code} {code}")
        return response.content


def _pointer(content: bytes, role: Role) -> Pointer:
    try:
        return msgspec.json.decode(content, type=Pointer)
    except ValueError as error:
        raise SourceError(f"{role}.json: {error}") from error


def _inside(folder: Path, path: str) -> Path:
    parts = PurePosixPath(path).parts
    if not parts or ".." in parts or PurePosixPath(path).is_absolute():
        raise ModelFolderError(f"{path}: not a path within the folder")
    return folder.joinpath(*parts)
