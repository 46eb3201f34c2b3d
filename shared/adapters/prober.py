"""Asks deployments of managed endpoints, and versions in containers, directly by header."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from shared.domain.facts import Probe, SmokeFacts

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from requests import Response

SCOPE = "https://ml.azure.com/.default"
DEPLOYMENT_HEADER = "azureml-model-deployment"
NOTHING_LEARNED = frozenset({401, 403, 404, 429})
"""Not allowed, not there yet or too busy: says nothing about the model."""
TEXT_MAX = 500


class AzureProber:
    """Sends recorded rows to one deployment and looks whether the answer makes sense."""

    def __init__(
        self,
        credential: TokenCredential,
        timeout_seconds: float = 30.0,
        scope: str | None = SCOPE,
    ) -> None:
        self._credential = credential
        self._timeout_seconds = timeout_seconds
        self._scope = scope
        """What its tokens are for; None for a container that takes none."""

    def smoke(
        self, scoring_uri: str, deployment: str, rows: Sequence[dict[str, object]]
    ) -> SmokeFacts:
        """Passed: a finite prediction for each row; no data: nothing was learned."""
        import requests
        from azure.core.exceptions import AzureError

        if not rows:
            return SmokeFacts(Probe.NO_DATA, "there are no rows to ask with")
        try:
            headers = {DEPLOYMENT_HEADER: deployment}
            if self._scope is not None:
                token = self._credential.get_token(self._scope).token
                headers["Authorization"] = f"Bearer {token}"
            # Not the client's own invoke: it would send the header with every later call too.
            response = requests.post(
                scoring_uri,
                json={"rows": list(rows)},
                headers=headers,
                timeout=self._timeout_seconds,
            )
        except (requests.RequestException, AzureError) as error:
            return SmokeFacts(Probe.NO_DATA, f"not reached: {error}"[:TEXT_MAX])
        return _judged(response, deployment, len(rows))


def _judged(response: Response, deployment: str, rows: int) -> SmokeFacts:
    answered_by = response.headers.get(DEPLOYMENT_HEADER, deployment)
    said = f"{response.status_code}: {response.text}"[:TEXT_MAX]
    if answered_by != deployment:
        return SmokeFacts(Probe.NO_DATA, f"{answered_by} answered instead of {deployment}")
    if response.status_code in NOTHING_LEARNED:
        return SmokeFacts(Probe.NO_DATA, said)
    if response.status_code != 200:
        return SmokeFacts(Probe.FAILED, said)
    predictions = _predictions(response)
    if predictions is None:
        return SmokeFacts(Probe.FAILED, f"no predictions in the answer: {said}")
    if len(predictions) != rows:
        return SmokeFacts(Probe.FAILED, f"{len(predictions)} predictions for {rows} rows")
    finite = sum(map(_finite, predictions))
    if finite != rows:
        return SmokeFacts(Probe.FAILED, f"{rows - finite} of {rows} predictions are not finite")
    return SmokeFacts(Probe.PASSED, f"{rows} of {rows} rows answered")


def _predictions(response: Response) -> list[Any] | None:
    try:
        answer = response.json()
    except ValueError:
        return None
    predictions = answer.get("predictions") if isinstance(answer, dict) else None
    return predictions if isinstance(predictions, list) else None


def _finite(prediction: Any) -> bool:
    """Every number in it is one, and there is something in it."""
    match prediction:
        case dict():
            return bool(prediction) and all(map(_finite, prediction.values()))
        case float():
            return math.isfinite(prediction)
        case _:
            return isinstance(prediction, int | str)
