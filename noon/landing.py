"""Puts files where data lands, once: what has landed is never changed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from noon.failures import CommandError, NotRunningError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from azure.core.credentials import TokenCredential
    from azure.storage.blob import ContainerClient


@dataclass(frozen=True, slots=True)
class Landed:
    """What a push did."""

    uploaded: int = 0
    skipped: int = 0
    """Files that were there with the same content."""
    size: int = 0
    """Bytes of all files together."""
    rows: int = 0

    def plus(self, content: bytes, *, uploaded: bool) -> Landed:
        """Count one file more."""
        return Landed(
            self.uploaded + uploaded,
            self.skipped + (not uploaded),
            self.size + len(content),
            self.rows + max(0, len(content.splitlines()) - 1),
        )


def push(
    container_url: str,
    credential: TokenCredential,
    files: Iterable[tuple[str, bytes]],
    landed: Callable[[str, bool], None],
) -> Landed:
    """Upload every file (path in the container, content) that is not there yet.

    `landed` hears of each file and whether it was uploaded. Raises CommandError for a path that
    holds another content, NotRunningError when storage does not answer.
    """
    from azure.core.exceptions import AzureError, ServiceRequestError
    from azure.storage.blob import ContainerClient

    counts = Landed()
    try:
        with ContainerClient.from_container_url(
            container_url, credential=credential, retry_total=2, initial_backoff=1, increment_base=1
        ) as container:
            for path, content in files:
                uploaded = _put_once(container, path, content)
                counts = counts.plus(content, uploaded=uploaded)
                landed(path, uploaded)
    except ServiceRequestError as error:
        raise NotRunningError(
            f"storage at {container_url} cannot be reached ({_first_line(error)}): start the "
            "stack with `noon up`"
        ) from None
    except AzureError as error:
        raise CommandError(f"storage at {container_url} refused: {_first_line(error)}") from None
    return counts


def _put_once(container: ContainerClient, path: str, content: bytes) -> bool:
    """Write the blob unless the same content is there; True when it was written."""
    from azure.core.exceptions import ResourceExistsError
    from azure.storage.blob import ContentSettings

    digest = bytearray(hashlib.md5(content, usedforsecurity=False).digest())
    settings = ContentSettings(content_type="text/csv", content_md5=digest)
    blob = container.get_blob_client(path)
    try:
        blob.upload_blob(content, overwrite=False, content_settings=settings)
    except ResourceExistsError:
        there = blob.get_blob_properties()
        known = there.content_settings.content_md5
        if there.size == len(content) and known == digest:
            return False
        raise CommandError(
            f"{path} has landed before with another content ({there.size} bytes, now "
            f"{len(content)}): landing is write-once, give the new file another name"
        ) from None
    return True


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
