/** The rollout as it stands: phase, steps, soaking, and who has which share of the traffic. */

import type { Rollout, RolloutAnswer, TrafficShare } from "../../api/types";
import { Badge } from "../../components/Badge";
import { useNow } from "../../components/Head";
import { ago, duration, instant, words } from "../../format";

interface PresentCardProps {
  answer: RolloutAnswer;
  rollout: Rollout;
}

export function PresentCard({ answer, rollout }: PresentCardProps) {
  const now = useNow(1);
  return (
    <section class="card present">
      <div class="card-head">
        <div class="row">
          <h2>{rollout.ended ? "The last rollout" : "The present rollout"}</h2>
          <Badge code={rollout.phase} />
          {rollout.paused && <Badge code="paused" />}
          {rollout.instant && !rollout.ended && <Badge code="at once" tone="busy" />}
        </div>
        <p class="muted small">
          {words(rollout.phase)}{" "}
          {rollout.ended
            ? ago(rollout.entered_at, now)
            : `for ${duration(secondsSince(rollout.entered_at, now))}`}
        </p>
      </div>
      <Steps rollout={rollout} />
      <Traffic shares={answer.traffic} canary={rollout.deployment} />
      <dl class="facts">
        <dt>Began</dt>
        <dd>{instant(rollout.started_at)}</dd>
        <dt>Champion</dt>
        <dd class="mono">{answer.champion ?? "none"}</dd>
        {rollout.soaking_since && !rollout.ended && (
          <>
            <dt>Soaking</dt>
            <dd>{soaking(rollout, now)}</dd>
          </>
        )}
        {rollout.failed_checks > 0 && (
          <>
            <dt>Failed checks</dt>
            <dd>
              {rollout.failed_checks}, {rollout.failed_checks_allowed} allowed
            </dd>
          </>
        )}
        {rollout.alone && (
          <>
            <dt>By itself</dt>
            <dd>{rollout.alone}</dd>
          </>
        )}
        {(rollout.going_back ?? rollout.reason) && (
          <>
            <dt>{rollout.going_back ? "Going back" : "Reason"}</dt>
            <dd>{rollout.going_back ?? rollout.reason}</dd>
          </>
        )}
        {answer.warm && (
          <>
            <dt>Kept warm</dt>
            <dd>
              <code>{answer.warm.deployment}</code> until {instant(answer.warm.until)}
            </dd>
          </>
        )}
      </dl>
    </section>
  );
}

function secondsSince(text: string, now: number): number {
  return Math.max(1, (now - Date.parse(text)) / 1000);
}

function soaking(rollout: Rollout, now: number): string {
  const since = secondsSince(rollout.soaking_since ?? "", now);
  const until = rollout.soaks_until ? (Date.parse(rollout.soaks_until) - now) / 1000 : 0;
  const rest = until > 0 ? `judged in ${duration(until)} at the earliest` : "to be judged";
  return `${duration(since)}, ${rest}, on ${rollout.requests_min} answers or more`;
}

const STATES: Record<Rollout["steps"][number]["state"], string> = {
  done: "done",
  present: "now",
  to_come: "to come",
};

function Steps({ rollout }: { rollout: Rollout }) {
  if (rollout.steps.length === 0) return null;
  return (
    <ol class="steps" aria-label="Steps of the canary">
      {rollout.steps.map((step) => (
        <li key={step.share} class={step.state}>
          <span class="step-share number">{step.share} %</span>
          <span class="small">{STATES[step.state]}</span>
        </li>
      ))}
    </ol>
  );
}

function Traffic({ shares, canary }: { shares: readonly TrafficShare[]; canary: string }) {
  const text = shares.map((each) => `${each.deployment} ${each.percent} %`).join(", ") || "none";
  return (
    <figure class="traffic">
      <figcaption class="row between">
        <span class="muted small">Traffic, as it is wished</span>
        <span class="row">
          {shares.map((each) => (
            <span key={each.deployment} class={each.deployment === canary ? "share new" : "share"}>
              <code>{each.deployment}</code> <strong class="number">{each.percent} %</strong>
            </span>
          ))}
          {shares.length === 0 && <span class="muted">nobody has any</span>}
        </span>
      </figcaption>
      <svg class="split" viewBox="0 0 100 1" preserveAspectRatio="none" role="img">
        <title>{`Traffic: ${text}`}</title>
        {bars(shares).map(({ deployment, from, percent }) => (
          <rect
            key={deployment}
            class={deployment === canary ? "new" : "old"}
            x={from}
            width={percent}
            height="1"
          />
        ))}
      </svg>
    </figure>
  );
}

function bars(shares: readonly TrafficShare[]): (TrafficShare & { from: number })[] {
  let from = 0;
  return shares.map((share) => {
    const bar = { ...share, from };
    from += share.percent;
    return bar;
  });
}
