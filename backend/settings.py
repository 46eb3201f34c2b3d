"""What the scoring service takes from its environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the model is and how much one request may ask for."""

    model_dir: Path | None
    """Folder below which exactly one `schema.json` lies (`AZUREML_MODEL_DIR`)."""
    intra_op_threads: int = 1
    """Threads inside one model run: more than one only helps large batches on idle cores."""
    body_bytes_max: int = 5_000_000
    rows_max: int = 10_000

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings; a value that is not a positive whole number raises by name."""
        model_dir = environment.get("AZUREML_MODEL_DIR", "")
        return cls(
            model_dir=Path(model_dir) if model_dir else None,
            intra_op_threads=_positive(environment, "SCORING_INTRA_OP_THREADS", 1),
            body_bytes_max=_positive(environment, "SCORING_BODY_BYTES_MAX", 5_000_000),
            rows_max=_positive(environment, "SCORING_ROWS_MAX", 10_000),
        )


def _positive(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ValueError(f"{name} must be a whole number above zero, not {text!r}")
    return int(text)
