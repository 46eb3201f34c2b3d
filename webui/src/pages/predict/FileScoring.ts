/** One file being scored: reads a piece, sends it in chunks, tells how far it has come. */

import type { Api } from "../../api/client";
import { asProblem, Problem } from "../../api/problem";
import type { ModelSchema, PredictResponse, Row } from "../../api/types";
import { type Piece, readCsv } from "./csv";
import {
  type BadRow,
  CHUNK_ROWS,
  fieldsOf,
  type Line,
  missingColumns,
  type Outcome,
  rowOf,
  scoreChunk,
} from "./scoring";

export interface Progress {
  readonly file: string;
  readonly state: "running" | "done" | "cancelled" | "failed";
  /** Of the file, from 0 to 1. */
  readonly share: number;
  readonly scored: number;
  readonly bad: readonly BadRow[];
  readonly lines: readonly Line[];
  readonly outcomes: readonly Outcome[];
  readonly problem: Problem | undefined;
}

export class FileScoring {
  private readonly ended = new AbortController();
  private readonly lines: Line[] = [];
  private readonly outcomes: Outcome[] = [];
  private readonly bad: BadRow[] = [];
  private share = 0;

  constructor(
    private readonly file: File,
    private readonly schema: ModelSchema,
    private readonly api: Api,
    private readonly told: (progress: Progress) => void,
  ) {}

  /** Score the whole file; what goes wrong is told, not raised. */
  async run(): Promise<void> {
    this.tell("running");
    try {
      await readCsv(this.file, this.ended.signal, (piece) => this.score(piece));
      if (this.ended.signal.aborted) return;
      if (this.lines.length === 0)
        throw new Problem(0, "No rows", "The file holds no line below its headings.");
      this.share = 1;
      this.tell("done");
    } catch (error) {
      if (!this.ended.signal.aborted) this.tell("failed", asProblem(error));
    }
  }

  /** Stop after what is under way; what is scored stays. */
  cancel(): void {
    if (this.ended.signal.aborted) return;
    this.ended.abort();
    this.tell("cancelled");
  }

  private async score(piece: Piece): Promise<void> {
    this.refuseMissing(piece.headings);
    const before = this.share;
    for (let from = 0; from < piece.lines.length; from += CHUNK_ROWS) {
      const lines = piece.lines.slice(from, from + CHUNK_ROWS);
      const rows = lines.map((line) => rowOf(this.schema.columns, line));
      const { outcomes, bad } = await scoreChunk(rows, this.lines.length + 1, this.sending());
      if (this.ended.signal.aborted) return;
      this.lines.push(...lines);
      this.outcomes.push(...outcomes);
      this.bad.push(...bad);
      const part = (from + lines.length) / piece.lines.length;
      this.share = before + (piece.share - before) * part;
      this.tell("running");
    }
  }

  private sending() {
    const path = `/models/${encodeURIComponent(this.schema.model)}/predict`;
    const { signal } = this.ended;
    return {
      send: async (rows: readonly Row[]) =>
        (await this.api.post<PredictResponse>(path, { rows }, { signal })).content,
      wait: (seconds: number) =>
        new Promise<void>((resolve) => {
          window.setTimeout(resolve, seconds * 1000);
        }),
    };
  }

  private refuseMissing(headings: readonly string[]): void {
    const missing = missingColumns(this.schema.columns, headings);
    if (missing.length > 0) {
      const detail = `${this.schema.model} needs ${missing.join(", ")}.`;
      throw new Problem(0, "The file lacks columns", detail);
    }
  }

  private tell(state: Progress["state"], problem?: Problem): void {
    const { lines, outcomes, bad, share, file } = this;
    const scored = outcomes.filter((outcome) => outcome.prediction).length;
    this.told({ file: file.name, state, share, scored, bad: [...bad], lines, outcomes, problem });
  }
}

/** The lines that were scored, with their predictions, to be saved. */
export function results(progress: Progress): object[] {
  const columns = new Set(progress.outcomes.flatMap((each) => Object.keys(fieldsOf(each))));
  const blank = Object.fromEntries([...columns].map((name) => [name, ""]));
  return progress.outcomes.map((outcome, index) => ({
    ...progress.lines[index],
    ...blank,
    ...fieldsOf(outcome),
  }));
}
