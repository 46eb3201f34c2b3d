/** Which decisions are shown. */

import type { Decision } from "../../api/types";

export const KINDS: readonly Decision["kind"][] = [
  "acted",
  "refused",
  "failed",
  "held",
  "coalesced",
  "duplicate",
  "ignored",
];

export const PAGE = 50;

/** Where a part of the log is read. */
export function decisionsPath(model: string, kind: string, before = ""): string {
  const query = new URLSearchParams({ limit: String(PAGE) });
  if (kind) query.set("kind", kind);
  if (before) query.set("before", before);
  return `/models/${encodeURIComponent(model)}/decisions?${query}`;
}

/** Whether every word stands somewhere in the decision. */
export function matches(decision: Decision, text: string): boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const said = [
    decision.id,
    decision.kind,
    decision.cause,
    decision.outcome,
    ...decision.actions,
    ...decision.about,
    ...decision.reasons.flatMap((reason) => [reason.code, reason.text]),
  ]
    .join("\n")
    .toLowerCase();
  return words.every((word) => said.includes(word));
}

/** Both lists in order, newest first, each decision once. */
export function joined(newer: readonly Decision[], older: readonly Decision[]): Decision[] {
  const known = new Set(newer.map((decision) => decision.id));
  return [...newer, ...older.filter((decision) => !known.has(decision.id))];
}
