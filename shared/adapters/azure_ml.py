"""One Azure ML workspace through the official client, which is imported and built once."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

from shared.adapters.azure_errors import first_line, of_response
from shared.domain.errors import BusyError, NoonError, RefusedError, UnavailableError

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.core.credentials import TokenCredential
    from azure.core.exceptions import HttpResponseError

BUSY_WORDS = ("provisioning state", "operationinprogress", "too many requests")
"""Words of refusals that time cures, whatever the status: 400 and 409 are both seen."""


class AzureMachineLearning:
    """The workspace; the client costs two seconds and 100 MB, so only who needs it builds it."""

    def __init__(
        self, subscription_id: str, resource_group: str, workspace: str, credential: TokenCredential
    ) -> None:
        self._subscription_id = subscription_id
        self._resource_group = resource_group
        self._workspace = workspace
        self._credential = credential
        self._lock = Lock()
        self._client: MLClient | None = None

    @property
    def workspace_id(self) -> str:
        """ARM id of the workspace."""
        return (
            f"/subscriptions/{self._subscription_id}/resourceGroups/{self._resource_group}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{self._workspace}"
        )

    def asset_id(self, kind: str, name: str, version: str) -> str:
        """ARM id of a version of a component, model or environment."""
        return f"{self.workspace_id}/{kind}/{name}/versions/{version}"

    def client(self) -> MLClient:
        """The process's one client of the workspace; raises UnavailableError."""
        from azure.core.exceptions import AzureError

        with self._lock:
            if self._client is None:
                try:
                    self._client = self._built()
                except AzureError as error:
                    # Importing and building ask which cloud this is.
                    raise UnavailableError(f"reach Azure: {first_line(error)}") from error
            return self._client

    def _built(self) -> MLClient:
        from azure.ai.ml import MLClient

        quieten()
        return MLClient(
            self._credential,
            self._subscription_id,
            self._resource_group,
            self._workspace,
            enable_telemetry=False,
            show_progress=False,
            per_call_policies=[_leave_operations()],
            # A pass holds a lease of a minute: better to give up and come again.
            retry_total=1,
            connection_timeout=5,
            read_timeout=30,
        )


@contextmanager
def ml_errors(doing: str) -> Iterator[None]:
    """Raise what the client raises as an error of the domain that says what was being done."""
    from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError

    try:
        yield
    except ClientAuthenticationError as error:
        raise UnavailableError(f"{doing}: {first_line(error)}") from error
    except HttpResponseError as error:
        raise _of_answer(doing, error) from error
    except AzureError as error:
        from azure.ai.ml.exceptions import MlException

        # The client's own checks refuse before anything is sent.
        kind = RefusedError if isinstance(error, MlException) else UnavailableError
        raise kind(f"{doing}: {first_line(error)}") from error


def inner_codes(error: HttpResponseError) -> tuple[str, ...]:
    """The precise codes of a refusal, outermost first: its own code mostly says UserError."""
    try:
        answer: Any = error.response.json() if error.response else {}  # type: ignore[attr-defined]
        notes = answer["error"]["additionalInfo"]
        inner = next(note["info"]["value"] for note in notes if note["type"] == "InnerError")
    except (ValueError, LookupError, TypeError, StopIteration):
        # A gateway's page, or a refusal without more detail.
        return ()
    codes: list[str] = []
    while isinstance(inner, dict) and len(codes) < 10:
        codes.append(str(inner.get("code", "")))
        inner = inner.get("innerError")
    return tuple(codes)


def _of_answer(doing: str, error: HttpResponseError) -> NoonError:
    codes = inner_codes(error)
    said = " ".join((first_line(error), *codes)).lower()
    if error.status_code == 409 and "quota" in said:
        # No operation ends this conflict.
        return RefusedError(f"{doing}: {error.status_code} {first_line(error)}")
    if error.status_code in (400, 409) and any(words in said for words in BUSY_WORDS):
        return BusyError(f"{doing}: {error.status_code} {first_line(error)}")
    return of_response(doing, error)


def state_word(value: object) -> str:
    """A state in small letters: the client gives some as texts, others as members of an enum."""
    return str(getattr(value, "value", value)).lower()


class OperationLeftError(Exception):
    """Ends the thread with which the client would wait for a long-running operation."""


def _leave_operations() -> Any:
    from azure.core.pipeline import PipelineRequest
    from azure.core.pipeline.policies import SansIOHTTPPolicy

    class LeaveOperations(SansIOHTTPPolicy[Any, Any]):
        """Refuses to ask how an operation goes.

        Each begin_… leaves a thread that asks for up to half an hour and writes a dot to the
        output each time; Noon reads the provisioning state on its next pass instead.
        """

        def on_request(self, request: PipelineRequest[Any]) -> None:
            if "/mfeoperation" in request.http_request.url.lower():
                raise OperationLeftError

    return LeaveOperations()


def quieten() -> None:
    """Have the client keep its warnings, of its own preview classes and of defaults, to itself."""
    logging.getLogger("azure.ai.ml").setLevel(logging.ERROR)
