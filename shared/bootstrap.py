"""The one composition root: which adapter stands behind which port."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import cache

from shared.adapters.azure_alerts import AzureTableAlertStore
from shared.adapters.azure_blobs import (
    AzureBlobLease,
    AzureContainer,
    AzureLandingZone,
    AzureRunFiles,
)
from shared.adapters.azure_container import AzureContainerServing
from shared.adapters.azure_decisions import AzureTableDecisionLog
from shared.adapters.azure_health import AzureTableHealthWindow
from shared.adapters.azure_leftovers import AzureDeadLetters, AzurePoisonQueue
from shared.adapters.azure_ml import AzureMachineLearning
from shared.adapters.azure_ml_endpoints import AzureOnlineEndpoint
from shared.adapters.azure_ml_jobs import AzureTrainingJobs
from shared.adapters.azure_ml_models import AzureModelRegistry
from shared.adapters.azure_notices import AzureNoticeQueue, parse_notice
from shared.adapters.azure_queues import AzureMessageQueue, parse_message
from shared.adapters.azure_state import AzureTableReleaseStore, AzureTableStateStore
from shared.adapters.azure_tables import AzureTable
from shared.adapters.clock import SystemClock
from shared.adapters.common_alert import parse_alert
from shared.adapters.credential import LazyCredential
from shared.adapters.event_grid import parse_event
from shared.adapters.event_publisher import AzureEventPublisher
from shared.adapters.github_issues import GitHubIssueTracker
from shared.adapters.model_files import load_models
from shared.adapters.prober import AzureProber
from shared.adapters.schedule import CronSlots
from shared.adapters.scorer import AzureScorer
from shared.adapters.watched import WatchedScorer, watched
from shared.application.gauges import Gauges
from shared.application.outside import Links, Outside
from shared.application.plane import ControlPlane
from shared.application.predict import Predictions
from shared.application.replay import DeadLetters, PoisonQueue
from shared.application.retention import Retention
from shared.application.watched_predictions import WatchedPredictions
from shared.domain.errors import SettingsError
from shared.domain.facts import Release
from shared.domain.policy import ModelSpec, Serving
from shared.ports import Ports, Scorer
from shared.settings import Settings, load_settings
from shared.telemetry import SILENT, Telemetry

STATE_TABLE = "noonstate"
DECISIONS_TABLE = "noondecisions"
HEALTH_TABLE = "noonhealth"
ALERTS_TABLE = "noonalerts"


@dataclass(frozen=True, slots=True)
class Runtime:
    """All that a trigger or a command needs."""

    settings: Settings
    plane: ControlPlane
    predictions: Predictions | WatchedPredictions
    gauges: Gauges
    outside: Outside


@cache
def runtime() -> Runtime:
    """The process's one runtime; raises SettingsError when anything is wrong."""
    settings = load_settings()
    models = load_models(settings.models_dir, settings.profile)
    _refuse_unserved(settings, models)
    credential, instance = LazyCredential(), uuid.uuid4().hex[:12]
    telemetry = _telemetry(settings, credential, instance)
    ports = _ports(settings, credential, telemetry)
    plane = ControlPlane(
        ports=watched(ports, telemetry, settings.queue_name) if telemetry.on else ports,
        models=models,
        workspace=settings.workspace_id,
        landing_container=settings.landing_container,
        read_event=parse_event,
        read_message=parse_message,
        retention=Retention(settings.decision_days),
        telemetry=telemetry,
    )
    predictions = _predictions(settings, plane, credential, instance)
    gauges = _gauges(settings, plane, credential)
    return Runtime(settings, plane, predictions, gauges, _outside(settings, plane, credential))


def _telemetry(settings: Settings, credential: LazyCredential, instance: str) -> Telemetry:
    if not settings.insights_connection:
        return SILENT
    # Importing OpenTelemetry takes longer than everything else that an answer waits for.
    from shared.adapters.azure_monitor import AzureMonitorTelemetry

    return AzureMonitorTelemetry(
        settings.insights_connection,
        credential if settings.insights_by_identity else None,
        instance=instance,
        version=settings.code_commit,
    )


def _predictions(
    settings: Settings, plane: ControlPlane, credential: LazyCredential, instance: str
) -> Predictions | WatchedPredictions:
    telemetry = plane.telemetry
    scorers: dict[Serving, Scorer] = {
        "managed_endpoint": AzureScorer(credential, traceparent=telemetry.traceparent),
        "container": AzureScorer(credential, settings.container_scope, telemetry.traceparent),
    }
    if telemetry.on:
        scorers = {kind: WatchedScorer(scorer, telemetry) for kind, scorer in scorers.items()}
    plain = Predictions(plane, scorers, instance, settings.predict_timeout_seconds)
    if not telemetry.on:
        return plain
    models, traced = frozenset(plane.models), settings.traced_predictions
    return WatchedPredictions(plain, models, telemetry, traced)


def _gauges(settings: Settings, plane: ControlPlane, credential: LazyCredential) -> Gauges:
    table = AzureTable(settings.table_url, STATE_TABLE, credential)
    url = settings.dead_letter_url
    return Gauges(
        plane,
        AzureTableStateStore(table),
        _poison(settings, credential),
        AzureDeadLetters(AzureContainer(url, credential)) if url else None,
    )


def _poison(
    settings: Settings, credential: LazyCredential
) -> tuple[AzurePoisonQueue, AzurePoisonQueue]:
    """Of messages, and of notices."""
    url = settings.queue_url
    return (
        AzurePoisonQueue(url, settings.queue_name, credential),
        AzurePoisonQueue(url, settings.notices_queue_name, credential),
    )


def _outside(settings: Settings, plane: ControlPlane, credential: LazyCredential) -> Outside:
    table = AzureTable(settings.table_url, ALERTS_TABLE, credential)
    tracker, publisher = None, None
    if settings.github_repository:
        tracker = GitHubIssueTracker(
            settings.github_repository,
            settings.github_app_id,
            settings.github_installation_id,
            settings.github_key,
            settings.github_api_url,
        )
    if settings.events_topic_url:
        publisher = AzureEventPublisher(settings.events_topic_url, plane.workspace, credential)
    return Outside(
        plane=plane,
        notices=_notices(settings, credential),
        alerts=AzureTableAlertStore(table),
        read_alert=parse_alert,
        read_notice=parse_notice,
        tracker=tracker,
        publisher=publisher,
        links=Links(settings.web_url, settings.runbooks_url),
    )


def _notices(settings: Settings, credential: LazyCredential) -> AzureNoticeQueue:
    return AzureNoticeQueue(settings.queue_url, settings.notices_queue_name, credential)


def _refuse_unserved(settings: Settings, models: dict[str, ModelSpec]) -> None:
    """A model that nobody could ask would be found out at its first rollout only."""
    for name, spec in models.items():
        if spec.serving == "container" and not settings.container_url:
            raise SettingsError(f'NOON_CONTAINER_URL: {name} has serving = "container"')


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What was left behind, and whom to tell of it."""

    outside: Outside
    poison: PoisonQueue
    poisoned_notices: PoisonQueue
    dead_letters: DeadLetters | None
    """None where the settings name no container."""


def leftovers() -> Leftovers:
    """Poisoned messages and dead letters; raises SettingsError when anything is wrong."""
    settings, credential = load_settings(), LazyCredential()
    url, (messages, notices) = settings.dead_letter_url, _poison(settings, credential)
    return Leftovers(
        runtime().outside,
        messages,
        notices,
        AzureDeadLetters(AzureContainer(url, credential)) if url else None,
    )


def check_settings() -> int:
    """How many settings there are, all right; raises SettingsError that names what is not."""
    return len(type(load_settings()).model_fields)


def checkout_component() -> str:
    """Name and version of the pipeline that this checkout would register."""
    from shared.adapters.azure_ml_assets import expected_component

    return expected_component(load_settings().components_dir)


def release_components() -> Release:
    """Register environments and components of this checkout and make them the release."""
    from shared.adapters.azure_ml_assets import register_components

    settings = load_settings()
    credential = LazyCredential()
    release = register_components(
        _workspace(settings, credential).client(),
        settings.components_dir,
        image=settings.serving_image,
    )
    _release_store(settings, credential).publish(release)
    return release


def _ports(settings: Settings, credential: LazyCredential, telemetry: Telemetry) -> Ports:
    workspace = _workspace(settings, credential)
    registry = AzureModelRegistry(workspace, settings.runs_datastore)
    clock, runs = SystemClock(), AzureContainer(settings.runs_url, credential)
    jobs = AzureTrainingJobs(
        workspace,
        registry.job_of,
        compute=settings.compute,
        landing_datastore=settings.landing_datastore,
        runs_datastore=settings.runs_datastore,
        code_commit=settings.code_commit,
        traceparent=telemetry.traceparent,
    )
    return Ports(
        clock=clock,
        slots=CronSlots(),
        state=AzureTableStateStore(AzureTable(settings.table_url, STATE_TABLE, credential)),
        releases=_release_store(settings, credential),
        decisions=AzureTableDecisionLog(
            AzureTable(settings.table_url, DECISIONS_TABLE, credential)
        ),
        queue=AzureMessageQueue(settings.queue_url, settings.queue_name, credential),
        lease=AzureBlobLease(settings.blob_url, credential, settings.lease_seconds),
        landing=AzureLandingZone(AzureContainer(settings.landing_url, credential)),
        files=AzureRunFiles(runs),
        jobs=jobs,
        registry=registry,
        endpoint=AzureOnlineEndpoint(workspace, identity_id=settings.endpoint_identity),
        containers=AzureContainerServing(
            runs, credential, clock, settings.container_url, settings.container_scope
        ),
        prober=AzureProber(credential),
        health=AzureTableHealthWindow(AzureTable(settings.table_url, HEALTH_TABLE, credential)),
        notices=_notices(settings, credential) if settings.tells else None,
    )


def _workspace(settings: Settings, credential: LazyCredential) -> AzureMachineLearning:
    return AzureMachineLearning(
        settings.subscription_id, settings.resource_group, settings.workspace, credential
    )


def _release_store(settings: Settings, credential: LazyCredential) -> AzureTableReleaseStore:
    return AzureTableReleaseStore(AzureTable(settings.table_url, STATE_TABLE, credential))
