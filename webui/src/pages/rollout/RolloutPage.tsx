/** Rollout: where the newest version is on its way, what its checks saw, and what can be ordered. */

import type { RolloutAnswer } from "../../api/types";
import { useResource } from "../../api/useResource";
import { Head } from "../../components/Head";
import { Empty, Failure, Skeleton } from "../../components/States";
import { ChecksCard } from "./ChecksCard";
import { HistoryCard } from "./HistoryCard";
import { OrdersCard } from "./OrdersCard";
import { PresentCard } from "./PresentCard";

const LIVE_SECONDS = 3;

export function RolloutPage({ model }: { model: string }) {
  const path = model ? `/models/${encodeURIComponent(model)}/rollout` : null;
  const resource = useResource<RolloutAnswer>(path, LIVE_SECONDS);
  const { content, problem, refresh } = resource;
  return (
    <>
      <Head title="Rollout" about={aboutOf(model, content)} resource={resource} />
      {problem && <Failure problem={problem} onRetry={refresh} />}
      {content ? (
        <>
          {content.rollout ? (
            <PresentCard answer={content} rollout={content.rollout} />
          ) : (
            <section class="card">
              <Empty title="No rollout yet">
                The first version that the gate lets pass begins one.
              </Empty>
            </section>
          )}
          <OrdersCard model={model} choices={content.orders} onTaken={refresh} />
          {content.rollout && <ChecksCard rollout={content.rollout} model={model} />}
          <HistoryCard model={model} events={content.history} />
        </>
      ) : (
        !problem && <Loading />
      )}
    </>
  );
}

function aboutOf(model: string, content: RolloutAnswer | undefined): string {
  if (!content) return "\u00a0";
  if (!content.rollout) return model;
  const { version, deployment, ended } = content.rollout;
  return `${model}: version ${version} as ${deployment}${ended ? ", ended" : ", under way"}`;
}

function Loading() {
  return (
    <>
      <section class="card present">
        <Skeleton lines={5} />
      </section>
      <section class="card">
        <Skeleton lines={2} />
      </section>
      <section class="card">
        <Skeleton lines={5} />
      </section>
    </>
  );
}
