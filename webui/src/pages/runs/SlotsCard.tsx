/** Slots with what each ended in, and what landed. */

import type { Runs, SlotEntry } from "../../api/types";
import { Badge, type Tone } from "../../components/Badge";
import { More } from "../../components/More";
import { Empty } from "../../components/States";
import { count, duration, instant } from "../../format";
import { Link } from "../../router";
import { whyHref } from "../../routing";

const TONES: Record<SlotEntry["state"], Tone> = {
  trained: "good",
  caught_up: "warn",
  skipped: "plain",
  missed: "bad",
  waiting: "busy",
};

/** The time line has the others. */
const SLOTS_SHOWN = 10;

export function SlotsCard({ runs }: { runs: Runs }) {
  const { slots, slots_missed: missed } = runs;
  return (
    <section class="card">
      <div class="card-head">
        <h2>Slots</h2>
      </div>
      {slots.length + missed.length === 0 ? (
        <Empty title="No slot was due yet">
          The next one is {instant(runs.next_slot?.due_at)}.
        </Empty>
      ) : (
        <ol class="log">
          {slots.slice(0, SLOTS_SHOWN).map((slot) => (
            <SlotItem key={slot.key} slot={slot} model={runs.model} />
          ))}
          {missed.map((some) => (
            <li key={some.decision_id}>
              <Badge code="missed" tone="bad" />
              <div class="log-words">
                {count(some.count)} slots from {some.first} to {some.last}
              </div>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

function SlotItem({ slot, model }: { slot: SlotEntry; model: string }) {
  return (
    <li>
      <span class="log-kind">
        <Badge code={slot.state} tone={TONES[slot.state]} />
      </span>
      <div class="log-words">
        <Link href={whyHref(model, slot.key)}>{instant(slot.due_at)}</Link>
        {slot.late_seconds !== null && slot.late_seconds > 60 && (
          <span class="muted small"> {duration(slot.late_seconds)} late</span>
        )}
        {slot.why && <p class="muted small">{slot.why}</p>}
      </div>
    </li>
  );
}

export function LandingsCard({ runs }: { runs: Runs }) {
  return (
    <section class="card">
      <div class="card-head">
        <h2>Landings</h2>
      </div>
      {runs.landings.length === 0 ? (
        <Empty title="Nothing has landed yet">
          Files below the model's prefix of the landing container are landings.
        </Empty>
      ) : (
        <More all={runs.landings} first={10}>
          {(shown) => (
            <ol class="log">
              {shown.map((landing) => (
                <li key={landing.decision_id}>
                  <time class="number" dateTime={landing.at}>
                    {instant(landing.at)}
                  </time>
                  <div class="log-words muted small">
                    data landed
                    {landing.minutes > 1 && `, over ${count(landing.minutes)} minutes`}
                  </div>
                </li>
              ))}
            </ol>
          )}
        </More>
      )}
    </section>
  );
}
