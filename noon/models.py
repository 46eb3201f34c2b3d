"""What the model files of this checkout say to the command line."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

from noon.failures import UsageError
from noon.home import ROOT


def feature_kinds(model: str) -> dict[str, str]:
    """Give `number` or `category` for each feature; empty when the model has no file here."""
    folder = Path(os.environ.get("NOON_MODELS_DIR") or ROOT / "models")
    try:
        document = tomllib.loads((folder / f"{model}.toml").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise UsageError(f"{folder / model}.toml is not TOML: {error}") from None
    return {str(name): str(kind) for name, kind in document.get("features", {}).items()}
