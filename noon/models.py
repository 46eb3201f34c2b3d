"""What the model files of this checkout say to the command line."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from noon.failures import UsageError
from noon.home import ROOT


def feature_kinds(model: str) -> dict[str, str]:
    """Give `number` or `category` for each feature; empty when the model has no file here."""
    features = (_document(model) or {}).get("features", {})
    return {str(name): str(kind) for name, kind in features.items()}


def landing_prefix(model: str) -> str:
    """Give the prefix of the model's files in the landing container.

    Raises UsageError when there is no file of this model, naming those that there are.
    """
    document = _document(model)
    if document is None:
        known = ", ".join(sorted(path.stem for path in _folder().glob("*.toml"))) or "none"
        raise UsageError(f"there is no model file {_folder() / model}.toml; there are: {known}")
    return str(document.get("data", {}).get("prefix") or f"{model}/")


def served_by_containers(folder: Path | None = None) -> list[str]:
    """Give the models whose file says `serving = "container"`, by name, of this checkout or folder.

    A file that is no model file is left to the app, which says what is wrong with it.
    """
    names = []
    for path in sorted((folder or _folder()).glob("*.toml")):
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if document.get("serving") == "container":
            names.append(str(document.get("name") or path.stem))
    return names


def _folder() -> Path:
    return Path(os.environ.get("NOON_MODELS_DIR") or ROOT / "models")


def _document(model: str) -> dict[str, Any] | None:
    path = _folder() / f"{model}.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise UsageError(f"{path} is not TOML: {error}") from None
