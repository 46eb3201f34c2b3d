/** Runs: what asked for trainings, and what came of it. */

import type { Runs } from "../../api/types";
import { useResource } from "../../api/useResource";
import { Head } from "../../components/Head";
import { Empty, Failure, Skeleton } from "../../components/States";
import { instant } from "../../format";
import { JobsCard } from "./JobsCard";
import { LandingsCard, SlotsCard } from "./SlotsCard";
import { Timeline } from "./Timeline";

const RUNS_SECONDS = 10;

export function RunsPage({ model }: { model: string }) {
  const path = model ? `/models/${encodeURIComponent(model)}/runs` : null;
  const resource = useResource<Runs>(path, RUNS_SECONDS);
  const { content, problem, refresh } = resource;
  return (
    <>
      <Head
        title="Runs"
        about={content ? <About runs={content} /> : "\u00a0"}
        resource={resource}
      />
      {problem && <Failure problem={problem} onRetry={refresh} />}
      {content ? <Content runs={content} /> : !problem && <Loading />}
    </>
  );
}

function About({ runs }: { runs: Runs }) {
  return (
    <>
      {runs.model}: <code>{runs.schedule}</code> in {runs.time_zone}, next slot{" "}
      {instant(runs.next_slot?.due_at)}
    </>
  );
}

function Content({ runs }: { runs: Runs }) {
  const nothing = runs.jobs.length + runs.slots.length + runs.landings.length === 0;
  return (
    <>
      <section class="card" aria-labelledby="timeline-title">
        <h2 id="timeline-title" class="visually-hidden">
          Time line
        </h2>
        {nothing ? (
          <Empty title="Nothing has run yet">
            Land data, wait for the next slot, or order a training on the page of rollouts.
          </Empty>
        ) : (
          <Timeline runs={runs} />
        )}
      </section>
      <JobsCard jobs={runs.jobs} model={runs.model} />
      <div class="cards">
        <SlotsCard runs={runs} />
        <LandingsCard runs={runs} />
      </div>
    </>
  );
}

function Loading() {
  return (
    <>
      <section class="card">
        <div class="timeline-place skeleton" />
      </section>
      <section class="card">
        <Skeleton lines={5} tall />
      </section>
    </>
  );
}
