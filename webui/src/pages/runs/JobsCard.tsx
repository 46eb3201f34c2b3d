/** Every training job: state, duration, cause, and its page in the studio. */

import type { JobEntry } from "../../api/types";
import { Badge } from "../../components/Badge";
import { useNow } from "../../components/Head";
import { Icon } from "../../components/Icon";
import { More } from "../../components/More";
import { Empty } from "../../components/States";
import { count, duration, instant, words } from "../../format";
import { Link } from "../../router";
import { whyHref } from "../../routing";

export function JobsCard({ jobs, model }: { jobs: readonly JobEntry[]; model: string }) {
  const now = useNow(5);
  return (
    <section class="card">
      <div class="card-head">
        <h2>Jobs</h2>
      </div>
      {jobs.length === 0 ? (
        <Empty title="No job yet">Data, a slot or an order begins one.</Empty>
      ) : (
        <More all={jobs} first={8}>
          {(shown) => (
            <ol class="entries">
              {shown.map((job) => (
                <JobItem key={job.job} job={job} model={model} now={now} />
              ))}
            </ol>
          )}
        </More>
      )}
    </section>
  );
}

function JobItem({ job, model, now }: { job: JobEntry; model: string; now: number }) {
  const running = job.planned_at ? (now - Date.parse(job.planned_at)) / 1000 : null;
  const seconds = job.state === "running" ? running : job.duration_seconds;
  return (
    <li class="entry">
      <div class="entry-head">
        <h3 class="mono">
          <Link href={whyHref(model, job.job)}>{job.job}</Link>
        </h3>
        <Badge code={job.state} />
        {job.verdict && <Badge code={verdictOf(job)} />}
        <span class="entry-figure number">{duration(seconds)}</span>
      </div>
      <p class="muted small">
        {words(job.cause)}
        {job.because && `: ${job.because}`}
        {job.attempt > 1 && `, attempt ${job.attempt}`} · {instant(job.planned_at ?? job.ended_at)}
        {job.files !== null && ` · ${count(job.files)} files`} ·{" "}
        <a href={job.studio_url} target="_blank" rel="noreferrer" class="out">
          studio
          <Icon name="out" />
        </a>
      </p>
      <ul class="reasons small">
        {job.reasons.map((reason) => (
          <li key={reason.code}>{reason.text}</li>
        ))}
      </ul>
    </li>
  );
}

function verdictOf(job: JobEntry): string {
  if (job.verdict === "promote")
    return job.version === null ? "promoted" : `version_${job.version}`;
  return job.verdict === "retain" ? "retained" : "halted";
}
