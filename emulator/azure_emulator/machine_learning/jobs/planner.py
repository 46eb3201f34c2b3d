"""From the body of a job to a plan that can be run, or to a refusal that says why not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...arm import Json, not_implemented, user_error
from ...settings import DEFAULT_DATASTORE
from .bindings import as_layer, bound_outputs, fill_path, given_value, node_value, output
from .inputs import checked_inputs, truth
from .plan import FromStep, Pipeline, Plan, Step, needs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...context import Context
    from ...resource import Resource
    from ..references import References
    from .plan import Output, Value

DURATION = re.compile(
    r"P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>[\d.]+)S)?)?"
)
DEPTH_MAX = 20
# A command job without a compute is serverless or, in its resources, local: both are here.
SERVERLESS = "serverless"


@dataclass(frozen=True, slots=True)
class _Scope:
    """What the nodes of one pipeline see of the pipeline around them."""

    path: str
    """Of the pipeline, with a dot at its end; '' for the job itself."""
    given: Mapping[str, Value]
    outputs: Mapping[str, Any]
    compute: Any
    depth: int = 0


@dataclass(frozen=True, slots=True)
class _Node:
    """One entry of a graph, with what its component says and what it was given."""

    path: str
    body: Json
    spec: Json
    inputs: dict[str, Value]
    outputs: dict[str, Output]
    display_name: str


class Planner:
    """Resolves components from the store: callers never send the graph of a registered one."""

    def __init__(self, context: Context, references: References) -> None:
        self._context = context
        self._references = references

    def plan(self, name: str, properties: Json) -> Plan:
        """Give the plan of a job, or raise the refusal that the service would answer."""
        kind = str(properties.get("jobType"))
        if kind == "Pipeline":
            return self._job(name, properties)
        if kind == "Command":
            return self._command(name, properties)
        raise not_implemented(f"A job of type {kind}")

    def _command(self, name: str, properties: Json) -> Plan:
        self._require_computes([properties.get("computeId") or SERVERLESS])
        self._references.require_environment(properties.get("environmentId"))
        self._references.require(properties.get("codeId"))
        inputs: dict[str, Value] = {
            key: given_value(value)
            for key, value in (properties.get("inputs") or {}).items()
            if value is not None
        }
        limits = properties.get("limits") or {}
        step = Step(
            path="main",
            command=str(properties.get("command") or ""),
            code=properties.get("codeId"),
            environment_variables=_strings(properties.get("environmentVariables")),
            inputs=inputs,
            outputs={
                key: output(_with_path(value, name, key, DEFAULT_DATASTORE))
                for key, value in (properties.get("outputs") or {}).items()
            },
            timeout_seconds=_seconds(limits.get("timeout")),
        )
        return Plan(root=step, datastore=DEFAULT_DATASTORE)

    def _job(self, name: str, properties: Json) -> Plan:
        given: dict[str, Value] = {
            key: given_value(value)
            for key, value in (properties.get("inputs") or {}).items()
            if value is not None
        }
        nodes = properties.get("jobs") or {}
        if component_id := properties.get("componentId"):
            spec = self._component(component_id).properties["componentSpec"]
            if spec.get("type") != "pipeline":
                raise not_implemented(f"A pipeline job of a component of type {spec.get('type')}")
            nodes = spec.get("jobs") or {}
            given = checked_inputs(spec.get("inputs") or {}, given, "the pipeline")
        settings = properties.get("settings") or {}
        datastore = _last_part(_setting(settings, "default_datastore")) or DEFAULT_DATASTORE
        self._references.require_datastore(datastore)
        outputs = {
            key: _with_path(value, name, key, datastore)
            for key, value in (properties.get("outputs") or {}).items()
        }
        compute = properties.get("computeId") or _setting(settings, "default_compute")
        graph, bound = self._graph(nodes, _Scope("", given, outputs, compute))
        carries_on = truth(_setting(settings, "continue_on_step_failure"), True)
        again = truth(_setting(settings, "force_rerun"), False)
        return Plan(Pipeline("", graph, bound), carries_on, again, datastore)

    def _graph(
        self, nodes: Json, scope: _Scope
    ) -> tuple[dict[str, Step | Pipeline], dict[str, tuple[str, str]]]:
        """Give the nodes of a pipeline by path, and what its outputs are bound to."""
        if not nodes:
            raise user_error("The pipeline has no steps.", "EmptyPipeline")
        if scope.depth > DEPTH_MAX:
            raise user_error("Pipelines stand in each other too deeply.", "PipelineTooDeep")
        graph = {scope.path + name: self._node(name, node, scope) for name, node in nodes.items()}
        _refuse_loose_ends(graph)
        bound = {
            target: (scope.path + name, own)
            for name, node in nodes.items()
            for own, target in bound_outputs(node).items()
        }
        return graph, bound

    def _node(self, name: str, node: Json, scope: _Scope) -> Step | Pipeline:
        if node.get("type") not in ("command", "pipeline", None):
            raise not_implemented(f"A step of type {node.get('type')} ('{name}')")
        spec = self._component(node.get("componentId")).properties["componentSpec"]
        kind = spec.get("type")
        if kind not in ("command", "pipeline"):
            raise not_implemented(f"A component of type {kind} as a step ('{name}')")
        declared = spec.get("inputs") or {}
        given: dict[str, Value] = {}
        for key, value in (node.get("inputs") or {}).items():
            wanted = str((declared.get(key) or {}).get("type") or "string")
            resolved = node_value(value, wanted, scope.given, scope.path)
            if resolved is not None:
                given[key] = resolved
        shown = str(node.get("display_name") or spec.get("display_name") or name)
        inputs = checked_inputs(declared, given, f"step '{scope.path}{name}'")
        known = _Node(
            scope.path + name, node, spec, inputs, self._outputs(node, spec, scope), shown
        )
        return self._step(known, scope) if kind == "command" else self._pipeline(known, scope)

    def _outputs(self, node: Json, spec: Json, scope: _Scope) -> dict[str, Output]:
        own, bound = node.get("outputs") or {}, bound_outputs(node)
        return {
            key: output(own.get(key), scope.outputs.get(bound.get(key, "")), declaration or {})
            for key, declaration in (spec.get("outputs") or {}).items()
        }

    def _step(self, node: _Node, scope: _Scope) -> Step:
        self._require_computes([node.body.get("computeId") or scope.compute])
        limits = node.body.get("limits") or {}
        return Step(
            path=node.path,
            command=str(node.spec.get("command") or ""),
            code=node.spec.get("code"),
            environment_variables=_strings(node.body.get("environment_variables")),
            inputs=node.inputs,
            outputs=node.outputs,
            display_name=node.display_name,
            timeout_seconds=_seconds(limits.get("timeout")),
            environment=str(node.spec.get("environment") or ""),
            deterministic=truth(node.spec.get("is_deterministic"), True),
        )

    def _pipeline(self, node: _Node, scope: _Scope) -> Pipeline:
        default = _setting(node.body.get("settings") or {}, "default_compute")
        inner = _Scope(
            path=node.path + ".",
            given=node.inputs,
            outputs={key: as_layer(target) for key, target in node.outputs.items()},
            compute=node.body.get("computeId") or default or scope.compute,
            depth=scope.depth + 1,
        )
        graph, bound = self._graph(node.spec.get("jobs") or {}, inner)
        return Pipeline(node.path, graph, bound, node.inputs, node.outputs, node.display_name)

    def _component(self, component_id: Any) -> Resource:
        component = self._references.find(str(component_id))
        if component is None:
            raise user_error(f"The component {component_id} does not exist.", "ComponentNotFound")
        return component

    def _require_computes(self, computes: list[Any]) -> None:
        for compute in computes:
            name = _last_part(compute)
            if not name:
                message = "No compute is given: neither by the step nor by default_compute."
                raise user_error(message, "ComputeNotSpecified")
            self._references.require_compute(name)


def _refuse_loose_ends(graph: Mapping[str, Step | Pipeline]) -> None:
    """Refuse inputs from nodes or outputs that are not there, and circles."""
    for path, node in graph.items():
        for value in node.inputs.values():
            source = graph.get(value.step) if isinstance(value, FromStep) else None
            if source and isinstance(value, FromStep) and value.output not in source.outputs:
                message = f"Step '{path}' needs output '{value.output}' of '{value.step}'."
                raise user_error(f"{message} It has none of that name.", "OutputNotFound")
    done: set[str] = set()
    while len(done) < len(graph):
        ready = {
            path
            for path, node in graph.items()
            if path not in done and _inside(graph, needs(node.inputs)) <= done
        }
        if not ready:
            left = ", ".join(sorted(set(graph) - done))
            raise user_error(f"Steps need each other or a step that is not there: {left}.")
        done |= ready


def _inside(graph: Mapping[str, Step | Pipeline], paths: set[str]) -> set[str]:
    """Give the needs that this graph must meet; those of the pipelines around it are met."""
    depth = next(iter(graph)).count(".")
    return {path for path in paths if path.count(".") >= depth}


def _with_path(value: Any, job: str, name: str, datastore: str) -> Any:
    """Give a job's output with the variables of its path filled in."""
    if not isinstance(value, dict) or not value.get("uri"):
        return value
    uri = fill_path(str(value["uri"]), job=job, output_name=name, datastore=datastore)
    return {**value, "uri": uri}


def _setting(settings: Json, name: str) -> Any:
    camel = re.sub(r"_(\w)", lambda match: match[1].upper(), name)
    return settings.get(name, settings.get(camel))


def _last_part(value: Any) -> str:
    return str(value or "").removeprefix("azureml:").rstrip("/").rpartition("/")[2]


def _seconds(duration: Any) -> float | None:
    """Give the seconds of an ISO 8601 duration as the SDK writes it; None for none."""
    if not duration:
        return None
    match = DURATION.fullmatch(str(duration))
    if match is None:
        raise user_error(f"'{duration}' is not a duration such as PT30M.", "InvalidDuration")
    units = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
    return sum(float(match[name] or 0) * unit for name, unit in units.items())


def _strings(values: Any) -> dict[str, str]:
    return {str(key): str(value) for key, value in (values or {}).items()}
