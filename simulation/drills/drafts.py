"""Drafts of models: trained by the production component, or made by hand to be odd."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

SLOW_SIZE = 1500
"""Numbers a side of a square that a slow model draws for each answer: 25 ms at the least."""
STEADY = ("wind", "rain", "hour")
WEIGHTS, SHIFT = (1.2, 0.9, 0.6), -0.8


def made_slow(model: Path) -> None:
    """Make an exported model draw millions of numbers for each answer, and add none of them."""
    import onnx
    from onnx import TensorProto, helper

    graph = onnx.load(model)
    last = next(node for node in graph.graph.node if "probabilities" in node.output)
    outputs = ["quick" if name == "probabilities" else name for name in last.output]
    del last.output[:]
    last.output.extend(outputs)
    shape = [SLOW_SIZE, SLOW_SIZE]
    zero = helper.make_tensor("drill_zero", TensorProto.FLOAT, [1], [0.0])
    graph.graph.initializer.append(zero)
    graph.graph.node.extend(
        [
            helper.make_node("RandomNormal", [], ["drawn"], shape=shape),
            helper.make_node("ReduceMax", ["drawn"], ["most"], keepdims=0),
            helper.make_node("Mul", ["most", "drill_zero"], ["nothing"]),
            helper.make_node("Add", ["quick", "nothing"], ["probabilities"]),
        ]
    )
    model.write_bytes(graph.SerializeToString())


def linear_model(wave: float, amplitude: float) -> bytes:
    """A model that adds wind, rain and hour, and a wave over a number without a meaning."""
    from onnx import TensorProto, helper

    numbers = helper.make_tensor_value_info("number", TensorProto.FLOAT, [None, 4])
    given = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2])
    constants = [
        helper.make_tensor("weights", TensorProto.FLOAT, [4, 1], [*WEIGHTS, 0.0]),
        helper.make_tensor("picked", TensorProto.FLOAT, [4, 1], [0.0, 0.0, 0.0, wave]),
        helper.make_tensor("amplitude", TensorProto.FLOAT, [1], [amplitude]),
        helper.make_tensor("shift", TensorProto.FLOAT, [1], [SHIFT]),
        helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0]),
    ]
    nodes = [
        helper.make_node("MatMul", ["number", "weights"], ["summed"]),
        helper.make_node("MatMul", ["number", "picked"], ["angle"]),
        helper.make_node("Sin", ["angle"], ["sine"]),
        helper.make_node("Mul", ["sine", "amplitude"], ["noise"]),
        helper.make_node("Add", ["summed", "noise"], ["blurred"]),
        helper.make_node("Add", ["blurred", "shift"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["yes"]),
        helper.make_node("Sub", ["one", "yes"], ["no"]),
        helper.make_node("Concat", ["no", "yes"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(nodes, "linear", [numbers], [given], constants)
    opset = [helper.make_opsetid("", 17)]
    return bytes(helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString())


def linear_draft(folder: Path, step: int) -> Path:
    """A draft folder as train writes it, of a model that is worse with every step.

    Each step disturbs other rows than the one before, so that two neighbours can hardly be told
    apart, while the loss to the first one grows.
    """
    import numpy as np

    wave, amplitude = 37.0 * (step + 1), 0.3 * math.sqrt(step)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(linear_model(wave, amplitude))
    names = [*STEADY, "chance"]
    rows = np.random.default_rng(3).normal(size=(200, 4)).astype(np.float32)
    logit = rows[:, :3] @ np.array(WEIGHTS) + amplitude * np.sin(rows[:, 3] * wave) + SHIFT
    yes = 1 / (1 + np.exp(-logit))
    columns: dict[str, Any] = {f"column:{name}": rows[:, at] for at, name in enumerate(names)}
    np.savez_compressed(folder / "parity.npz", answers=np.stack([1 - yes, yes], axis=1), **columns)
    documents = {
        "schema.json": {
            "schema": 1,
            "model": "flights",
            "task": "classification",
            "target": "late",
            "classes": [False, True],
            "features": [{"name": name, "kind": "number"} for name in names],
            "inputs": {"number": "number", "category": None},
        },
        "sample.json": {"rows": [dict.fromkeys(names, 0.5), dict.fromkeys(names, -0.5)]},
        "lineage.json": {"schema": 1},
    }
    for name, document in documents.items():
        (folder / name).write_text(json.dumps(document), encoding="utf-8")
    return folder
