/** From what was typed to a row as the API takes it. */

import type { Row, SchemaColumn } from "../../api/types";
import { figure } from "../../format";

/** What stands in the fields, by column. */
export type Texts = Readonly<Record<string, string>>;

export interface Typed {
  readonly row: Row;
  /** Why a text cannot be sent, by column. */
  readonly wrong: Readonly<Record<string, string>>;
}

/** Fields with the example that the schema gives for each column. */
export function exampleTexts(columns: readonly SchemaColumn[]): Texts {
  return Object.fromEntries(
    columns.map((column) => [column.name, column.example === null ? "" : String(column.example)]),
  );
}

/** Fields with the values of a row, such as one of the schema's sample. */
export function textsOf(columns: readonly SchemaColumn[], row: Readonly<Row>): Texts {
  return Object.fromEntries(
    columns.map(({ name }) => [name, row[name] === null ? "" : String(row[name] ?? "")]),
  );
}

/** The row that was typed; an empty field is a missing value. */
export function typed(columns: readonly SchemaColumn[], texts: Texts): Typed {
  const row: Row = {};
  const wrong: Record<string, string> = {};
  for (const column of columns) {
    const value = cellOf(column, texts[column.name] ?? "");
    row[column.name] = value;
    if (column.kind === "number" && typeof value === "string")
      wrong[column.name] = `“${value}” is no number`;
  }
  return { row, wrong };
}

/** One value; text that is no number stays text, so that the API can say what is wrong with it. */
export function cellOf(column: SchemaColumn, text: string): string | number | null {
  const trimmed = text.trim();
  if (trimmed === "") return null;
  if (column.kind === "category") return trimmed;
  const value = Number(trimmed);
  return Number.isFinite(value) ? value : trimmed;
}

/** What a field may hold, in words. */
export function hintOf(column: SchemaColumn): string {
  if (column.kind === "category") return `${column.categories.length} known categories`;
  if (column.minimum === null || column.maximum === null) return "a number";
  return `${figure(column.minimum)} to ${figure(column.maximum)} in training`;
}

const UNITS: Record<string, string> = {
  f: "°F",
  c: "°C",
  percent: "%",
  inches: "in",
  miles: "miles",
  mph: "mph",
  mbar: "mbar",
  seconds: "s",
  ms: "ms",
  kg: "kg",
};

/** A column's name as a label; where its last part is a unit, it stands as one. */
export function labelOf(name: string): string {
  const parts = name.split("_");
  const unit = parts.length > 1 ? UNITS[parts.at(-1) ?? ""] : undefined;
  const text = (unit ? parts.slice(0, -1) : parts).join(" ");
  const label = text.charAt(0).toUpperCase() + text.slice(1);
  return unit ? `${label}, ${unit}` : label;
}
