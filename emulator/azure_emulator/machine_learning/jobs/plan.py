"""A job, ready to run: commands and pipelines, and what flows between them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Data:
    """An input that is a file or a folder."""

    uri: str
    type: str
    mode: str = "ReadOnlyMount"


@dataclass(frozen=True, slots=True)
class FromStep:
    """An input that another node's output becomes."""

    step: str
    """The node's path from the job down."""
    output: str
    type: str


Value = str | Data | FromStep


@dataclass(frozen=True, slots=True)
class Output:
    """Where an output goes; without a URI it gets a default place."""

    uri: str | None
    type: str
    mode: str
    asset_name: str | None = None
    """The data asset or model that the output becomes when the step has completed."""
    asset_version: str | None = None

    @property
    def kept_after_failure(self) -> bool:
        """Say whether files appear while the step runs (mount) or only after it (upload)."""
        return "upload" not in self.mode.lower()


def needs(inputs: dict[str, Value]) -> set[str]:
    """Give the paths of the nodes that must complete before inputs are there."""
    return {value.step for value in inputs.values() if isinstance(value, FromStep)}


@dataclass(frozen=True, slots=True)
class Step:
    """One command and what goes in and out."""

    path: str
    """The names from the job down, with dots: unique in the job."""
    command: str
    code: str | None
    environment_variables: dict[str, str]
    inputs: dict[str, Value]
    outputs: dict[str, Output]
    display_name: str = ""
    timeout_seconds: float | None = None
    environment: str = ""
    deterministic: bool = False
    """The same inputs give the same outputs: an equal step of before may stand for it."""

    @property
    def name(self) -> str:
        """Give the step's name in its pipeline."""
        return self.path.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Steps and pipelines in a pipeline; its own outputs are outputs of theirs."""

    path: str
    nodes: dict[str, Step | Pipeline]
    """By path."""
    bound: dict[str, tuple[str, str]]
    """Output to (path of the node, its output)."""
    inputs: dict[str, Value] = field(default_factory=dict)
    outputs: dict[str, Output] = field(default_factory=dict)
    display_name: str = ""

    @property
    def name(self) -> str:
        """Give the pipeline's name in the one around it."""
        return self.path.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a job does, and the settings that hold for all of it."""

    root: Step | Pipeline
    continue_on_step_failure: bool = True
    force_rerun: bool = False
    """No step takes the results of an earlier one, and none of these is taken later."""
    datastore: str = ""
    """Where outputs go that were given no place."""
