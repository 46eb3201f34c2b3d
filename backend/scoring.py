"""The model itself: loads a model folder, checks it against its schema, answers bodies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import msgspec

from backend.answers import AnswerWriter, ModelAnswerError
from backend.encoding import Encoded
from backend.graph import WholeGraph, open_session
from backend.model_folder import (
    ModelFolderError,
    ModelSchema,
    find_model_folder,
    read_sample_rows,
    read_schema,
)
from backend.pacing import Rest, at_once
from backend.problems import Problem
from backend.rows import RowReader
from backend.settings import Settings
from backend.timing import batching_pays
from backend.trees import TreesAlone, read_trees
from backend.trying import refuse_other_labels, refuse_other_trees


@dataclass(frozen=True, slots=True)
class Scorer:
    """A model that was loaded, compared with its schema and tried on its sample rows."""

    schema: ModelSchema
    schema_content: bytes
    graph: WholeGraph | TreesAlone
    reader: RowReader
    writer: AnswerWriter
    batches: bool
    """Whether requests that arrive together should share a run."""

    def answer(self, body: bytes) -> tuple[bytes, int] | Problem:
        """The answer's body and its number of rows, or what is wrong with the request.

        By the event loop's thread only, as `answers_here`.
        """
        encoded = self.encoded(body)
        if isinstance(encoded, Problem):
            return encoded
        return self.answers_here([encoded])[0], encoded.rows

    def answer_apart(self, body: bytes) -> tuple[bytes, int] | Problem:
        """The same, in any thread."""
        encoded = self.encoded(body)
        if isinstance(encoded, Problem):
            return encoded
        return self.answers([encoded])[0], encoded.rows

    def encoded(self, body: bytes) -> Encoded | Problem:
        """The request's rows, to be scored together with those of others."""
        rows = self.reader.read(body)
        if isinstance(rows, Problem):
            return rows
        try:
            return self.graph.encode(rows)
        except OverflowError:
            return self._explained(body)

    def answers(self, parts: Sequence[Encoded]) -> list[bytes]:
        """The bodies for several requests' rows, from one run."""
        return self.writer.write(self.graph.run(parts), [part.rows for part in parts])

    def answers_here(self, parts: Sequence[Encoded]) -> list[bytes]:
        """The same; a single row without allocating: by the event loop's thread only."""
        if len(parts) == 1 and parts[0].rows == 1 and isinstance(self.graph, TreesAlone):
            return self.writer.write(self.graph.run_one(parts[0]), [1])
        return self.answers(parts)

    def _explained(self, body: bytes) -> Problem:
        explained = self.reader.explain(body)
        if isinstance(explained, Problem):
            return explained
        # What 64 bits cannot hold is above what 32 bits can: nothing comes here.
        raise ModelAnswerError("a number fits the columns and not the model")


def load_scorer(settings: Settings, model_dir: Path | None, rest: Rest = at_once) -> Scorer:
    """The model below a folder, ready to answer; raises what is wrong with it.

    `rest` is called between two pieces of the work.
    """
    folder = find_model_folder(model_dir)
    schema, content = read_schema(folder)
    reader = RowReader(schema, settings.rows_max)
    graph = _graph(folder, schema, settings, reader, rest)
    sample_rows = read_sample_rows(folder)
    samples = reader.check(sample_rows)
    if isinstance(samples, Problem):
        raise ModelFolderError(_unfit(samples))
    scorer = Scorer(schema, content, graph, reader, AnswerWriter(schema), settings.batching == "on")
    try:
        answer = msgspec.json.decode(scorer.answers([graph.encode(samples)])[0])
        if schema.task == "classification":
            refuse_other_labels(schema, answer["predictions"])
    except Exception as error:  # whatever it is, a model that cannot answer is not served
        raise ModelFolderError(f"model.onnx cannot score sample.json: {error}") from error
    rest()
    if settings.batching == "auto":
        body = msgspec.json.encode({"rows": sample_rows[:1]})
        pays = batching_pays(partial(scorer.answer, body), partial(_answer_together, scorer, body))
        return replace(scorer, batches=pays)
    return scorer


def _answer_together(scorer: Scorer, body: bytes, requests: int) -> None:
    parts = [scorer.encoded(body) for _ in range(requests)]
    scorer.answers([each for each in parts if isinstance(each, Encoded)])


def _graph(
    folder: Path, schema: ModelSchema, settings: Settings, reader: RowReader, rest: Rest
) -> WholeGraph | TreesAlone:
    whole = WholeGraph(open_session(folder / "model.onnx", settings.intra_op_threads), schema)
    rest()
    trees = read_trees(folder, schema)
    if trees is None:
        return whole
    session = open_session(folder / trees.file, settings.intra_op_threads)
    alone = TreesAlone(session, trees, schema)
    rest()
    refuse_other_trees(alone, whole, schema, reader)
    rest()
    return alone


def _unfit(problem: Problem) -> str:
    first = problem.errors.listed[0] if problem.errors else None
    where = f": row {first.row}, column {first.column}: {first.reason}" if first else ""
    return f"sample.json does not fit schema.json: {problem.title}{where}"
