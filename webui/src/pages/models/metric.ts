/** Holdout metrics of what the gate judged, as points of a chart. */

import type { Version } from "../../api/types";
import { words } from "../../format";

const NAMES: Record<string, string> = {
  roc_auc: "ROC AUC",
  neg_mean_absolute_error: "negated mean absolute error",
  neg_root_mean_squared_error: "negated root mean squared error",
  neg_log_loss: "negated log loss",
  r2: "R²",
};

/** A metric's name as people say it. */
export function metricName(metric: string): string {
  return NAMES[metric] ?? words(metric);
}

export interface Point {
  readonly version: Version;
  readonly label: string;
  readonly value: number;
  /** The interval of the difference, laid at what it was compared with. */
  readonly low: number | null;
  readonly high: number | null;
  readonly refused: boolean;
  /** The champion of then on the same holdout; null where it was no comparison. */
  readonly champion: number | null;
}

/** What can be drawn, oldest first: a challenger without a value has no place. */
export function pointsOf(versions: readonly Version[]): Point[] {
  return [...versions]
    .reverse()
    .filter((version) => version.value !== null)
    .map((version) => {
      const [low, high] = intervalOf(version);
      const compared = version.difference?.compared_with === "champion";
      return {
        version,
        label: version.version === null ? "refused" : `v${version.version}`,
        value: version.value ?? Number.NaN,
        low,
        high,
        refused: version.verdict !== "promote",
        champion: compared ? version.champion_value : null,
      };
    });
}

/** The metric's interval: that of the difference, on top of what it was compared with. */
export function intervalOf(version: Version): [number | null, number | null] {
  const { difference } = version;
  if (!difference) return [null, null];
  const base =
    difference.compared_with === "champion" ? version.champion_value : version.baseline_value;
  if (base === null || base === undefined) return [null, null];
  return [base + difference.low, base + difference.high];
}

/** Lowest and highest value of the chart, with some air. */
export function rangeOf(points: readonly Point[]): [number, number] {
  const values = points
    .flatMap(({ value, low, high, champion }) => [value, low, high, champion])
    .filter((value): value is number => value !== null && Number.isFinite(value));
  if (values.length === 0) return [0, 1];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const air = (high - low || Math.abs(high) || 1) * 0.15;
  return [low - air, high + air];
}
