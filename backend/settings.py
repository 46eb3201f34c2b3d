"""What the scoring service takes from its environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from backend.access_settings import AccessSettings

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
"""What a model may be called, since its name is a part of paths."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the models are, who may ask, and how much one request may ask for."""

    model_dir: Path | None = None
    """Folder below which exactly one `schema.json` lies (`AZUREML_MODEL_DIR`)."""
    models_dir: Path | None = None
    """Folder with a folder for each of several models (`SCORING_MODELS_DIR`)."""
    serving_urls: tuple[str, ...] = ()
    """Where models are published for this container (`SCORING_SERVING_URL`, one for each model):
    a blob container's URL with the path of the model in it, which ends with the model's name."""
    environment_version: int = 0
    """Version of the serving environment that this image is (`SCORING_ENVIRONMENT_VERSION`)."""
    access: AccessSettings = field(default_factory=AccessSettings)
    poll_seconds: int = 5
    intra_op_threads: int = 1
    """Threads inside one model run: more than one only helps large batches on idle cores."""
    body_bytes_max: int = 5_000_000
    rows_max: int = 10_000
    queue_milliseconds_max: int = 100
    """A request that waited longer for its turn is refused with 429."""
    queue_bodies_max: int = 64
    """Large bodies that may be read, wait or be scored at the same time."""
    batching: str = "auto"
    """Whether requests that arrive together share a run of the model: auto, on or off."""
    drain_seconds: int = 0
    """How long to go on answering after SIGTERM while the readiness says no."""

    @property
    def stands_alone(self) -> bool:
        """Whether no platform stands in front: nobody but the service itself asks who calls."""
        return self.model_dir is None and bool(self.serving_urls or self.models_dir)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings; a wrong value raises ValueError by name."""
        sources = _sources(environment)
        version = "SCORING_ENVIRONMENT_VERSION"
        if sources.serving_urls and not environment.get(version):
            raise ValueError(f"{version} is needed beside SCORING_SERVING_URL")
        return cls(
            model_dir=sources.model_dir,
            models_dir=sources.models_dir,
            serving_urls=sources.serving_urls,
            environment_version=_positive(environment, version, 1) if sources.serving_urls else 0,
            access=AccessSettings.from_environment(environment, needed=sources.stands_alone),
            poll_seconds=_positive(environment, "SCORING_POLL_SECONDS", 5),
            intra_op_threads=_positive(environment, "SCORING_INTRA_OP_THREADS", 1),
            body_bytes_max=_positive(environment, "SCORING_BODY_BYTES_MAX", 5_000_000),
            rows_max=_positive(environment, "SCORING_ROWS_MAX", 10_000),
            queue_milliseconds_max=_positive(environment, "SCORING_QUEUE_MILLISECONDS_MAX", 100),
            queue_bodies_max=_positive(environment, "SCORING_QUEUE_BODIES_MAX", 64),
            batching=_one_of(environment, "SCORING_BATCHING", ("auto", "on", "off")),
            drain_seconds=_count(
                environment, "SCORING_DRAIN_SECONDS", 2 if sources.stands_alone else 0
            ),
        )


def _sources(environment: Mapping[str, str]) -> Settings:
    """The settings that say where models come from; exactly one kind may be given."""
    model_dir = environment.get("AZUREML_MODEL_DIR", "")
    models_dir = environment.get("SCORING_MODELS_DIR", "")
    urls = _serving_urls(environment)
    given = {
        "AZUREML_MODEL_DIR": model_dir,
        "SCORING_MODELS_DIR": models_dir,
        "SCORING_SERVING_URL": urls,
    }
    named = [name for name, value in given.items() if value]
    if len(named) > 1:
        raise ValueError(f"{' and '.join(named)} exclude each other")
    return Settings(
        model_dir=Path(model_dir) if model_dir else None,
        models_dir=Path(models_dir) if models_dir else None,
        serving_urls=urls,
    )


def _serving_urls(environment: Mapping[str, str]) -> tuple[str, ...]:
    urls = tuple(url.rstrip("/") for url in environment.get("SCORING_SERVING_URL", "").split())
    for url in urls:
        # A token travels with every question, so nothing less than TLS will do.
        if not url.startswith("https://"):
            raise ValueError(f"SCORING_SERVING_URL must begin with https://, not {url!r}")
        if not NAME.fullmatch(url.rpartition("/")[2]):
            raise ValueError(f"SCORING_SERVING_URL must end with the model's name: {url!r}")
    if len({url.rpartition("/")[2] for url in urls}) < len(urls):
        raise ValueError("SCORING_SERVING_URL names two models of the same name")
    return urls


def _positive(environment: Mapping[str, str], name: str, default: int) -> int:
    number = _count(environment, name, default, "a whole number above zero")
    if number == 0:
        raise ValueError(f"{name} must be a whole number above zero, not '0'")
    return number


def _count(
    environment: Mapping[str, str], name: str, default: int, wanted: str = "a whole number"
) -> int:
    text = environment.get(name) or str(default)
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{name} must be {wanted}, not {text!r}")
    return int(text)


def _one_of(environment: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    text = environment.get(name) or allowed[0]
    if text not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, not {text!r}")
    return text
