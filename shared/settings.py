"""The app's settings: environment variables, checked once, before anything starts."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, StringConstraints, ValidationError
from pydantic.functional_validators import field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.domain.errors import SettingsError

ROOT = Path(__file__).parents[1]
_CONNECTION = re.compile(
    r"(?i)(^|;)InstrumentationKey=[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(;|$)"
)
HttpsUrl = Annotated[str, StringConstraints(pattern=r"^https://[^\s/]+(/\S*)?[^/]$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


def _near_or_tls(url: str) -> str:
    """Rows leave the own network over TLS only."""
    parts = urlsplit(url.replace("{model}", "model"))
    if url and (parts.hostname is None or parts.scheme not in ("http", "https")):
        raise ValueError("must be an address such as https://score-{model}.example.org")
    if parts.scheme == "http" and not _near(parts.hostname or ""):
        raise ValueError("http:// is for loopback and private addresses only: use https://")
    return url.rstrip("/")


def _near(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        # A name without a dot is one of the own network, such as a service of compose.
        return "." not in host


class Settings(BaseSettings):
    """Every setting of Noon; each field is the environment variable NOON_<FIELD>.

    Two are shared with the Functions host and have the name that it reads.
    """

    model_config = SettingsConfigDict(env_prefix="NOON_", frozen=True)

    subscription_id: Text
    resource_group: Text
    workspace: Text
    """Name of the Azure ML workspace."""
    landing_url: HttpsUrl
    """URL of the container where data lands."""
    runs_url: HttpsUrl
    """URL of the container behind the runs datastore: manifests and job outputs."""
    blob_url: HttpsUrl
    """URL of the blob account that holds the leases."""
    queue_url: HttpsUrl
    """URL of the queue account."""
    table_url: HttpsUrl
    """URL of the table account that holds state and decisions."""
    profile: Literal["", "local"] = ""
    """Which [profiles.…] of the model files applies."""
    models_dir: Path = ROOT / "models"
    components_dir: Path = ROOT / "training_components"
    """What `noon deploy components` registers."""
    serving_image: Text = "noon-backend:local"
    """Container image of the scoring service."""
    landing_datastore: Text = "landing"
    runs_datastore: Text = "workspaceblobstore"
    queue_name: Text = "noon-reconcile"
    compute: Text = "cpu-cluster"
    """Azure ML compute that trains."""
    endpoint_identity: str = ""
    """ARM id of the user-assigned identity of the endpoints; empty: a system-assigned one."""
    container_url: Annotated[str, AfterValidator(_near_or_tls)] = ""
    """Address of the scoring containers, `{model}` standing for the model's name; for models
    with serving = "container"."""
    container_audience: str = ""
    """Whom the tokens for the scoring containers are for, such as `api://noon-scoring`; empty:
    no token is sent, which only a container on loopback or a private address may be."""
    lease_seconds: Annotated[int, Field(ge=15, le=60)] = 60
    """How long a pass that died keeps its model to itself."""
    dead_letter_url: HttpsUrl | Literal[""] = ""
    """URL of the container where Event Grid leaves what it could not deliver; for replays."""
    decision_days: Annotated[int, Field(ge=1, le=3650)] = 400
    """So long decisions are kept."""
    predict_timeout_seconds: Annotated[float, Field(gt=0, le=180)] = 10.0
    notices_queue_name: Text = "noon-notices"
    """Queue of what is told outside."""
    events_topic_url: HttpsUrl | Literal[""] = ""
    """Endpoint of the Event Grid topic that gets Noon's own events; empty: nobody does."""
    github_repository: Annotated[str, StringConstraints(pattern=r"^([\w.-]+/[\w.-]+)?$")] = ""
    """`owner/name` of the repository whose issues tell of alerts and rollouts; empty: none."""
    github_api_url: Annotated[str, AfterValidator(_near_or_tls)] = "https://api.github.com"
    """Another one for GitHub Enterprise Server, such as https://github.example.org/api/v3."""
    github_app_id: str = ""
    """Id of the GitHub App that is installed in the repository and may write issues."""
    github_installation_id: Annotated[int, Field(ge=0)] = 0
    github_private_key: SecretStr = SecretStr("")
    """Key of the app as PEM; in Azure a reference to Key Vault."""
    runbooks_url: Annotated[str, AfterValidator(_near_or_tls)] = ""
    """Page of the runbooks, docs/runbooks.md as it is published; issues link to it."""
    web_url: Annotated[str, AfterValidator(_near_or_tls)] = ""
    """Address of the web user interface, to which issues link."""
    code_commit: Text = "unknown"
    """The commit that was deployed, for a model's lineage."""
    traced_predictions: Annotated[float, Field(ge=0, le=1)] = 0.01
    """The share of predictions that are traced; all of them are counted."""
    insights_connection: str = Field("", validation_alias="APPLICATIONINSIGHTS_CONNECTION_STRING")
    """Where telemetry goes; empty: it is off, and costs nothing."""
    insights_authentication: str = Field(
        "", validation_alias="APPLICATIONINSIGHTS_AUTHENTICATION_STRING"
    )
    """Whether telemetry is sent by identity: `ClientId=…;Authorization=AAD`, as the host reads
    it; empty: the connection string is enough."""

    @model_validator(mode="after")
    def _containers_are_guarded(self) -> Self:
        host = urlsplit(self.container_url.replace("{model}", "model")).hostname or ""
        if self.container_url and not self.container_audience and not _near(host):
            raise ValueError(f"NOON_CONTAINER_AUDIENCE is needed for a container at {host}")
        return self

    @model_validator(mode="after")
    def _github_is_whole(self) -> Self:
        given = {
            "NOON_GITHUB_APP_ID": bool(self.github_app_id),
            "NOON_GITHUB_INSTALLATION_ID": self.github_installation_id > 0,
            "NOON_GITHUB_PRIVATE_KEY": bool(self.github_private_key.get_secret_value()),
        }
        missing = [name for name, there in given.items() if not there]
        if self.github_repository and missing:
            raise ValueError(f"{', '.join(missing)}: needed with NOON_GITHUB_REPOSITORY")
        return self

    @property
    def tells(self) -> bool:
        """Somebody outside is told of decisions."""
        return bool(self.events_topic_url or self.github_repository)

    @property
    def github_key(self) -> str:
        """The key with its line breaks, which some ways of setting variables write as two signs."""
        return self.github_private_key.get_secret_value().replace("\\n", "\n")

    @field_validator("insights_connection")
    @classmethod
    def _names_a_resource(cls, text: str) -> str:
        if text and not _CONNECTION.search(text):
            # Never the text itself: nothing that was pasted by mistake may end in a log.
            raise ValueError(
                "must be a connection string: InstrumentationKey=<guid>;IngestionEndpoint=…"
            )
        return text

    @property
    def insights_by_identity(self) -> bool:
        """Telemetry is sent with a token of the app's identity."""
        return "authorization=aad" in self.insights_authentication.casefold()

    @property
    def container_scope(self) -> str | None:
        """What tokens for the scoring containers are asked for; None: no token is sent."""
        return f"{self.container_audience}/.default" if self.container_audience else None

    @property
    def workspace_id(self) -> str:
        """ARM id of the workspace."""
        return (
            f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{self.workspace}"
        )

    @property
    def landing_container(self) -> str:
        """Name of the container where data lands."""
        return self.landing_url.rsplit("/", 1)[-1]


def load_settings() -> Settings:
    """The settings from the environment; raises SettingsError that names every wrong one."""
    try:
        return Settings()
    except ValidationError as error:
        lines = [f"{_name(problem['loc'])}{problem['msg']}" for problem in error.errors()]
        raise SettingsError("settings are wrong: " + "; ".join(lines)) from None


def _name(loc: tuple[int | str, ...]) -> str:
    """The variable that is wrong; what concerns several names them itself."""
    name = "_".join(str(part) for part in loc).upper()
    return f"{name if name.startswith('APPLICATIONINSIGHTS_') else f'NOON_{name}'}: " if loc else ""
