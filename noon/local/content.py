"""Tells whether there is anything new to register."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from noon.home import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

REGISTERED_FROM = ("training_components", "shared/adapters", "shared/bootstrap.py", "models")


def content_digest(settings: Mapping[str, str]) -> str:
    """Give a digest of the files and settings that `noon deploy components` goes by."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for name in REGISTERED_FROM:
        place = ROOT / name
        for path in sorted([place] if place.is_file() else place.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(ROOT).as_posix()}\0".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
