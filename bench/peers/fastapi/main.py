"""A scoring service as FastAPI's own tutorial teaches it."""

from __future__ import annotations

from typing import Any

from engines import load_engine
from fastapi import FastAPI
from pydantic import BaseModel


class Rows(BaseModel):
    """A request."""

    rows: list[dict[str, Any]]


class Predictions(BaseModel):
    """An answer."""

    predictions: list[list[float]]


app = FastAPI()
engine = load_engine()


@app.post("/score")
async def score(request: Rows) -> Predictions:
    """Score the rows."""
    return Predictions(predictions=engine(request.rows))
