"""Model folders of a few hundred bytes: each multiplies its one column by a factor of its own."""

from __future__ import annotations

import json

from onnx import TensorProto, helper


def tiny_folder(factor: float, task: str = "regression") -> dict[str, bytes]:
    """The files of a model folder by name; the answer to x is factor * x."""
    number = helper.make_tensor_value_info("numbers", TensorProto.FLOAT, [None, 1])
    value = helper.make_tensor_value_info("value", TensorProto.FLOAT, [None, 1])
    constant = helper.make_tensor("factor", TensorProto.FLOAT, [1], [factor])
    node = helper.make_node("Mul", ["numbers", "factor"], ["value"])
    graph = helper.make_graph([node], "tiny", [number], [value], [constant])
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=9)
    schema = {
        "schema": 1,
        "model": "tiny",
        "task": task,
        "target": "y",
        "classes": None,
        "features": [{"name": "x", "kind": "number"}],
        "inputs": {"number": "numbers", "category": None},
    }
    return {
        "model.onnx": model.SerializeToString(),
        "schema.json": json.dumps(schema).encode(),
        "sample.json": json.dumps({"rows": [{"x": 1.0}, {"x": 2.0}]}).encode(),
        "metrics.json": b"{}",
    }
