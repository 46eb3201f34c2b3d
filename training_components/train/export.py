"""Exports a trained pipeline as ONNX: whole, and once more with only its trees as a graph."""

from __future__ import annotations

from typing import Any

from fit import names_of
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType

# Fixed so that a newer exporter does not silently ask for a newer runtime than the backend has.
OPSETS = {"": 18, "ai.onnx.ml": 3}
TREES_FILE, TREES_INPUT = "trees.onnx", "features"


def export(model: Any, spec: dict[str, Any]) -> bytes:
    """The model as a serialised ONNX graph.

    Inputs: number (float32, NaN for missing) and category (text, empty for missing), each absent
    when there is no such feature. Outputs: label (index into the classes of schema.json) and
    probabilities, or value.
    """
    widths = {kind: len(names_of(spec, kind)) for kind in ("number", "category")}
    types = {"number": FloatTensorType, "category": StringTensorType}
    inputs = [(kind, types[kind]([None, width])) for kind, width in widths.items() if width]
    return _graph(model, inputs, spec)


def export_trees(model: Any, spec: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
    """The trees alone as a graph over float32 features, and trees.json: what makes the features.

    Numbers as they are, then the code of each category; one without a code becomes NaN. A server
    that looks the codes up itself spares the graph's text nodes, which cost more than the trees.
    """
    numbers, categories = names_of(spec, "number"), names_of(spec, "category")
    width = len(numbers) + len(categories)
    graph = _graph(
        model.named_steps["trees"], [(TREES_INPUT, FloatTensorType([None, width]))], spec
    )
    encoder = model.named_steps["columns"].named_transformers_.get("category")
    known = encoder.categories_ if categories else []
    return graph, {
        "schema": 1,
        "file": TREES_FILE,
        "input": TREES_INPUT,
        "numbers": numbers,
        "categories": [
            {"name": name, "codes": {text: float(code) for code, text in enumerate(texts)}}
            for name, texts in zip(categories, known, strict=True)
        ],
    }


def _graph(model: Any, inputs: list[tuple[str, Any]], spec: dict[str, Any]) -> bytes:
    if spec["task"] == "classification":
        options = {"zipmap": False}
        outputs = [
            ("label", Int64TensorType([None])),
            ("probabilities", FloatTensorType([None, len(model.classes_)])),
        ]
    else:
        options = {}
        outputs = [("value", FloatTensorType([None, 1]))]
    graph = convert_sklearn(
        model,
        name=spec["model"],
        initial_types=inputs,
        final_types=outputs,
        options={id(model): options} if options else None,
        target_opset=OPSETS,
    )
    # The exporter gathers these in a set: without an order the same model has several digests.
    opsets = sorted(graph.opset_import, key=lambda each: str(each.domain))
    del graph.opset_import[:]
    graph.opset_import.extend(opsets)
    return bytes(graph.SerializeToString(deterministic=True))
