/** Three cards about a model: who answers callers, what is under way, and its data. */

import type { ComponentChildren } from "preact";
import type { ModelDetail } from "../../api/types";
import { Badge } from "../../components/Badge";
import { useNow } from "../../components/Head";
import { Empty } from "../../components/States";
import { ago, count, fixed, instant, inUtc, percent, signed, words } from "../../format";
import { Link } from "../../router";
import { href, whyHref } from "../../routing";
import { HealthBadge } from "./HealthBadge";
import { metricName } from "./metric";

export function ChampionCard({ model }: { model: ModelDetail }) {
  const now = useNow(10);
  const { champion } = model;
  return (
    <Card title="Champion" side={<HealthBadge state={model.health.state} />}>
      {champion ? (
        <>
          <p class="headline">
            <span class="big">Version {champion.version}</span>
            <span class="muted">
              {metricName(champion.score.metric)}{" "}
              <strong class="number ink">{fixed(champion.score.value)}</strong> on{" "}
              {count(champion.score.holdout_rows)} held-out rows
            </span>
          </p>
          <dl class="facts">
            <dt>Interval</dt>
            <dd>
              {signed(champion.score.low)} to {signed(champion.score.high)} over{" "}
              {champion.score.compared_with}
            </dd>
            <dt>Age</dt>
            <dd title={inUtc(champion.promoted_at)}>
              passed the gate {ago(champion.promoted_at, now)}
            </dd>
            <dt>Deployment</dt>
            <dd class="mono">{champion.deployment}</dd>
            <dt>Answers</dt>
            <dd>{answers(model)}</dd>
            <dt>Why</dt>
            <dd>
              <Link href={whyHref(model.name, `${model.name}:${champion.version}`)}>
                the chain behind it
              </Link>
            </dd>
          </dl>
          {champion.accepted && <p class="muted small">Accepted uncompared: {champion.accepted}</p>}
        </>
      ) : (
        <Empty title="No champion yet">
          It gets one when data has landed, a training is complete and the gate lets it pass.
        </Empty>
      )}
    </Card>
  );
}

function answers(model: ModelDetail): string {
  const { deployments, window_seconds: window } = model.health;
  const own = deployments.find((one) => one.deployment === model.champion?.deployment);
  const minutes = Math.round(window / 60);
  if (!own) return `none in ${minutes} min`;
  const late = own.latency_ms_p95 === null ? "" : `, p95 ${own.latency_ms_p95.toFixed(0)} ms`;
  return `${count(own.requests)} in ${minutes} min, ${percent(own.failure_rate)} failed${late}`;
}

export function NowCard({ model }: { model: ModelDetail }) {
  const now = useNow(5);
  const { training, rollout, next } = model;
  return (
    <Card title="Now">
      <dl class="facts">
        <dt>Training</dt>
        <dd>
          {training ? (
            <>
              <Link href={href("runs", model.name)} class="mono">
                {training.job}
              </Link>
              , {ago(training.planned_at, now)}
            </>
          ) : (
            "none"
          )}
        </dd>
        <dt>Rollout</dt>
        <dd>
          {rollout ? (
            <span class="row">
              <Badge code={rollout.paused ? "paused" : rollout.phase} />
              <Link href={href("rollout", model.name)}>
                version {rollout.version}, {rollout.share} %
              </Link>
            </span>
          ) : (
            "none yet"
          )}
        </dd>
        <dt>Next</dt>
        <dd>
          {words(next.action)}
          {next.at && `, ${instant(next.at)}`}
        </dd>
        <dt>Not now</dt>
        <dd>{next.why_not_now}</dd>
        {model.accepting && (
          <>
            <dt>Accepting</dt>
            <dd>{model.accepting}</dd>
          </>
        )}
        {model.waiting_order && (
          <>
            <dt>Order</dt>
            <dd>
              {model.waiting_order.because} ({model.waiting_order.who})
            </dd>
          </>
        )}
        <dt>Last refusal</dt>
        <dd class="clamp">{model.last_refusal ?? "nothing was refused"}</dd>
      </dl>
    </Card>
  );
}

export function DataCard({ model }: { model: ModelDetail }) {
  const { slots, data } = model;
  return (
    <Card title="Schedule and data">
      <dl class="facts">
        <dt>Last slot</dt>
        <dd>{instant(slots.last?.due_at)}</dd>
        <dt>Next slot</dt>
        <dd>{instant(slots.next?.due_at)}</dd>
        <dt>Schedule</dt>
        <dd>
          <code>{model.policy.retraining.schedule}</code> {model.policy.retraining.time_zone}
        </dd>
        <dt>Trained on</dt>
        <dd>{data.files === null ? "nothing yet" : `${count(data.files)} files`}</dd>
        <dt>Data version</dt>
        <dd class="mono">{data.data_version?.slice(0, 12) ?? "–"}</dd>
        <dt>Waiting</dt>
        <dd>
          {data.landed_last_at
            ? `landed ${instant(data.landed_last_at)}, trained ${instant(data.training_due_at)}`
            : "no new data"}
        </dd>
        {data.quarantine.length > 0 && (
          <>
            <dt>Left out</dt>
            <dd>
              <ul>
                {data.quarantine.map((file) => (
                  <li key={file.path}>
                    <code>{file.path}</code>: {file.reason}
                  </li>
                ))}
              </ul>
            </dd>
          </>
        )}
      </dl>
    </Card>
  );
}

interface CardProps {
  title: string;
  side?: ComponentChildren;
  children: ComponentChildren;
}

function Card({ title, side, children }: CardProps) {
  return (
    <section class="card model-card">
      <div class="card-head">
        <h2>{title}</h2>
        {side}
      </div>
      {children}
    </section>
  );
}
