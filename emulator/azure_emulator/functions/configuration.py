"""What the app folder says about itself: host.json and local.settings.json."""

import json
import os
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from azure_emulator.functions.errors import AppError, SettingError

BODY_BYTES_MAX = 104_857_600
_SETTING = re.compile(r"%([^%]+)%")
_DURATION = re.compile(r"^(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2}(?:\.\d+)?)$")


@dataclass(frozen=True)
class QueueOptions:
    """How queues are read: `extensions.queues` of host.json."""

    batch_size: int = 16
    new_batch_threshold: int = 8
    dequeue_count_max: int = 5
    retry_delay_seconds: float = 0.0
    polling_interval_max_seconds: float = 60.0
    encoding: Literal["base64", "none"] = "base64"


@dataclass(frozen=True)
class HostConfiguration:
    """The parts of host.json that this host obeys."""

    route_prefix: str = "api"
    queues: QueueOptions = field(default_factory=QueueOptions)
    body_bytes_max: int = BODY_BYTES_MAX


def read_host_json(app: Path, environment: Mapping[str, str]) -> HostConfiguration:
    """Return the configuration of the app in `app`, or refuse with what is wrong in host.json."""
    document = _read_json(app / "host.json")
    if document.get("version") != "2.0":
        raise AppError(f'{app / "host.json"}: "version" must be "2.0"')
    extensions = document.get("extensions") or {}
    limit = environment.get("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", str(BODY_BYTES_MAX))
    if not limit.isdigit():
        raise SettingError(f"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT must be a number, not {limit!r}")
    return HostConfiguration(
        route_prefix=str((extensions.get("http") or {}).get("routePrefix", "api")).strip("/"),
        queues=_queue_options(extensions.get("queues") or {}),
        body_bytes_max=int(limit),
    )


def apply_local_settings(app: Path, environment: MutableMapping[str, str]) -> None:
    """Give `environment` what local.settings.json says, where it says nothing itself."""
    path = app / "local.settings.json"
    if not path.exists():
        return
    document = _read_json(path)
    if document.get("IsEncrypted"):
        raise AppError(f"{path} is encrypted; only Core Tools can read it")
    for name, value in (document.get("Values") or {}).items():
        environment.setdefault(str(name), str(value))


def cors_origins(app: Path) -> list[str]:
    """Return the origins that `Host.CORS` of local.settings.json lets call the functions."""
    path = app / "local.settings.json"
    host = (_read_json(path).get("Host") or {}) if path.exists() else {}
    return [origin.strip() for origin in str(host.get("CORS") or "").split(",") if origin.strip()]


def prepare_environment(app: Path) -> None:
    """Make this process look to the app like a Functions worker."""
    # A worker that finds it believes that it runs inside Linux Consumption.
    os.environ.pop("CONTAINER_NAME", None)
    apply_local_settings(app, os.environ)
    os.environ.setdefault("AZURE_FUNCTIONS_ENVIRONMENT", "Development")
    os.environ.setdefault("FUNCTIONS_WORKER_RUNTIME", "python")


def resolve(text: str, environment: Mapping[str, str], function: str) -> str:
    """Replace every `%NAME%` in `text` by the app setting of that name."""

    def setting(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in environment:
            raise SettingError(f"function {function!r}: the app setting {name!r} is missing")
        return environment[name]

    return _SETTING.sub(setting, text)


def duration_seconds(text: str) -> float:
    """Read a .NET time span such as `00:00:02` or `1.00:00:00`."""
    match = _DURATION.match(text)
    if match is None:
        raise AppError(f"host.json: {text!r} is not a time span such as 00:00:02")
    days, hours, minutes, seconds = match.groups()
    return int(days or 0) * 86400 + int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def _queue_options(section: Mapping[str, Any]) -> QueueOptions:
    batch_size = int(section.get("batchSize", 16))
    if not 1 <= batch_size <= 32:
        raise AppError("host.json: extensions.queues.batchSize must be between 1 and 32")
    encoding = str(section.get("messageEncoding", "base64")).lower()
    if encoding not in ("base64", "none"):
        raise AppError("host.json: extensions.queues.messageEncoding must be base64 or none")
    polling = duration_seconds(str(section.get("maxPollingInterval", "00:01:00")))
    return QueueOptions(
        batch_size=batch_size,
        new_batch_threshold=int(section.get("newBatchThreshold", batch_size // 2)),
        dequeue_count_max=int(section.get("maxDequeueCount", 5)),
        retry_delay_seconds=duration_seconds(str(section.get("visibilityTimeout", "00:00:00"))),
        polling_interval_max_seconds=max(0.1, polling),
        encoding="none" if encoding == "none" else "base64",
    )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise AppError(f"{path} is missing: not the root of a function app") from None
    except ValueError as error:
        raise AppError(f"{path} is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise AppError(f"{path} must hold a JSON object")
    return document
