"""Predictions, and what the form for them needs to know."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from function_app.api.base import Asked, Sent
from shared.domain.policy import Task

Cell = float | str | bool | None
Scalar = str | bool | int | float


class NumberColumn(Sent):
    """A column of numbers."""

    name: str
    kind: Literal["number"]
    minimum: float | None
    """Of the rows that the model was trained on; others are taken too."""
    maximum: float | None
    example: float | None


class CategoryColumn(Sent):
    """A column of texts."""

    name: str
    kind: Literal["category"]
    categories: list[str]
    """Those that the model was trained on; others are taken as unknown."""
    example: str | None


SchemaColumn = Annotated[NumberColumn | CategoryColumn, Field(discriminator="kind")]


class ModelSchema(Sent):
    """What the champion wants to know, and what it says."""

    model: str
    version: int
    task: Task
    target: str
    classes: list[Scalar] | None
    """Of a classification."""
    columns: list[SchemaColumn]
    """In the order of the model file."""
    sample: list[dict[str, Cell]]
    """Rows of the holdout, as a caller would send them."""


class PredictRequest(Asked):
    """Rows to be scored."""

    rows: Annotated[list[dict[str, Cell]], Field(min_length=1)]
    """By column; a value that is not known is null. The model's schema names the columns."""


class ClassPrediction(Sent):
    """The answer of a classification for one row."""

    label: Scalar
    probabilities: dict[str, float]
    """By class."""


class NumberPrediction(Sent):
    """The answer of a regression for one row."""

    value: float


class Answerer(Sent):
    """Who answered."""

    name: str
    version: str
    deployment: str


class PredictResponse(Sent):
    """An answer for each row, in the same order."""

    predictions: list[ClassPrediction | NumberPrediction]
    model: Answerer
    request_id: str
    """`why` tells the chain behind it."""
