/** A CSV file that is dropped or chosen, scored in chunks, and saved with its predictions. */

import { useEffect, useRef, useState } from "preact/hooks";
import { useApi } from "../../api/context";
import type { ModelSchema } from "../../api/types";
import { Icon } from "../../components/Icon";
import { Failure } from "../../components/States";
import { count } from "../../format";
import { saveCsv } from "./csv";
import { FileScoring, type Progress, results } from "./FileScoring";
import type { BadRow } from "./scoring";

const BAD_SHOWN = 50;

export function CsvCard({ schema }: { schema: ModelSchema }) {
  const { api } = useApi();
  const [progress, setProgress] = useState<Progress>();
  const [over, setOver] = useState(false);
  const running = useRef<FileScoring | undefined>(undefined);
  useEffect(() => () => running.current?.cancel(), []);

  const take = (file: File | undefined) => {
    if (!file || !api) return;
    running.current?.cancel();
    running.current = new FileScoring(file, schema, api, setProgress);
    void running.current.run();
  };
  const busy = progress?.state === "running";
  return (
    <section class="card" aria-labelledby="csv-title">
      <div class="card-head">
        <h2 id="csv-title">Many rows</h2>
      </div>
      <label
        class={over ? "drop over" : "drop"}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          take(event.dataTransfer?.files[0]);
        }}
      >
        <Icon name="file" />
        <span>
          Drop a CSV file here, or <u>choose one</u>
        </span>
        <span class="muted small">Its first line names the columns; more columns do no harm.</span>
        <input
          type="file"
          accept=".csv,text/csv"
          class="visually-hidden"
          disabled={busy}
          onChange={(event) => {
            take(event.currentTarget.files?.[0]);
            event.currentTarget.value = "";
          }}
        />
      </label>
      {progress && (
        <Scoring progress={progress} onCancel={() => running.current?.cancel()} schema={schema} />
      )}
    </section>
  );
}

interface ScoringProps {
  progress: Progress;
  schema: ModelSchema;
  onCancel: () => void;
}

const STATES: Record<Progress["state"], string> = {
  running: "Scoring",
  done: "Done",
  cancelled: "Cancelled",
  failed: "Stopped",
};

function Scoring({ progress, schema, onCancel }: ScoringProps) {
  const { state, share, scored, bad, problem, file } = progress;
  const save = () => saveCsv(file.replace(/(\.csv)?$/i, ".scored.csv"), results(progress));
  return (
    <div class="scoring stack">
      <div class="stack tight" role="status">
        <div class="row between">
          <strong class="ellipsis">{file}</strong>
          <span class="muted number">{Math.floor(share * 100)} %</span>
        </div>
        <progress value={share} max={1} aria-label="How much of the file is scored" />
        <p class="muted small">
          {STATES[state]}: {count(scored)} rows scored
          {bad.length > 0 && <span class="reason">, {count(refusedRows(bad))} refused</span>}
        </p>
      </div>
      {problem && <Failure problem={problem} />}
      <div class="row">
        {state === "running" ? (
          <button type="button" class="button small" onClick={onCancel}>
            Cancel
          </button>
        ) : (
          scored + bad.length > 0 && (
            <button type="button" class="button small primary" onClick={save}>
              <Icon name="down" />
              Save as CSV
            </button>
          )
        )}
      </div>
      {bad.length > 0 && <BadRows bad={bad} target={schema.model} />}
    </div>
  );
}

function BadRows({ bad, target }: { bad: readonly BadRow[]; target: string }) {
  return (
    <div class="table-wrap">
      <table aria-label={`Rows that do not fit ${target}`}>
        <thead>
          <tr>
            <th scope="col">Row</th>
            <th scope="col">Column</th>
            <th scope="col">Reason</th>
          </tr>
        </thead>
        <tbody>
          {bad.slice(0, BAD_SHOWN).map((each) => (
            <tr key={`${each.row} ${each.column}`}>
              <th scope="row" class="number">
                {each.row}
              </th>
              <td class="mono">{each.column}</td>
              <td>{each.reason}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {bad.length > BAD_SHOWN && (
        <p class="muted small table-note">
          and {count(bad.length - BAD_SHOWN)} more; the saved file has them all
        </p>
      )}
    </div>
  );
}

function refusedRows(bad: readonly BadRow[]): number {
  return new Set(bad.map((each) => each.row)).size;
}
