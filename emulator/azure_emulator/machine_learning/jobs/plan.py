"""From the body of a job to steps that can be run, or to a refusal that says why not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...arm import ArmError, Json, user_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...context import Context
    from ...resource import Resource

BINDING = re.compile(r"\$\{\{parent\.(inputs\.([\w\-]+)|jobs\.([\w\-]+)\.outputs\.([\w\-]+))\}\}")
OUTPUT_BINDING = re.compile(r"\$\{\{parent\.outputs\.([\w\-]+)\}\}")
LITERALS = ("string", "number", "integer", "boolean", "enum")


@dataclass(frozen=True, slots=True)
class Data:
    """An input that is a file or a folder."""

    uri: str
    type: str
    mode: str = "ReadOnlyMount"


@dataclass(frozen=True, slots=True)
class FromStep:
    """An input that another step's output becomes."""

    step: str
    output: str
    type: str


Value = str | Data | FromStep


@dataclass(frozen=True, slots=True)
class Output:
    """Where an output goes; without a URI it gets a default place."""

    uri: str | None
    type: str
    mode: str

    @property
    def kept_after_failure(self) -> bool:
        """Say whether files appear while the step runs (mount) or only after it (upload)."""
        return "upload" not in self.mode.lower()


@dataclass(frozen=True, slots=True)
class Step:
    """One command and what goes in and out."""

    name: str
    command: str
    code: str | None
    environment_variables: dict[str, str]
    inputs: dict[str, Value]
    outputs: dict[str, Output]
    display_name: str = ""

    @property
    def needs(self) -> set[str]:
        """Give the names of the steps that must complete first."""
        return {value.step for value in self.inputs.values() if isinstance(value, FromStep)}


@dataclass(frozen=True, slots=True)
class Plan:
    """A job, ready to run; a command job has one step and runs as itself."""

    steps: dict[str, Step]
    outputs: dict[str, tuple[str, str]]
    """Name to (step, output of the step), for the outputs of a pipeline."""
    continue_on_step_failure: bool = True
    is_pipeline: bool = True


class Planner:
    """Resolves components from the store: callers never send the graph of a registered one."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def plan(self, properties: Json) -> Plan:
        """Give the plan of a job, or raise the refusal that the service would answer."""
        kind = str(properties.get("jobType"))
        if kind == "Pipeline":
            return self._pipeline(properties)
        if kind == "Command":
            return self._command(properties)
        raise ArmError(501, "NotImplemented", f"Jobs of type {kind} are not implemented.")

    def _command(self, properties: Json) -> Plan:
        self._require_compute([properties.get("computeId")])
        outputs = properties.get("outputs") or {}
        inputs = {
            name: _given(value)
            for name, value in (properties.get("inputs") or {}).items()
            if value is not None
        }
        step = Step(
            name="main",
            command=str(properties.get("command") or ""),
            code=properties.get("codeId"),
            environment_variables=_strings(properties.get("environmentVariables")),
            inputs=dict(inputs),
            outputs={name: _output(value, {}, {}) for name, value in outputs.items()},
        )
        return Plan({"main": step}, {name: ("main", name) for name in outputs}, is_pipeline=False)

    def _pipeline(self, properties: Json) -> Plan:
        given: dict[str, Value] = {
            name: _given(value)
            for name, value in (properties.get("inputs") or {}).items()
            if value is not None
        }
        declared: Json = {}
        nodes = properties.get("jobs") or {}
        if component_id := properties.get("componentId"):
            spec = self._component(component_id).properties["componentSpec"]
            if spec.get("type") != "pipeline":
                raise user_error(f"{component_id} is not a pipeline component.")
            declared, nodes = spec.get("inputs") or {}, spec.get("jobs") or {}
            given = _checked_inputs(declared, given, "pipeline")
        if not nodes:
            raise user_error("The pipeline job has no steps.", "EmptyPipeline")
        settings = properties.get("settings") or {}
        default = _setting(settings, "default_compute") or properties.get("computeId")
        self._require_compute([node.get("computeId") or default for node in nodes.values()])
        outputs = properties.get("outputs") or {}
        steps = {name: self._node(name, node, given, outputs) for name, node in nodes.items()}
        _refuse_cycles(steps)
        bound = {
            target: (name, output)
            for name, node in nodes.items()
            for output, target in _bound_outputs(node).items()
        }
        return Plan(
            steps=steps,
            outputs=bound,
            continue_on_step_failure=_truth(_setting(settings, "continue_on_step_failure"), True),
        )

    def _node(self, name: str, node: Json, given: Mapping[str, Value], outputs: Json) -> Step:
        if node.get("type") not in ("command", None):
            message = f"Steps of type {node.get('type')} ('{name}') are not implemented."
            raise ArmError(501, "NotImplemented", message)
        component = self._component(node.get("componentId"))
        spec = component.properties["componentSpec"]
        if spec.get("type") != "command":
            message = f"Step '{name}': {spec.get('type')} components as steps are not implemented."
            raise ArmError(501, "NotImplemented", message)
        inputs: dict[str, Value] = {}
        declared = spec.get("inputs") or {}
        for key, value in (node.get("inputs") or {}).items():
            kind = str((declared.get(key) or {}).get("type") or "string")
            resolved = _resolve(value, kind, given)
            if resolved is not None:
                inputs[key] = resolved
        node_outputs = node.get("outputs") or {}
        bound = _bound_outputs(node)
        return Step(
            name=name,
            command=str(spec.get("command") or ""),
            code=spec.get("code"),
            environment_variables=_strings(node.get("environment_variables")),
            inputs=_checked_inputs(declared, inputs, f"step '{name}'"),
            outputs={
                key: _output(node_outputs.get(key), outputs.get(bound.get(key, "")), declaration)
                for key, declaration in (spec.get("outputs") or {}).items()
            },
            display_name=str(node.get("display_name") or spec.get("display_name") or name),
        )

    def _component(self, component_id: Any) -> Resource:
        component = self._context.store.get(str(component_id).removeprefix("azureml:"))
        if component is None:
            raise user_error(f"The component {component_id} does not exist.", "ComponentNotFound")
        return component

    def _require_compute(self, computes: list[Any]) -> None:
        known = {compute.lower() for compute in self._context.settings.computes}
        for compute in computes:
            name = str(compute or "").removeprefix("azureml:").rstrip("/").rpartition("/")[2]
            if not name:
                message = "No compute is given: neither by the step nor by default_compute."
                raise user_error(message, "ComputeNotSpecified")
            if name.lower() not in known and name.lower() != "serverless":
                raise user_error(f"The compute target '{name}' was not found.", "ComputeNotFound")


def _checked_inputs(declared: Json, given: Mapping[str, Value], owner: str) -> dict[str, Value]:
    """Add defaults; refuse what is missing, unknown or of another type."""
    for name in given:
        if name not in declared:
            message = f"Unknown input '{name}' of {owner}; known are: {', '.join(declared)}."
            raise user_error(message, "UnknownInput")
    values = dict(given)
    for name, declaration in declared.items():
        declaration = declaration or {}
        kind = str(declaration.get("type"))
        if name not in values:
            if declaration.get("default") is not None:
                values[name] = str(declaration["default"])
            elif not _truth(declaration.get("optional"), False):
                raise user_error(f"Required input '{name}' of {owner} is missing.", "MissingInput")
            continue
        if (kind in LITERALS) != isinstance(values[name], str):
            message = f"Input '{name}' of {owner} must be of type {kind}."
            raise user_error(message, "WrongInputType")
    return values


def _resolve(value: Any, kind: str, given: Mapping[str, Value]) -> Value | None:
    """Give the value of a step's input; None when it is bound to an input without a value."""
    if isinstance(value, dict) and value.get("uri"):
        return _given(value)
    text = str(value.get("value") if isinstance(value, dict) else value)
    if match := BINDING.fullmatch(text):
        if match[3]:
            return FromStep(match[3], match[4], kind)
        return given.get(match[2])

    def fill(match: re.Match[str]) -> str:
        bound = given.get(match[2] or "", "")
        return bound if isinstance(bound, str) else ""

    return BINDING.sub(fill, text)


def _given(value: Any) -> str | Data:
    """Give a job's input as the caller wrote it."""
    if not isinstance(value, dict):
        return str(value)
    kind = str(value.get("jobInputType") or value.get("job_input_type") or "literal")
    if kind == "literal":
        return str(value.get("value"))
    if not value.get("uri"):
        raise user_error(f"An input of type {kind} has no URI.", "MissingUri")
    return Data(str(value["uri"]), kind, str(value.get("mode") or "ReadOnlyMount"))


def _bound_outputs(node: Json) -> dict[str, str]:
    bound = {}
    for name, value in (node.get("outputs") or {}).items():
        text = value.get("value") if isinstance(value, dict) else value
        if isinstance(text, str) and (match := OUTPUT_BINDING.fullmatch(text)):
            bound[name] = match[1]
    return bound


def _output(node: Any, job: Any, declared: Any) -> Output:
    """Say where an output goes: by the step, by the job's output it is bound to, by type."""
    layers = [layer for layer in (node, job, declared) if isinstance(layer, dict)]

    def first(*names: str) -> str | None:
        found = (layer.get(name) for layer in layers for name in names)
        return next((str(value) for value in found if value), None)

    kind = first("jobOutputType", "job_output_type") or (declared or {}).get("type")
    return Output(first("uri"), str(kind or "uri_folder"), first("mode") or "ReadWriteMount")


def _refuse_cycles(steps: dict[str, Step]) -> None:
    done: set[str] = set()
    while len(done) < len(steps):
        ready = {name for name, step in steps.items() if name not in done and step.needs <= done}
        if not ready:
            left = ", ".join(sorted(set(steps) - done))
            raise user_error(f"Steps need each other or a step that is not there: {left}.")
        done |= ready


def _setting(settings: Json, name: str) -> Any:
    camel = re.sub(r"_(\w)", lambda match: match[1].upper(), name)
    return settings.get(name, settings.get(camel))


def _truth(value: Any, default: bool) -> bool:
    return default if value is None else str(value).lower() == "true"


def _strings(values: Any) -> dict[str, str]:
    return {str(key): str(value) for key, value in (values or {}).items()}
