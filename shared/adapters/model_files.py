"""``models/*.toml`` as checked values; a broken file is refused with its name and key.

The sections of a file are the classes below; docs and errors speak in their names.
"""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.functional_validators import model_validator

from shared.adapters.schedule import CronSlots
from shared.domain.errors import SettingsError
from shared.domain.policy import GatePolicy, ModelSpec, RetrainingPolicy, RolloutPolicy

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,19}$")]
Seconds = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Amount = Annotated[float, Field(ge=0)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Data(_Section):
    """[data]: what lands and what is to be predicted."""

    prefix: Annotated[str, StringConstraints(pattern=r"^[^/_].*/$")]
    time_column: str
    holdout_days: Count
    target: str
    identifiers: list[str] = []


class Evaluation(_Section):
    """[evaluation]: how models are compared."""

    metric: str
    slices: list[str] = []
    bootstrap_samples: Annotated[int, Field(ge=100, le=10_000)] = 500
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    slice_rows_min: Count = 500
    latency_rows: Count = 200


class Gate(_Section):
    """[gate]: what a challenger must show; differences are in units of the metric."""

    holdout_rows_min: Count
    margin: Amount
    refresh_after_days: Amount
    slice_margin: Amount
    champion_floor: Amount
    parity_flips_per_million_max: Amount = 0.0
    parity_difference_max: Annotated[float, Field(gt=0)] = 0.001
    latency_ms_p95_max: Seconds


class Retraining(_Section):
    """[retraining]: when the model is trained."""

    schedule: str
    time_zone: str
    quiet_seconds: Seconds = 120
    longest_wait_seconds: Seconds = 900
    minimum_interval_seconds: Amount = 3600
    catch_up_hours: Seconds = 24
    training_hours_max: Seconds = 6
    attempts_max: Annotated[int, Field(ge=1, le=9)] = 2
    listing_seconds: Seconds = 3600
    poll_seconds: Seconds = 60


class Rollout(_Section):
    """[rollout]: how a promoted version gets its traffic."""

    steps: list[Annotated[int, Field(ge=1, le=100)]]
    soak_seconds: Amount = 600
    requests_min: Annotated[int, Field(ge=0)] = 100
    no_data_seconds_max: Seconds = 3600
    provisioning_minutes_max: Seconds = 30
    smoke_rows: Annotated[int, Field(ge=1, le=20)] = 5
    keep_warm_minutes: Amount = 60
    instance_type: str = "Standard_DS2_v2"
    instance_count: Annotated[int, Field(ge=1, le=20)] = 1
    error_rate_max: Annotated[float, Field(gt=0, lt=1)] = 0.02
    latency_ratio_max: Annotated[float, Field(gt=1)] = 1.5
    latency_slack_ms: Amount = 5.0
    failed_checks_allowed: Annotated[int, Field(ge=0)] = 0
    hand_changed: Literal["restore", "adopt"] = "restore"
    bucket_seconds: Annotated[float, Field(ge=1, le=60)] = 10
    poll_seconds: Seconds = 60

    @model_validator(mode="after")
    def _rises_to_all(self) -> Self:
        if self.steps != sorted(set(self.steps)) or self.steps[-1:] != [100]:
            raise ValueError("steps must rise and end with 100, such as [10, 50, 100]")
        return self


class ModelFile(_Section):
    """One model file."""

    schema_number: Literal[1] = Field(alias="schema")
    name: Name
    title: str
    task: Literal["classification", "regression"]
    serving: Literal["managed_endpoint", "container"] = "managed_endpoint"
    data: Data
    features: dict[str, Literal["category", "number"]]
    training: dict[str, int | float | str | bool] = {}
    evaluation: Evaluation
    gate: Gate
    retraining: Retraining
    rollout: Rollout

    @model_validator(mode="after")
    def _columns_agree(self) -> Self:
        if not self.features:
            raise ValueError("features must name at least one column")
        for role, columns in (
            ("target", [self.data.target]),
            ("identifiers", self.data.identifiers),
        ):
            both = sorted(set(columns) & set(self.features))
            if both:
                raise ValueError(f"{both[0]} cannot be a feature and in {role}")
        strangers = sorted(set(self.evaluation.slices) - set(self.features))
        if strangers:
            raise ValueError(f"evaluation.slices: {strangers[0]} is not a feature")
        return self


def load_models(folder: Path, profile: str = "") -> dict[str, ModelSpec]:
    """Every model of the folder by name; raises SettingsError that names file and key."""
    paths = sorted(folder.glob("*.toml"))
    if not paths:
        raise SettingsError(f"there is no model file (*.toml) in {folder}")
    specs: dict[str, ModelSpec] = {}
    for path in paths:
        spec = load_model(path, profile)
        if spec.name in specs:
            raise SettingsError(f"{path}: name: {spec.name!r} is used by another file too")
        specs[spec.name] = spec
    return specs


def load_model(path: Path, profile: str = "") -> ModelSpec:
    """One model file, with the sections of the profile laid over it."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}") from None
    profiles = raw.pop("profiles", {})
    for section, values in profiles.get(profile, {}).items():
        raw[section] = {**raw.get(section, {}), **values}
    try:
        return _spec(ModelFile.model_validate(raw))
    except ValidationError as error:
        lines = [_line(problem) for problem in error.errors()]
        raise SettingsError(f"{path}: " + "; ".join(lines)) from None
    except SettingsError as error:
        raise SettingsError(f"{path}: retraining.{error}") from None


def _line(problem: Any) -> str:
    where = ".".join(str(part) for part in problem["loc"]) or "file"
    known = "" if problem["type"] != "extra_forbidden" else f"; {_allowed(problem['loc'])}"
    return f"{where}: {problem['msg']}{known}"


def _allowed(loc: tuple[int | str, ...]) -> str:
    sections: dict[str, type[BaseModel]] = {
        "data": Data,
        "evaluation": Evaluation,
        "gate": Gate,
        "retraining": Retraining,
        "rollout": Rollout,
    }
    section = sections.get(str(loc[0]), ModelFile) if len(loc) > 1 else ModelFile
    names = [field.alias or name for name, field in section.model_fields.items()]
    return f"allowed are {', '.join(names)}"


def _spec(file: ModelFile) -> ModelSpec:
    CronSlots().around(file.retraining.schedule, file.retraining.time_zone, datetime.now(UTC))
    return ModelSpec(
        name=file.name,
        title=file.title,
        task=file.task,
        serving=file.serving,
        prefix=file.data.prefix,
        training_spec=_training_spec(file),
        retraining=_retraining(file.retraining),
        gate=_gate(file),
        rollout=_rollout(file.rollout),
    )


def _training_spec(file: ModelFile) -> dict[str, object]:
    evaluation = file.evaluation.model_dump()
    return {
        "schema": 1,
        "model": file.name,
        "task": file.task,
        "time_column": file.data.time_column,
        "holdout_days": file.data.holdout_days,
        "target": file.data.target,
        "features": dict(file.features),
        "identifiers": list(file.data.identifiers),
        "metric": evaluation.pop("metric"),
        "slices": evaluation.pop("slices"),
        "training": dict(file.training),
        "evaluation": evaluation,
    }


def _retraining(section: Retraining) -> RetrainingPolicy:
    return RetrainingPolicy(
        schedule=section.schedule,
        time_zone=section.time_zone,
        quiet=timedelta(seconds=section.quiet_seconds),
        longest_wait=timedelta(seconds=section.longest_wait_seconds),
        minimum_interval=timedelta(seconds=section.minimum_interval_seconds),
        catch_up=timedelta(hours=section.catch_up_hours),
        training_max=timedelta(hours=section.training_hours_max),
        attempts_max=section.attempts_max,
        listing_every=timedelta(seconds=section.listing_seconds),
        poll=timedelta(seconds=section.poll_seconds),
    )


def _gate(file: ModelFile) -> GatePolicy:
    gate = file.gate
    return GatePolicy(
        holdout_rows_min=gate.holdout_rows_min,
        margin=gate.margin,
        refresh_after=timedelta(days=gate.refresh_after_days),
        slice_margin=gate.slice_margin,
        slice_rows_min=file.evaluation.slice_rows_min,
        champion_floor=gate.champion_floor,
        parity_flips_per_million_max=gate.parity_flips_per_million_max,
        parity_difference_max=gate.parity_difference_max,
        latency_ms_p95_max=gate.latency_ms_p95_max,
    )


def _rollout(section: Rollout) -> RolloutPolicy:
    return RolloutPolicy(
        steps=tuple(section.steps),
        soak=timedelta(seconds=section.soak_seconds),
        requests_min=section.requests_min,
        no_data_max=timedelta(seconds=section.no_data_seconds_max),
        error_rate_max=section.error_rate_max,
        latency_ratio_max=section.latency_ratio_max,
        latency_slack_ms=section.latency_slack_ms,
        failed_checks_allowed=section.failed_checks_allowed,
        hand_changed=section.hand_changed,
        bucket=timedelta(seconds=section.bucket_seconds),
        provisioning_max=timedelta(minutes=section.provisioning_minutes_max),
        smoke_rows=section.smoke_rows,
        keep_warm=timedelta(minutes=section.keep_warm_minutes),
        instance_type=section.instance_type,
        instance_count=section.instance_count,
        poll=timedelta(seconds=section.poll_seconds),
    )
