import { expect, test } from "vitest";
import { Problem } from "../src/api/problem";
import type { PredictResponse, Row, SchemaColumn } from "../src/api/types";
import { cellOf, labelOf, typed } from "../src/pages/predict/form";
import {
  fieldsOf,
  missingColumns,
  rowOf,
  type Sending,
  scoreChunk,
} from "../src/pages/predict/scoring";

const MILES: SchemaColumn = {
  name: "distance_miles",
  kind: "number",
  minimum: 80,
  maximum: 4983,
  example: 733,
};
const CARRIER: SchemaColumn = {
  name: "carrier",
  kind: "category",
  categories: ["AA", "UA"],
  example: "UA",
};
const COLUMNS = [MILES, CARRIER];

/** An API that refuses rows whose distance is no number, as the scoring service does. */
function service(busy = 0) {
  const sent: number[] = [];
  const waited: number[] = [];
  let refusals = busy;
  const sending: Sending = {
    wait: async (seconds) => {
      waited.push(seconds);
    },
    send: async (rows) => {
      sent.push(rows.length);
      if (refusals > 0) {
        refusals -= 1;
        throw new Problem(429, "too many requests");
      }
      const errors = rows.flatMap((row, index) =>
        typeof row.distance_miles === "string"
          ? [{ row: index, column: "distance_miles", reason: "must be a number or null" }]
          : [],
      );
      if (errors.length > 0)
        throw new Problem(422, "mistakes", "", errors.slice(0, 2), errors.length);
      return answer(rows);
    },
  };
  return { sending, sent, waited };
}

function answer(rows: readonly Row[]): PredictResponse {
  return {
    predictions: rows.map((row) => ({ value: Number(row.distance_miles) })),
    model: { name: "m", version: "3", deployment: "v3-e1" },
    request_id: "r",
  };
}

test("an empty field is a missing value, and text that is no number stays text", () => {
  expect(typed(COLUMNS, { distance_miles: " 12.5 " })).toEqual({
    row: { distance_miles: 12.5, carrier: null },
    wrong: {},
  });
  expect(typed(COLUMNS, { distance_miles: "far" }).wrong).toEqual({
    distance_miles: "“far” is no number",
  });
  expect(cellOf(MILES, "Infinity")).toBe("Infinity");
  expect(cellOf(CARRIER, "12")).toBe("12");
});

test("units stand as units", () => {
  expect([
    labelOf("distance_miles"),
    labelOf("temperature_f"),
    labelOf("s1"),
    labelOf("f"),
  ]).toEqual(["Distance, miles", "Temperature, °F", "S1", "F"]);
});

test("only the model's columns are sent, and missing ones are named", () => {
  expect(rowOf(COLUMNS, { carrier: "UA", distance_miles: "5", late: "true" })).toEqual({
    distance_miles: 5,
    carrier: "UA",
  });
  expect(missingColumns(COLUMNS, ["carrier"])).toEqual(["distance_miles"]);
});

test("rows that do not fit are named by their number, and all others are scored", async () => {
  const { sending, sent } = service();
  const rows = ["1", "x", "3", "y", "5", "z"].map((text) =>
    rowOf(COLUMNS, { distance_miles: text, carrier: "AA" }),
  );
  const { outcomes, bad } = await scoreChunk(rows, 101, sending);
  expect(bad.map((each) => [each.row, each.column])).toEqual([
    [102, "distance_miles"],
    [104, "distance_miles"],
    [106, "distance_miles"],
  ]);
  const scored = outcomes.map(({ prediction }) =>
    prediction && "value" in prediction ? prediction.value : null,
  );
  expect(scored).toEqual([1, null, 3, null, 5, null]);
  // The API names two mistakes at a time: every turn leaves fewer rows.
  expect(sent).toEqual([6, 4, 3]);
});

test("a busy model is asked again after a pause, anything else ends it", async () => {
  const { sending, waited } = service(2);
  const rows = [rowOf(COLUMNS, { distance_miles: "1" })];
  expect((await scoreChunk(rows, 1, sending)).bad).toEqual([]);
  expect(waited).toEqual([1, 2]);
  const gone = async () => {
    throw new Problem(503, "no champion yet");
  };
  await expect(scoreChunk(rows, 1, { ...sending, send: gone })).rejects.toThrow("no champion yet");
});

test("a line that is saved says its prediction or why there is none", () => {
  const prediction = { label: true, probabilities: { false: 0.25, true: 0.75 } };
  expect(fieldsOf({ prediction, deployment: "v3-e1", reason: "" })).toEqual({
    prediction: "true",
    probability_false: 0.25,
    probability_true: 0.75,
    deployment: "v3-e1",
    refused: "",
  });
  expect(fieldsOf({ prediction: undefined, deployment: "", reason: "no" }).refused).toBe("no");
});
