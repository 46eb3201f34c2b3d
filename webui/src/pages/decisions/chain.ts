/** The chain behind an id as a picture: what is told of one thing in a row becomes one stop. */

import type { ChainLink } from "../../api/types";
import type { Tone } from "../../components/Badge";

export interface Stop {
  readonly kind: ChainLink["kind"];
  /** The links that it stands for; the first has this index in the chain. */
  readonly first: number;
  readonly count: number;
  readonly at: string;
  readonly tone: Tone;
}

export const STOPS_MAX = 16;

const TITLES: Record<ChainLink["kind"], string> = {
  landings: "Landed",
  order: "Order",
  manifest: "Data pinned",
  training: "Training",
  job: "Job",
  verdict: "Verdict",
  check: "Check",
  rollout: "Rollout",
  traffic: "Traffic",
  prediction: "Prediction",
  blob: "File",
  decision: "Decision",
};

/** What a stop is called. */
export function titleOf(stop: Stop): string {
  const title = TITLES[stop.kind];
  return stop.count > 1 ? `${stop.count} × ${title.toLowerCase()}` : title;
}

/** The stops, oldest first; of very many the first and the newest. */
export function stopsOf(links: readonly ChainLink[]): Stop[] {
  const stops: Stop[] = [];
  links.forEach((link, index) => {
    const last = stops.at(-1);
    const tone = toneOfLink(link);
    if (last && last.kind === link.kind && last.tone === tone)
      stops[stops.length - 1] = { ...last, count: last.count + 1 };
    else stops.push({ kind: link.kind, first: index, count: 1, at: link.at, tone });
  });
  if (stops.length <= STOPS_MAX) return stops;
  return [...stops.slice(0, STOPS_MAX / 2), ...stops.slice(-STOPS_MAX / 2)];
}

/** Whether a link is good news. */
export function toneOfLink(link: ChainLink): Tone {
  const { check, verdict, kind } = link.facts;
  if (kind === "failed" || check === "failed") return "bad";
  if (check === "passed" || verdict === "promote") return "good";
  if (check === "no_data" || check === "hold") return "warn";
  if (verdict !== undefined || kind === "refused") return "bad";
  if (link.kind === "prediction" || link.kind === "traffic") return "good";
  return "plain";
}

export interface Place {
  readonly x: number;
  readonly y: number;
}

export interface Layout {
  readonly places: readonly Place[];
  readonly width: number;
  readonly height: number;
  /** The line through all stops, as an SVG path. */
  readonly line: string;
}

const STOP_WIDTH = 108;
const ROW_HEIGHT = 104;
const TOP = 30;
const TURN = 46;
const BETWEEN = 34;

/** Rows that are read like a text, joined by a line that turns at their ends. */
export function layoutOf(count: number, width: number): Layout {
  const columns = Math.max(1, Math.min(count, Math.floor(width / STOP_WIDTH)));
  const step = width / columns;
  const places = Array.from({ length: count }, (_, index) => ({
    x: step * ((index % columns) + 0.5),
    y: TOP + Math.floor(index / columns) * ROW_HEIGHT,
  }));
  const rows = Math.max(1, Math.ceil(count / columns));
  return { places, width, height: TOP + (rows - 1) * ROW_HEIGHT + 62, line: lineOf(places) };
}

function lineOf(places: readonly Place[]): string {
  return places
    .map(({ x, y }, index) => {
      const before = places[index - 1];
      if (!before) return `M${x} ${y}`;
      if (before.y === y) return `H${x}`;
      // Past the last stop, down between the rows, back to the left, and down to the next stop.
      return `H${before.x + TURN}V${y - BETWEEN}H${x}V${y}`;
    })
    .join("");
}
