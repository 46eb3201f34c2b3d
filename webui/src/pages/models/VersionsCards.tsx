/** What the gate judged: the chart over versions, and each one with reasons and lineage. */

import { useCallback, useMemo, useState } from "preact/hooks";
import type { Versions } from "../../api/types";
import type { Resource } from "../../api/useResource";
import { More } from "../../components/More";
import { Empty, Failure, Skeleton } from "../../components/States";
import { fixed } from "../../format";
import { MetricChart } from "./MetricChart";
import { metricName, type Point, pointsOf } from "./metric";
import { VersionEntry } from "./VersionEntry";

export function VersionsCards({ resource }: { resource: Resource<Versions> }) {
  const { content, problem } = resource;
  if (problem && !content) return <Failure problem={problem} onRetry={resource.refresh} />;
  return (
    <>
      <section class="card">
        <div class="card-head">
          <h2>Holdout metric over versions</h2>
          <p class="muted small">{content ? metricName(content.metric) : "\u00a0"}</p>
        </div>
        {content ? <Chart versions={content} /> : <div class="chart-place skeleton" />}
      </section>
      <section class="card">
        <div class="card-head">
          <h2>Champion and challengers</h2>
          {content?.more && <p class="muted small">the newest {content.versions.length}</p>}
        </div>
        {content ? <Entries content={content} /> : <Skeleton lines={4} tall />}
      </section>
    </>
  );
}

function Chart({ versions }: { versions: Versions }) {
  const points = useMemo(() => pointsOf(versions.versions), [versions]);
  const [pointed, setPointed] = useState<Point>();
  const tell = useCallback((point: Point | undefined) => setPointed(point), []);
  if (points.length === 0)
    return (
      <div class="chart-place">
        <Empty title="Nothing was judged yet">The first challenger will stand here.</Empty>
      </div>
    );
  const shown = pointed ?? points.at(-1);
  const label = `${metricName(versions.metric)} of ${points.length} judged challengers, from ${fixed(
    points[0]?.value,
  )} to ${fixed(points.at(-1)?.value)}; the list below has every number.`;
  return (
    <div class="chart-place">
      <MetricChart points={points} label={label} onPoint={tell} />
      <p class="chart-legend small" aria-hidden="true">
        <span class="key-promoted">promoted</span>
        <span class="key-refused">refused</span>
        <span class="key-champion">champion on the same rows</span>
        <span class="chart-told number">{shown ? toldOf(shown) : ""}</span>
      </p>
    </div>
  );
}

function toldOf({ label, value, low, high }: Point): string {
  const interval = low === null ? "" : ` (${fixed(low)} to ${fixed(high)})`;
  return `${label} ${fixed(value)}${interval}`;
}

function Entries({ content }: { content: Versions }) {
  if (content.versions.length === 0)
    return (
      <Empty title="No challenger yet">
        The gate judges the first one when a training is complete.
      </Empty>
    );
  return (
    <More all={content.versions} first={8}>
      {(shown) => (
        <ol class="entries">
          {shown.map((version) => (
            <VersionEntry key={version.decision_id} version={version} model={content.model} />
          ))}
        </ol>
      )}
    </More>
  );
}
