/** All models at a glance: who answers callers, what is under way, and what comes next. */

import type { Fleet, ModelBrief } from "../../api/types";
import type { Resource } from "../../api/useResource";
import { Badge } from "../../components/Badge";
import { Head, useNow } from "../../components/Head";
import { Empty, Failure, Skeleton } from "../../components/States";
import { ago, fixed, instant, words } from "../../format";
import { Link } from "../../router";
import { href } from "../../routing";
import { HealthBadge } from "./HealthBadge";
import { metricName } from "./metric";

export function FleetPage({ fleet }: { fleet: Resource<Fleet> }) {
  const models = fleet.content?.models;
  const about = models ? `${models.length} under this control plane` : "\u00a0";
  return (
    <>
      <Head title="Models" about={about} resource={fleet} />
      {fleet.problem && <Failure problem={fleet.problem} onRetry={fleet.refresh} />}
      {!models ? (
        !fleet.problem && (
          <section class="card">
            <Skeleton lines={4} tall />
          </section>
        )
      ) : models.length === 0 ? (
        <section class="card">
          <Empty title="No models yet">
            Put a file into <code>models/</code> and deploy.
          </Empty>
        </section>
      ) : (
        <section class="card flush">
          <FleetTable models={models} />
        </section>
      )}
    </>
  );
}

function FleetTable({ models }: { models: readonly ModelBrief[] }) {
  const now = useNow(10);
  return (
    <table class="folding" aria-label="Models">
      <thead>
        <tr>
          <th scope="col">Model</th>
          <th scope="col">Champion</th>
          <th scope="col">Health</th>
          <th scope="col">Rollout</th>
          <th scope="col">Slots</th>
          <th scope="col">What comes next</th>
        </tr>
      </thead>
      <tbody>
        {models.map((model) => (
          <FleetRow key={model.name} model={model} now={now} />
        ))}
      </tbody>
    </table>
  );
}

function FleetRow({ model, now }: { model: ModelBrief; now: number }) {
  const { champion, rollout, training, slots, next } = model;
  return (
    <tr>
      <th scope="row">
        <Link href={href("models", model.name)}>{model.name}</Link>
        <p class="muted small plain">{model.title}</p>
      </th>
      <td data-name="Champion">
        {champion ? (
          <>
            version {champion.version}
            <p class="muted small">
              {metricName(champion.score.metric)} {fixed(champion.score.value)}
              <br />
              passed {ago(champion.promoted_at, now)}
            </p>
          </>
        ) : (
          "none yet"
        )}
      </td>
      <td data-name="Health">
        <HealthBadge state={model.health.state} />
      </td>
      <td data-name="Rollout">
        {rollout ? (
          <>
            <Badge code={rollout.paused ? "paused" : rollout.phase} />
            <p class="muted small">
              version {rollout.version}, {rollout.share} %
            </p>
          </>
        ) : (
          "none yet"
        )}
      </td>
      <td data-name="Slots" class="small">
        <span class="muted">last</span> {instant(slots.last?.due_at)}
        <br />
        <span class="muted">next</span> {instant(slots.next?.due_at)}
      </td>
      <td data-name="Next">
        {training ? "a training runs" : words(next.action)}
        <p class="muted small">{training ? training.because : next.why_not_now}</p>
      </td>
    </tr>
  );
}
