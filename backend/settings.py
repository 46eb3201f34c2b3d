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
    serving_url: str = ""
    """Where models are published for this container (`SCORING_SERVING_URL`), instead of a
    folder: a blob container's URL with the path of the model in it."""
    environment_version: int = 0
    """Version of the serving environment that this image is (`SCORING_ENVIRONMENT_VERSION`)."""
    poll_seconds: int = 5
    intra_op_threads: int = 1
    """Threads inside one model run: more than one only helps large batches on idle cores."""
    body_bytes_max: int = 5_000_000
    rows_max: int = 10_000

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings; a wrong value raises ValueError by name."""
        model_dir = environment.get("AZUREML_MODEL_DIR", "")
        serving_url = _https(environment, "SCORING_SERVING_URL")
        if model_dir and serving_url:
            raise ValueError("AZUREML_MODEL_DIR and SCORING_SERVING_URL exclude each other")
        version = "SCORING_ENVIRONMENT_VERSION"
        if serving_url and not environment.get(version):
            raise ValueError(f"{version} is needed beside SCORING_SERVING_URL")
        return cls(
            model_dir=Path(model_dir) if model_dir else None,
            serving_url=serving_url,
            environment_version=_positive(environment, version, 1) if serving_url else 0,
            poll_seconds=_positive(environment, "SCORING_POLL_SECONDS", 5),
            intra_op_threads=_positive(environment, "SCORING_INTRA_OP_THREADS", 1),
            body_bytes_max=_positive(environment, "SCORING_BODY_BYTES_MAX", 5_000_000),
            rows_max=_positive(environment, "SCORING_ROWS_MAX", 10_000),
        )


def _https(environment: Mapping[str, str], name: str) -> str:
    url = environment.get(name, "").rstrip("/")
    # A token travels with every question, so nothing less than TLS will do.
    if url and not url.startswith("https://"):
        raise ValueError(f"{name} must begin with https://, not {url!r}")
    return url


def _positive(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ValueError(f"{name} must be a whole number above zero, not {text!r}")
    return int(text)
