/** What the model answered, who answered and how long it took. */

import type { Problem } from "../../api/problem";
import type { ModelSchema, Prediction, PredictResponse } from "../../api/types";
import { Empty, Failure } from "../../components/States";
import { duration, figure, percent } from "../../format";
import { Link } from "../../router";
import { whyHref } from "../../routing";
import { labelOf } from "./form";

export interface Answered {
  readonly content: PredictResponse;
  readonly seconds: number;
}

interface AnswerCardProps {
  schema: ModelSchema;
  answer: Answered | undefined;
  problem: Problem | undefined;
}

export function AnswerCard({ schema, answer, problem }: AnswerCardProps) {
  const prediction = answer?.content.predictions[0];
  return (
    <section class="card answer" aria-label="Answer" aria-live="polite">
      <h2 class="visually-hidden">Answer</h2>
      {problem ? (
        <Failure problem={problem} />
      ) : answer && prediction ? (
        <>
          <Said target={schema.target} prediction={prediction} />
          <Who answer={answer} model={schema.model} />
        </>
      ) : (
        <Empty title="No answer yet">Fill in the row, or take an example row, and predict.</Empty>
      )}
    </section>
  );
}

function Said({ target, prediction }: { target: string; prediction: Prediction }) {
  if ("value" in prediction)
    return (
      <p>
        <span class="muted">{labelOf(target)}</span>
        <br />
        <span class="big">{figure(prediction.value)}</span>
      </p>
    );
  const label = String(prediction.label);
  const chance = prediction.probabilities[label];
  return (
    <>
      <p>
        <span class="muted">{labelOf(target)}</span>
        <br />
        <span class="big">{label}</span>{" "}
        <span class="muted">with {percent(chance)} probability</span>
      </p>
      <dl class="chances">
        {Object.entries(prediction.probabilities).map(([name, share]) => (
          <div key={name} class={name === label ? "chosen" : ""}>
            <dt>{name}</dt>
            <dd>
              <progress value={share} max={1} aria-label={`Probability of ${name}`} />
              <span class="number">{percent(share)}</span>
            </dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function Who({ answer, model }: { answer: Answered; model: string }) {
  const { content, seconds } = answer;
  return (
    <dl class="facts">
      <dt>Version</dt>
      <dd>{content.model.version}</dd>
      <dt>Deployment</dt>
      <dd class="mono">{content.model.deployment}</dd>
      <dt>Took</dt>
      <dd>{duration(seconds)}, to this page and back</dd>
      <dt>Request</dt>
      <dd>
        <Link href={whyHref(model, content.request_id)} class="mono">
          {content.request_id}
        </Link>
      </dd>
    </dl>
  );
}
