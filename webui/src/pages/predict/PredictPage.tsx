/** Predict: one row by a form, many by a CSV file. */

import { useEffect, useState } from "preact/hooks";
import { useApi } from "../../api/context";
import { asProblem, type Problem } from "../../api/problem";
import type { ModelSchema, PredictResponse } from "../../api/types";
import { useResource } from "../../api/useResource";
import { Head } from "../../components/Head";
import { Empty, Failure, Skeleton } from "../../components/States";
import { Link } from "../../router";
import { href } from "../../routing";
import { AnswerCard, type Answered } from "./AnswerCard";
import { CsvCard } from "./CsvCard";
import { exampleTexts, type Texts, textsOf, typed } from "./form";
import { RowForm } from "./RowForm";

const SCHEMA_SECONDS = 60;

export function PredictPage({ model }: { model: string }) {
  const path = model ? `/models/${encodeURIComponent(model)}/schema` : null;
  const resource = useResource<ModelSchema>(path, SCHEMA_SECONDS);
  const schema = resource.content;
  const about = schema ? `${schema.target} by version ${schema.version}, the champion` : "\u00a0";
  return (
    <>
      <Head title="Predict" about={about} />
      {schema ? (
        <Ready key={schema.version} schema={schema} />
      ) : resource.problem ? (
        <NoSchema model={model} problem={resource.problem} onRetry={resource.refresh} />
      ) : (
        <div class="predict">
          <section class="card">
            <Skeleton lines={9} tall />
          </section>
          <section class="card">
            <Skeleton lines={3} />
          </section>
        </div>
      )}
    </>
  );
}

function Ready({ schema }: { schema: ModelSchema }) {
  const { api } = useApi();
  const [texts, setTexts] = useState<Texts>({});
  const [sample, setSample] = useState(0);
  const [wrong, setWrong] = useState<Readonly<Record<string, string>>>({});
  const [answer, setAnswer] = useState<Answered>();
  const [problem, setProblem] = useState<Problem>();
  const [asking, setAsking] = useState(false);

  const example = () => {
    const rows = schema.sample;
    const row = rows[sample % Math.max(1, rows.length)];
    setTexts(row ? textsOf(schema.columns, row) : exampleTexts(schema.columns));
    setSample(sample + 1);
    setWrong({});
  };
  const ask = async () => {
    const { row, wrong: refused } = typed(schema.columns, texts);
    setWrong(refused);
    if (!api || Object.keys(refused).length > 0) return;
    setAsking(true);
    try {
      const path = `/models/${encodeURIComponent(schema.model)}/predict`;
      const { content, seconds } = await api.post<PredictResponse>(path, { rows: [row] });
      setAnswer({ content, seconds });
      setProblem(undefined);
    } catch (error) {
      const refusal = asProblem(error);
      setProblem(refusal);
      setWrong(Object.fromEntries(refusal.errors.map((each) => [each.column ?? "", each.reason])));
    }
    setAsking(false);
  };
  useFocusOnWrong(wrong);
  return (
    <div class="predict">
      <RowForm
        columns={schema.columns}
        texts={texts}
        wrong={wrong}
        asking={asking}
        onType={(name, text) => setTexts({ ...texts, [name]: text })}
        onExample={example}
        onClear={() => setTexts({})}
        onAsk={ask}
      />
      <div class="predict-side">
        <AnswerCard schema={schema} answer={answer} problem={problem} />
        <CsvCard schema={schema} />
      </div>
    </div>
  );
}

/** The first field that was refused gets the focus. */
function useFocusOnWrong(wrong: Readonly<Record<string, string>>): void {
  useEffect(() => {
    if (Object.keys(wrong).length > 0)
      document.querySelector<HTMLElement>('.row-form [aria-invalid="true"]')?.focus();
  }, [wrong]);
}

interface NoSchemaProps {
  model: string;
  problem: Problem;
  onRetry: () => void;
}

function NoSchema({ model, problem, onRetry }: NoSchemaProps) {
  if (problem.status !== 404 && problem.status !== 503)
    return <Failure problem={problem} onRetry={onRetry} />;
  return (
    <section class="card">
      <Empty title={`${model} cannot be asked yet`}>
        <p>{problem.detail || problem.title}</p>
        <p>
          Land data or order a training; see <Link href={href("runs", model)}>its runs</Link>.
        </p>
      </Empty>
    </section>
  );
}
