/** What changed in this rollout and the ones before it, newest first. */

import type { RolloutEvent } from "../../api/types";
import { Badge, type Tone } from "../../components/Badge";
import { Empty } from "../../components/States";
import { instant, inUtc } from "../../format";
import { Link } from "../../router";
import { whyHref } from "../../routing";

const TONES: Record<RolloutEvent["kind"], Tone> = {
  begun: "busy",
  phase: "plain",
  step: "busy",
  order: "warn",
  check_failed: "bad",
  going_back: "bad",
  ended: "good",
  other: "plain",
};

interface HistoryCardProps {
  model: string;
  events: readonly RolloutEvent[];
}

export function HistoryCard({ model, events }: HistoryCardProps) {
  return (
    <section class="card">
      <div class="card-head">
        <h2>History</h2>
      </div>
      {events.length === 0 ? (
        <Empty title="Nothing has happened yet" />
      ) : (
        <ol class="log">
          {events.map((event) => (
            <li key={event.decision_id}>
              <time class="muted small number" dateTime={event.at} title={inUtc(event.at)}>
                {instant(event.at)}
              </time>
              <span class="log-kind">
                <Badge code={event.kind} tone={TONES[event.kind]} />
              </span>
              <div class="log-words">
                <Link href={whyHref(model, event.deployment)} class="mono">
                  {event.deployment}
                </Link>
                {event.reasons.map((reason) => (
                  <p key={reason.code}>{reason.text}</p>
                ))}
              </div>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
