"""Builds images, notes what is in them, and refuses what has become too large."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from images.catalogue import IMAGES, ROOT, Image
from images.engine import Engine, find_engine
from images.shell import ImagesError, run
from images.substitutes import make_substitute

NOTES = ROOT / ".noon" / "images"
"""What was built here: a file of figures and a bill of materials for each image."""


@dataclass(frozen=True, slots=True)
class Built:
    """One image that was built, with what it weighs."""

    image: str
    base: str
    base_digest: str
    megabytes: float
    """With its base."""
    megabytes_above_base: float
    megabytes_above_base_max: int
    seconds: float


def build(names: Sequence[str], *, substitutes: bool) -> list[Built]:
    """Build the images of these names, or all; raises ImagesError when one grew too large."""
    engine = find_engine()
    built = []
    for image in _chosen(names):
        for base in image.bases.values():
            _provide(engine, base, substitutes=substitutes)
        built.append(_build(engine, image))
        _note(built[-1])
    if large := [one.image for one in built if _too_large(one)]:
        raise ImagesError(f"larger than images/catalogue.py allows: {', '.join(large)}")
    return built


def labels(image: Image, base_digest: str) -> dict[str, str]:
    """What a Dockerfile cannot know, by OCI's names: where from, which commit, when, which base."""
    created = datetime.fromtimestamp(created_at(), UTC)
    told = {
        "source": os.environ.get("NOON_SOURCE") or _git("config", "--get", "remote.origin.url"),
        "revision": revision(),
        "version": os.environ.get("NOON_VERSION") or _git("describe", "--always", "--dirty"),
        "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "base.name": image.bases["BASE"],
        "base.digest": base_digest,
    }
    return {f"org.opencontainers.image.{name}": value for name, value in told.items()}


def revision() -> str:
    """The commit that is packed."""
    return os.environ.get("NOON_REVISION") or _git("rev-parse", "HEAD")


def created_at() -> int:
    """When the image counts as made: SOURCE_DATE_EPOCH, or the commit's time."""
    given = os.environ.get("SOURCE_DATE_EPOCH") or _git("log", "-1", "--format=%ct")
    return int(given) if given.isdigit() else 0


def _chosen(names: Sequence[str]) -> list[Image]:
    if unknown := [name for name in names if name not in IMAGES]:
        raise ImagesError(f"there is no {unknown[0]}; there are {', '.join(IMAGES)}")
    return [image for name, image in IMAGES.items() if not names or name in names]


def _provide(engine: Engine, base: str, *, substitutes: bool) -> None:
    if engine.has(base):
        return
    _tell(f"pulling {base}")
    try:
        engine.pull(base)
    except ImagesError:
        if not substitutes:
            raise
        _tell(f"no registry gives {base}: making one from Debian's packages")
        make_substitute(base)


def _build(engine: Engine, image: Image) -> Built:
    base = image.bases["BASE"]
    digest = engine.digest(base)
    _tell(f"building {image.tag}")
    began = time.monotonic()
    engine.build(image, labels(image, digest), created_at())
    seconds = time.monotonic() - began
    size = megabytes(engine, image.tag)
    return Built(
        image=image.name,
        base=base,
        base_digest=digest,
        megabytes=size,
        megabytes_above_base=round(size - megabytes(engine, base), 1),
        megabytes_above_base_max=image.megabytes_max,
        seconds=round(seconds, 1),
    )


def megabytes(engine: Engine, tag: str) -> float:
    """What the layers of an image take on disk, unpacked."""
    program = "docker" if engine.name == "docker" else "podman"
    size = run([program, "image", "inspect", "--format", "{{.Size}}", tag])
    return round(int(size) / 1e6, 1)


def _too_large(one: Built) -> bool:
    return one.megabytes_above_base > one.megabytes_above_base_max


def _note(built: Built) -> None:
    NOTES.mkdir(parents=True, exist_ok=True)
    text = json.dumps(asdict(built), indent=2)
    (NOTES / f"{built.image}.json").write_text(f"{text}\n", encoding="utf-8")
    _tell(
        f"{built.image}: {built.megabytes_above_base} MB above {built.base} "
        f"(at most {built.megabytes_above_base_max}), {built.seconds} s"
    )


def _git(*arguments: str) -> str:
    try:
        return run(["git", "-C", str(Path(ROOT)), *arguments]).strip() or "unknown"
    except ImagesError:
        return "unknown"


def _tell(line: str) -> None:
    print(f"images: {line}", file=sys.stderr, flush=True)
