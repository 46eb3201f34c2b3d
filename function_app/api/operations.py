"""Every operation of the API: what the document, the reference and the tests are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

from function_app.api.base import (
    AlertTaken,
    Chain,
    CommonAlert,
    Decisions,
    Health,
    OrderRequest,
    OrderTaken,
)
from function_app.api.fleet import Fleet, ModelDetail
from function_app.api.history import RolloutAnswer, Runs, Versions
from function_app.api.parameters import (
    BEFORE,
    KIND,
    MODEL,
    SINCE,
    VERB,
    WHY_ID,
    WHY_MODEL,
    Parameter,
    limit,
    read_query,
)
from function_app.api.prediction import ModelSchema, PredictRequest, PredictResponse
from shared.application.decision_pages import LIMIT_DEFAULT, LIMIT_MAX
from shared.application.versions import VERSIONS_DEFAULT, VERSIONS_MAX

Method = Literal["get", "post"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One function with an HTTP trigger."""

    function: str
    """Its name, which is the operation's id."""
    method: Method
    path: str
    summary: str
    answer: type[BaseModel] | None
    """None where it is the OpenAPI document, whose own schema is published elsewhere."""
    description: str = ""
    status: int = 200
    parameters: tuple[Parameter, ...] = ()
    body: type[BaseModel] | None = None
    problems: Mapping[int, str] = field(default_factory=dict)
    cached: bool = False
    """It has an ETag, and answers 304 to who has it already."""
    open_to_all: bool = False
    """No key is needed."""

    def asked(self, given: Mapping[str, str]) -> dict[str, Any]:
        """What a query says, by name; raises MalformedError that names what is wrong."""
        return read_query(self.parameters, given)


LOOKED_UP = {
    404: "There is no such model; the known ones are named",
    503: "Storage does not answer: come again",
}
ASKED_WRONGLY = {400: "A parameter of the query is unknown or wrong; it is named", **LOOKED_UP}
ORDERED = {
    400: "The body is no JSON",
    422: "The body is JSON and no order",
    **LOOKED_UP,
}

OPERATIONS: tuple[Operation, ...] = (
    Operation("health", "get", "/api/health", "Whether the app runs", Health, open_to_all=True),
    Operation(
        "openapi",
        "get",
        "/api/openapi.json",
        "This document",
        None,
        cached=True,
        open_to_all=True,
    ),
    Operation(
        "models",
        "get",
        "/api/models",
        "Every model at a glance",
        Fleet,
        "Three storage calls a model, however long the history is; no call to Azure ML.",
        problems={503: LOOKED_UP[503]},
        cached=True,
    ),
    Operation(
        "model",
        "get",
        "/api/models/{model}",
        "One model with policy, data and schedule",
        ModelDetail,
        parameters=(MODEL,),
        problems=LOOKED_UP,
        cached=True,
    ),
    Operation(
        "model_schema",
        "get",
        "/api/models/{model}/schema",
        "What the champion wants to know, with sample rows",
        ModelSchema,
        "Read from the champion's model folder.",
        parameters=(MODEL,),
        problems={**LOOKED_UP, 404: f"{LOOKED_UP[404]}; or it has no champion yet"},
        cached=True,
    ),
    Operation(
        "model_versions",
        "get",
        "/api/models/{model}/versions",
        "Champion, challengers, former and refused ones",
        Versions,
        "From the decision log; the commit of the newest ten from the jobs' model folders.",
        parameters=(MODEL, limit(VERSIONS_DEFAULT, VERSIONS_MAX, "challengers")),
        problems=ASKED_WRONGLY,
        cached=True,
    ),
    Operation(
        "model_runs",
        "get",
        "/api/models/{model}/runs",
        "Slots, landings and jobs",
        Runs,
        "From the decision log and the saved state; no call to Azure ML.",
        parameters=(MODEL,),
        problems=ASKED_WRONGLY,
        cached=True,
    ),
    Operation(
        "model_rollout",
        "get",
        "/api/models/{model}/rollout",
        "How the rollout stands, its checks and its history",
        RolloutAnswer,
        parameters=(MODEL,),
        problems=ASKED_WRONGLY,
        cached=True,
    ),
    Operation(
        "model_decisions",
        "get",
        "/api/models/{model}/decisions",
        "The decision log, in parts",
        Decisions,
        "One storage call.",
        parameters=(
            MODEL,
            SINCE,
            BEFORE,
            KIND,
            limit(LIMIT_DEFAULT, LIMIT_MAX, "decisions"),
        ),
        problems=ASKED_WRONGLY,
        cached=True,
    ),
    Operation(
        "why",
        "get",
        "/api/why/{id}",
        "The chain of decisions behind an id",
        Chain,
        parameters=(WHY_ID, WHY_MODEL),
        problems={
            400: "The id has no known form, or does not say its model",
            404: "Nothing is known of it; what was looked for is said",
            503: LOOKED_UP[503],
        },
        cached=True,
    ),
    Operation(
        "predict",
        "post",
        "/api/models/{model}/predict",
        "Score rows with the model's champion",
        PredictResponse,
        parameters=(MODEL,),
        body=PredictRequest,
        problems={
            400: "The body is no JSON",
            404: LOOKED_UP[404],
            408: "The scoring service took too long",
            413: "The body is too large: send fewer rows",
            415: "The body is of another kind than JSON",
            422: "Rows that do not fit the model: row, column and reason of each mistake",
            429: "Too many requests are under way: come again after Retry-After",
            500: "The scoring service failed",
            502: "The endpoint does not answer, or answers nonsense",
            503: "There is no champion yet, or it cannot be reached now",
            504: "There was no answer in time",
        },
    ),
    Operation(
        "train",
        "post",
        "/api/models/{model}/train",
        "Order a training",
        OrderTaken,
        status=202,
        parameters=(MODEL,),
        body=OrderRequest,
        problems=ORDERED,
    ),
    Operation(
        "rollout",
        "post",
        "/api/models/{model}/rollout/{verb}",
        "Order something about a rollout: pause, resume, abort, rollback, proceed, accept",
        OrderTaken,
        "Taken in by the next pass; one that is not possible then is refused in a decision.",
        status=202,
        parameters=(MODEL, VERB),
        body=OrderRequest,
        problems={**ORDERED, 404: f"{LOOKED_UP[404]}; or there is no such order"},
    ),
    Operation(
        "alerts",
        "post",
        "/api/alerts",
        "Take in an alert of Azure Monitor",
        AlertTaken,
        "For the action group; the common alert schema.",
        status=202,
        body=CommonAlert,
        problems={
            413: "It is larger than any alert",
            422: "It is no alert of the common schema; that is recorded",
            503: LOOKED_UP[503],
        },
    ),
)


def named(function: str) -> Operation:
    """The operation of a function."""
    return next(each for each in OPERATIONS if each.function == function)
