"""As much of the blob service as the emulator's own parts use, in memory."""

from __future__ import annotations

import threading
import uuid
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from hashlib import md5
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree.ElementTree import Element, SubElement, fromstring, tostring

from .transport import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

METADATA = "x-ms-meta-"
VERSION = "2026-02-06"


@dataclass(slots=True)
class _Blob:
    content: bytes
    type: str
    metadata: dict[str, str]
    etag: str = field(default_factory=lambda: f'"0x{uuid.uuid4().hex[:15].upper()}"')
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def headers(self) -> dict[str, str]:
        """Give what HEAD answers."""
        return {
            "etag": self.etag,
            "last-modified": format_datetime(self.at, usegmt=True),
            "content-type": self.type,
            "content-md5": b64encode(md5(self.content, usedforsecurity=False).digest()).decode(),
            "x-ms-blob-type": "BlockBlob",
            **{METADATA + name: value for name, value in self.metadata.items()},
        }


class MemoryBlobs:
    """Containers and block blobs of one account; safe to use from several threads."""

    def __init__(self, account: str) -> None:
        self._prefix = f"/{account}"
        self._containers: dict[str, dict[str, _Blob]] = {}
        self._blocks: dict[tuple[str, str, str], bytes] = {}
        self._lock = threading.Lock()

    def answer(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> Answer:
        """Answer one request of the storage library."""
        parts = urlsplit(url)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        path = unquote(parts.path).removeprefix(self._prefix).strip("/")
        container, _, name = path.partition("/")
        with self._lock:
            if not container:
                return self._list_containers()
            if not name:
                return self._container(method, container, query)
            return self._blob(method, container, name, query, headers, content)

    def _list_containers(self) -> Answer:
        root = Element("EnumerationResults")
        listed = SubElement(root, "Containers")
        for name in sorted(self._containers):
            each = SubElement(listed, "Container")
            SubElement(each, "Name").text = name
            properties = SubElement(each, "Properties")
            SubElement(properties, "Last-Modified").text = format_datetime(datetime.now(UTC), True)
            SubElement(properties, "Etag").text = '"0x1"'
        return _xml(root)

    def _container(self, method: str, container: str, query: dict[str, str]) -> Answer:
        if method == "PUT":
            if container in self._containers:
                return _error(409, "ContainerAlreadyExists")
            self._containers[container] = {}
            return Answer(201, _dated())
        if container not in self._containers:
            return _error(404, "ContainerNotFound")
        if query.get("comp") == "list":
            return self._list_blobs(self._containers[container], query)
        if method == "DELETE":
            del self._containers[container]
            return Answer(202)
        return Answer(200, _dated())

    def _list_blobs(self, blobs: dict[str, _Blob], query: dict[str, str]) -> Answer:
        root = Element("EnumerationResults")
        listed = SubElement(root, "Blobs")
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter")
        folders = set()
        for name, blob in sorted(blobs.items()):
            if not name.startswith(prefix):
                continue
            if delimiter and delimiter in name[len(prefix) :]:
                folders.add(prefix + name[len(prefix) :].partition(delimiter)[0] + delimiter)
                continue
            each = SubElement(listed, "Blob")
            SubElement(each, "Name").text = name
            _describe(SubElement(each, "Properties"), blob)
        for folder in sorted(folders):
            SubElement(SubElement(listed, "BlobPrefix"), "Name").text = folder
        SubElement(root, "NextMarker")
        return _xml(root)

    def _blob(
        self,
        method: str,
        container: str,
        name: str,
        query: dict[str, str],
        headers: Mapping[str, str],
        content: bytes,
    ) -> Answer:
        if container not in self._containers:
            return _error(404, "ContainerNotFound")
        blobs = self._containers[container]
        if method == "PUT":
            return self._put(container, name, query, headers, content)
        if name not in blobs:
            return _error(404, "BlobNotFound")
        blob = blobs[name]
        if method == "DELETE":
            del blobs[name]
            return Answer(202)
        if method == "HEAD":
            return Answer(200, {**blob.headers(), "content-length": str(len(blob.content))})
        return _range(blob, headers.get("x-ms-range", ""))

    def _put(
        self,
        container: str,
        name: str,
        query: dict[str, str],
        headers: Mapping[str, str],
        content: bytes,
    ) -> Answer:
        blobs = self._containers[container]
        if query.get("comp") == "block":
            self._blocks[container, name, query["blockid"]] = content
            return Answer(201)
        if query.get("comp") == "blocklist":
            ids = [each.text or "" for each in fromstring(content)]  # noqa: S314 - our own client's
            content = b"".join(self._blocks.pop((container, name, each)) for each in ids)
        elif "comp" in query:
            return _error(501, "NotImplemented")
        if headers.get("if-none-match") == "*" and name in blobs:
            return _error(409, "BlobAlreadyExists")
        kept = {
            key.lower().removeprefix(METADATA): value
            for key, value in headers.items()
            if key.lower().startswith(METADATA)
        }
        blobs[name] = _Blob(content, headers.get("x-ms-blob-content-type") or "", kept)
        return Answer(201, blobs[name].headers())


def _range(blob: _Blob, wanted: str) -> Answer:
    size = len(blob.content)
    if not wanted:
        return Answer(200, {**blob.headers(), "content-length": str(size)}, blob.content)
    start, _, end = wanted.removeprefix("bytes=").partition("-")
    first, last = int(start), min(int(end) if end else size - 1, size - 1)
    if first >= size:
        return _error(416, "InvalidRange")
    part = blob.content[first : last + 1]
    headers = {"content-range": f"bytes {first}-{last}/{size}", "content-length": str(len(part))}
    return Answer(206, {**blob.headers(), **headers}, part)


def _describe(properties: Element, blob: _Blob) -> None:
    for name, value in (
        ("Last-Modified", format_datetime(blob.at, usegmt=True)),
        ("Etag", blob.etag.strip('"')),
        ("Content-Length", str(len(blob.content))),
        ("Content-Type", blob.type),
        ("BlobType", "BlockBlob"),
    ):
        SubElement(properties, name).text = value


def _dated() -> dict[str, str]:
    now = format_datetime(datetime.now(UTC), usegmt=True)
    return {"etag": '"0x1"', "last-modified": now, "x-ms-version": VERSION}


def _xml(root: Element) -> Answer:
    return Answer(200, {"content-type": "application/xml"}, tostring(root, encoding="utf-8"))


def _error(status: int, code: str) -> Answer:
    return Answer(status, {"x-ms-error-code": code, "content-type": "application/xml"})
