/** Scores the rows of a file in chunks; rows that do not fit are set aside, each with its reason. */

import { Problem } from "../../api/problem";
import type { Prediction, PredictResponse, Row, SchemaColumn } from "../../api/types";
import { cellOf } from "./form";

export const CHUNK_ROWS = 250;
const BUSY_TRIES = 6;

/** A line of the file as it stands there, by column. */
export type Line = Readonly<Record<string, string>>;

export interface BadRow {
  /** Counted from 1, without the line of headings. */
  readonly row: number;
  readonly column: string;
  readonly reason: string;
}

export interface Outcome {
  /** Undefined for a row that was refused. */
  readonly prediction: Prediction | undefined;
  readonly deployment: string;
  readonly reason: string;
}

export interface Scored {
  readonly outcomes: readonly Outcome[];
  readonly bad: readonly BadRow[];
}

export interface Sending {
  readonly send: (rows: readonly Row[]) => Promise<PredictResponse>;
  readonly wait: (seconds: number) => Promise<void>;
}

/** Columns that the model needs and the file has not. */
export function missingColumns(
  columns: readonly SchemaColumn[],
  headings: readonly string[],
): string[] {
  return columns.map((column) => column.name).filter((name) => !headings.includes(name));
}

/** What is sent of a line: the model's columns; others stay in the file. */
export function rowOf(columns: readonly SchemaColumn[], line: Line): Row {
  return Object.fromEntries(
    columns.map((column) => [column.name, cellOf(column, line[column.name] ?? "")]),
  );
}

/**
 * Score the rows of one chunk; `first` is the number of its first row. Rows that the API names as
 * wrong are taken out and the others sent again. Raises a Problem that is of no row.
 */
export async function scoreChunk(
  rows: readonly Row[],
  first: number,
  sending: Sending,
): Promise<Scored> {
  const outcomes = new Map<number, Outcome>();
  const bad: BadRow[] = [];
  let left = rows.map((_, index) => index);
  while (left.length > 0) {
    const answer = await sent(
      left.map((index) => rows[index] ?? {}),
      sending,
    );
    if (!(answer instanceof Problem)) {
      keepAnswers(answer, left, outcomes);
      break;
    }
    const refused = new Set<number>();
    for (const error of answer.errors) {
      const index = left[error.row];
      if (index === undefined) throw answer;
      refused.add(index);
      const reason = { column: error.column ?? "", reason: error.reason };
      bad.push({ row: first + index, ...reason });
      const said = reason.column ? `${reason.column}: ${reason.reason}` : reason.reason;
      outcomes.set(index, { prediction: undefined, deployment: "", reason: said });
    }
    if (refused.size === 0) throw answer;
    left = left.filter((index) => !refused.has(index));
  }
  return { outcomes: rows.map((_, index) => outcomes.get(index) ?? NOTHING), bad };
}

const NOTHING: Outcome = { prediction: undefined, deployment: "", reason: "not answered" };

function keepAnswers(
  answer: PredictResponse,
  left: readonly number[],
  outcomes: Map<number, Outcome>,
): void {
  left.forEach((index, place) => {
    const prediction = answer.predictions[place];
    outcomes.set(index, { prediction, deployment: answer.model.deployment, reason: "" });
  });
}

/** The answer, or the problem when rows do not fit; a model that is busy is asked again. */
async function sent(rows: readonly Row[], sending: Sending): Promise<PredictResponse | Problem> {
  for (let turn = 1; ; turn += 1) {
    try {
      return await sending.send(rows);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.status === 422 && error.errors.length > 0) return error;
      if (error.status !== 429 || turn === BUSY_TRIES) throw error;
      await sending.wait(turn);
    }
  }
}

/** The fields that a prediction adds to a line of the file. */
export function fieldsOf(outcome: Outcome): Record<string, string | number> {
  const { prediction, deployment, reason } = outcome;
  const said = { deployment, refused: reason };
  if (!prediction) return { prediction: "", ...said };
  if ("value" in prediction) return { prediction: prediction.value, ...said };
  const chances = Object.entries(prediction.probabilities).map(([name, share]) => [
    `probability_${name}`,
    share,
  ]);
  return { prediction: String(prediction.label), ...Object.fromEntries(chances), ...said };
}
