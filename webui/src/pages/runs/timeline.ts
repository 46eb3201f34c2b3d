/** Where slots, landings and jobs lie on a line of time. */

import type { Runs } from "../../api/types";

export const SPANS = [
  { name: "hour", seconds: 3600 },
  { name: "day", seconds: 86_400 },
  { name: "week", seconds: 7 * 86_400 },
  { name: "month", seconds: 30 * 86_400 },
] as const;
export type SpanName = (typeof SPANS)[number]["name"];

/** Seconds between two marks of the axis; the smallest that fits is taken. */
const STEPS = [
  60, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
];

export interface Domain {
  /** In milliseconds. */
  readonly from: number;
  readonly to: number;
}

/** The shortest span that shows all that was read, a week at the most. */
export function naturalSpan(runs: Runs, now: number): SpanName {
  const oldest = Math.min(now, ...instantsOf(runs));
  const seconds = (now - oldest) / 1000;
  return SPANS.slice(0, 3).find((span) => seconds <= span.seconds * 0.95)?.name ?? "week";
}

function instantsOf(runs: Runs): number[] {
  const jobs = runs.jobs.map((job) => job.planned_at ?? job.ended_at);
  const slots = runs.slots.map((slot) => slot.due_at);
  const landings = runs.landings.map((landing) => landing.at);
  return [...jobs, ...slots, ...landings]
    .filter((text): text is string => text !== null)
    .map((text) => Date.parse(text));
}

/** What is shown: the span until now, and a little of what comes. */
export function domainOf(name: SpanName, now: number): Domain {
  const length = (SPANS.find((span) => span.name === name)?.seconds ?? 86_400) * 1000;
  return { from: now - length, to: now + length * 0.06 };
}

/** The place of an instant between 0 and `width`. */
export function placeOf(at: number, domain: Domain, width: number): number {
  return ((at - domain.from) / (domain.to - domain.from)) * width;
}

/** Whether an instant is shown. */
export function within(text: string | null | undefined, domain: Domain): text is string {
  if (!text) return false;
  const at = Date.parse(text);
  return at >= domain.from && at <= domain.to;
}

export interface Tick {
  readonly at: number;
  readonly label: string;
}

/** Round marks in the reader's time zone, with at least `pixels` for each. */
export function ticksOf(domain: Domain, width: number, pixels = 64): Tick[] {
  const room = ((domain.to - domain.from) / 1000 / Math.max(width, 1)) * pixels;
  const step = STEPS.find((seconds) => seconds >= room) ?? 604_800;
  const ticks: Tick[] = [];
  const shift = new Date(domain.from).getTimezoneOffset() * 60_000;
  const first = Math.ceil((domain.from - shift) / (step * 1000)) * step * 1000 + shift;
  for (let at = first; at <= domain.to; at += step * 1000)
    ticks.push({ at, label: labelOf(at, step) });
  return ticks;
}

function labelOf(at: number, step: number): string {
  const date = new Date(at);
  if (step >= 86_400 || (date.getHours() === 0 && date.getMinutes() === 0))
    return date.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
  return date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
}

export interface Bar {
  readonly x: number;
  readonly width: number;
}

/** A job's bar, cut to what is shown; null when none of it is. */
export function barOf(
  planned: string | null,
  ended: string | null,
  domain: Domain,
  now: number,
  width: number,
): Bar | null {
  const end = ended ? Date.parse(ended) : now;
  const begin = planned ? Date.parse(planned) : end;
  if (end < domain.from || begin > domain.to) return null;
  const x = placeOf(Math.max(begin, domain.from), domain, width);
  return { x, width: Math.max(4, placeOf(Math.min(end, domain.to), domain, width) - x) };
}
