/** The line of time: slots as suns, landings as ticks, jobs as bars. The lists below say the same. */

import { useState } from "preact/hooks";
import type { JobEntry, Runs, SlotEntry } from "../../api/types";
import { toneOf } from "../../components/Badge";
import { useNow } from "../../components/Head";
import { useWidth } from "../../components/useWidth";
import { instant, words } from "../../format";
import {
  barOf,
  type Domain,
  domainOf,
  naturalSpan,
  placeOf,
  SPANS,
  type SpanName,
  ticksOf,
  within,
} from "./timeline";

const HEIGHT = 196;
const LANES = { slots: 38, landings: 88, jobs: 134, axis: 184 };
const JOB_HEIGHT = 20;
const LABEL_HALF = 20;

export function Timeline({ runs }: { runs: Runs }) {
  const now = useNow(10);
  const [chosen, setChosen] = useState<SpanName>();
  const [place, width] = useWidth();
  const span = chosen ?? naturalSpan(runs, now);
  const domain = domainOf(span, now);
  return (
    <>
      <div class="row between timeline-head">
        <fieldset class="choice">
          <legend class="visually-hidden">How much time is shown</legend>
          {SPANS.map(({ name }) => (
            <label key={name} class={name === span ? "chosen" : ""}>
              <input
                type="radio"
                name="span"
                class="visually-hidden"
                checked={name === span}
                onChange={() => setChosen(name)}
              />
              {name}
            </label>
          ))}
        </fieldset>
        <ul class="timeline-legend small muted" aria-hidden="true">
          <li class="trained">trained</li>
          <li class="caught_up">caught up</li>
          <li class="skipped">skipped</li>
          <li class="missed">missed</li>
          <li class="waiting">waiting</li>
        </ul>
      </div>
      <div class="timeline" ref={place}>
        {width > 0 && <Picture runs={runs} domain={domain} width={width} now={now} span={span} />}
      </div>
    </>
  );
}

interface PictureProps {
  runs: Runs;
  domain: Domain;
  width: number;
  now: number;
  span: SpanName;
}

function Picture({ runs, domain, width, now, span }: PictureProps) {
  const x = (text: string) => placeOf(Date.parse(text), domain, width);
  const slots = runs.slots.filter((slot) => within(slot.due_at, domain));
  const landings = runs.landings.filter((landing) => within(landing.at, domain));
  const label = `The last ${span}: ${slots.length} slots, ${landings.length} landings, ${runs.jobs.length} jobs; the lists below name each.`;
  const nowAt = placeOf(now, domain, width);
  return (
    <svg
      width={width}
      height={HEIGHT}
      viewBox={`0 0 ${width} ${HEIGHT}`}
      role="img"
      aria-label={label}
    >
      {ticksOf(domain, width).map(({ at, label: text }) => (
        <g key={at} class="tick">
          <path d={`M${placeOf(at, domain, width)} 8V168`} />
          {inside(placeOf(at, domain, width), width) && (
            <text x={placeOf(at, domain, width)} y={LANES.axis}>
              {text}
            </text>
          )}
        </g>
      ))}
      <path class="now" d={`M${nowAt} 4V170`} />
      <LaneName y={LANES.slots - 16} text="Slots" />
      <LaneName y={LANES.landings - 16} text="Landings" />
      <LaneName y={LANES.jobs - 14} text="Jobs" />
      {slots.map((slot) => (
        <Sun key={slot.key} slot={slot} x={x(slot.due_at)} />
      ))}
      {within(runs.next_slot?.due_at, domain) && (
        <circle class="sun next" cx={x(runs.next_slot?.due_at ?? "")} cy={LANES.slots} r="6" />
      )}
      {landings.map((landing) => (
        <path
          key={landing.decision_id}
          class="landing"
          d={`M${x(landing.at)} ${LANES.landings - 8}v16`}
        >
          <title>{`Data landed ${instant(landing.at)}`}</title>
        </path>
      ))}
      {runs.jobs.map((job) => (
        <JobBar key={job.decision_id + job.job} job={job} domain={domain} width={width} now={now} />
      ))}
    </svg>
  );
}

/** Whether a label around this place is not cut off at an end. */
function inside(x: number, width: number): boolean {
  return x >= LABEL_HALF && x <= width - LABEL_HALF;
}

function LaneName({ y, text }: { y: number; text: string }) {
  return (
    <text class="lane" x="0" y={y}>
      {text}
    </text>
  );
}

function Sun({ slot, x }: { slot: SlotEntry; x: number }) {
  const title = `Slot ${slot.key}: ${words(slot.state)}`;
  return (
    <g class={`sun ${slot.state}`}>
      <title>{title}</title>
      <circle cx={x} cy={LANES.slots} r="6" />
      {slot.state === "caught_up" && <circle class="core" cx={x} cy={LANES.slots} r="2.5" />}
      {slot.state === "skipped" && <path d={`M${x - 4} ${LANES.slots}h8`} />}
    </g>
  );
}

interface JobBarProps {
  job: JobEntry;
  domain: Domain;
  width: number;
  now: number;
}

function JobBar({ job, domain, width, now }: JobBarProps) {
  const bar = barOf(job.planned_at, job.ended_at, domain, now, width);
  if (!bar) return null;
  return (
    <rect
      class={`job ${toneOf(job.state)}`}
      x={bar.x}
      y={LANES.jobs - JOB_HEIGHT / 2}
      width={bar.width}
      height={JOB_HEIGHT}
      rx="3"
    >
      <title>{`${job.job}: ${words(job.state)}`}</title>
    </rect>
  );
}
