"""The model folder: finding it below a directory and reading what it says about itself."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

import msgspec

Scalar = bool | int | float | str

DEPTH_MAX = 8
"""Azure ML puts a registered folder one level below the mount; the rest is generosity."""


class ModelFolderError(Exception):
    """The model folder cannot be served; the message names the file and the reason."""


class Feature(msgspec.Struct, frozen=True):
    """A column that callers send."""

    name: str
    kind: Literal["number", "category"]
    categories: list[str] | None = None
    minimum: float | None = None
    maximum: float | None = None
    example: float | str | None = None


class Inputs(msgspec.Struct, frozen=True):
    """The ONNX graph's input names, one for each kind of column that the model has."""

    number: str | None = None
    category: str | None = None


class ModelSchema(msgspec.Struct, frozen=True):
    """`schema.json`: what goes in and what comes out."""

    schema: Literal[1]
    model: str
    task: Literal["classification", "regression"]
    target: str
    features: list[Feature]
    inputs: Inputs
    classes: list[Scalar] | None = None

    def names(self, kind: Literal["number", "category"]) -> list[str]:
        """The columns of one kind, in the order of the graph's input."""
        return [feature.name for feature in self.features if feature.kind == kind]

    def class_keys(self) -> list[str]:
        """The classes as keys of a JSON object: text as it is, everything else as JSON."""
        return [
            value if isinstance(value, str) else msgspec.json.encode(value).decode()
            for value in self.classes or []
        ]


class _Sample(msgspec.Struct, frozen=True):
    rows: list[dict[str, Any]]


def find_model_folder(root: Path | None) -> Path:
    """The folder of the only `schema.json` below `root`; none or several are refused."""
    if root is None:
        raise ModelFolderError("AZUREML_MODEL_DIR is not set")
    if not root.is_dir():
        raise ModelFolderError(f"AZUREML_MODEL_DIR is not a folder: {root}")
    found = _schema_files(root)
    if not found:
        raise ModelFolderError(f"no schema.json below {root}")
    if len(found) > 1:
        names = ", ".join(str(path.relative_to(root)) for path in found)
        raise ModelFolderError(f"more than one schema.json below {root}: {names}")
    return found[0].parent


def read_schema(folder: Path) -> tuple[ModelSchema, bytes]:
    """The folder's schema, typed and as it was written; contradictions are refused."""
    content = read_file(folder / "schema.json")
    try:
        schema = msgspec.json.decode(content, type=ModelSchema)
    except ValueError as error:
        raise ModelFolderError(f"schema.json: {error}") from error
    _refuse_contradictions(schema)
    return schema, content


def read_sample_rows(folder: Path) -> list[dict[str, Any]]:
    """The rows that the training recorded so that every copy of the model can be tried."""
    try:
        rows = msgspec.json.decode(read_file(folder / "sample.json"), type=_Sample).rows
    except ValueError as error:
        raise ModelFolderError(f"sample.json: {error}") from error
    if not rows:
        raise ModelFolderError("sample.json: no rows")
    return rows


def read_file(path: Path) -> bytes:
    """The file's content; one that cannot be read is refused by name."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelFolderError(f"{path.name}: {error.strerror}") from error


def _schema_files(root: Path) -> list[Path]:
    # Links are followed because mounts are often made of them; the depth bounds a circle.
    found: dict[Path, Path] = {}
    for parent, folders, files in os.walk(root, followlinks=True):
        depth = len(Path(parent).relative_to(root).parts)
        if depth >= DEPTH_MAX:
            folders.clear()
        folders.sort()
        if "schema.json" in files:
            path = Path(parent) / "schema.json"
            found.setdefault(path.resolve(), path)
    return list(found.values())


def _refuse_contradictions(schema: ModelSchema) -> None:
    names = [feature.name for feature in schema.features]
    if not names:
        raise ModelFolderError("schema.json: no features")
    if len(set(names)) < len(names):
        raise ModelFolderError("schema.json: two features have the same name")
    if bool(schema.names("number")) != (schema.inputs.number is not None):
        raise ModelFolderError("schema.json: inputs.number does not fit the number features")
    if bool(schema.names("category")) != (schema.inputs.category is not None):
        raise ModelFolderError("schema.json: inputs.category does not fit the category features")
    if (schema.task == "classification") != bool(schema.classes):
        raise ModelFolderError("schema.json: classes belong to a classification, and only there")
    if len(set(schema.class_keys())) < len(schema.classes or []):
        raise ModelFolderError("schema.json: two classes have the same name")
