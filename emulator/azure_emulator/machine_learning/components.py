"""Components: the steps and pipelines that jobs are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..arm import Json, envelope, not_implemented, user_error
from .assets import Assets

if TYPE_CHECKING:
    from ..context import Context
    from ..resource import Resource
    from ..router import Call
    from .references import References

COMPONENT_TYPES = ("command", "pipeline")
LITERAL_TYPES = ("string", "number", "integer", "boolean", "enum")
DATA_TYPES = ("uri_file", "uri_folder", "mltable")
MODEL_TYPES = ("custom_model", "mlflow_model", "triton_model")
INPUT_TYPES = (*LITERAL_TYPES, *DATA_TYPES, *MODEL_TYPES)


class Components(Assets):
    """Steps and pipelines; the graph of a pipeline is kept and never shown."""

    kind = "components"
    title = "Component"
    immutable = ("componentSpec",)

    def __init__(self, context: Context, references: References) -> None:
        super().__init__(context)
        self._references = references

    def accept(self, call: Call, properties: Json) -> Json:
        """Refuse a component whose code, environment or steps do not exist."""
        spec = properties.get("componentSpec")
        if not isinstance(spec, dict):
            raise user_error("A component needs 'componentSpec'.")
        kind = str(spec.get("type") or "command").lower()
        if kind not in COMPONENT_TYPES:
            raise not_implemented(f"A component of type {kind}")
        _refuse_wrong_inputs(spec.get("inputs") or {})
        if call.params["name"] == "azureml_anonymous":
            properties["isAnonymous"] = True
        self._references.require(spec.get("code"))
        self._references.require_environment(spec.get("environment"))
        for name, node in (spec.get("jobs") or {}).items():
            if node.get("type") not in (*COMPONENT_TYPES, None):
                raise not_implemented(f"A step of type {node.get('type')} ('{name}')")
            self._references.require(node.get("componentId"))
        return properties

    def keeps(self, old: Resource) -> bool:
        """Keep components without a name: their version is a hash of all that counts."""
        return bool(old.properties.get("isAnonymous"))

    def show(self, resource: Resource) -> Json:
        """Leave out the graph and write booleans as the service does."""
        spec = dict(resource.properties["componentSpec"])
        spec.pop("jobs", None)
        shown = {**resource.properties, "componentSpec": _booleans_as_words(spec)}
        return envelope(resource, shown)


def _refuse_wrong_inputs(inputs: Json) -> None:
    for name, declaration in inputs.items():
        kind = str((declaration or {}).get("type")).lower()
        if kind not in INPUT_TYPES:
            message = f"Input '{name}' is of type '{kind}'; known are: {', '.join(INPUT_TYPES)}."
            raise user_error(message, "InvalidInputType")


def _booleans_as_words(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, dict):
        return {key: _booleans_as_words(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_booleans_as_words(part) for part in value]
    return value
