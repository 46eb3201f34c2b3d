import { expect, test } from "vitest";
import { problemOf } from "../src/api/problem";
import type { ChainLink, Decision, Runs, Version } from "../src/api/types";
import { parseConfig } from "../src/config";
import { layoutOf, STOPS_MAX, stopsOf, titleOf } from "../src/pages/decisions/chain";
import { decisionsPath, joined, matches } from "../src/pages/decisions/filter";
import { intervalOf, pointsOf, rangeOf } from "../src/pages/models/metric";
import { barOf, domainOf, naturalSpan, placeOf, ticksOf } from "../src/pages/runs/timeline";
import { href, parseRoute, whyHref } from "../src/routing";

test("an address leads back to its page, whatever an id holds", () => {
  const address = whyHref("flights", "flights/2013-01-01.csv");
  const [path = "", search = ""] = address.split("?");
  const route = parseRoute(path, `?${search}`);
  expect([route.page, route.model]).toEqual(["decisions", "flights"]);
  expect(route.query.get("why")).toBe("flights/2013-01-01.csv");
  expect(parseRoute(href("runs", "a b")).model).toBe("a b");
  expect(parseRoute("/nonsense/%E0%A4%A").page).toBe("models");
});

test.each(["{}", '{"apiUrl": 1}', '{"apiUrl": "https://host/path"}', '{"apiUrl": "javascript:0"}'])(
  "a wrong config.json is refused: %s",
  (text) => {
    expect(() => parseConfig(text)).toThrow(/apiUrl/);
  },
);

test("an origin, or none for the page's own, is taken", () => {
  expect(parseConfig('{"apiUrl": "https://noon.example:7071"}').apiUrl).toContain("noon.example");
  expect(parseConfig('{"apiUrl": ""}').apiUrl).toBe("");
});

test("a refusal keeps its words, and one without words is told by its status", () => {
  const said =
    '{"title": "2 mistakes", "detail": "d", "errors": [{"row": 1, "reason": "r"}], "error_count": 2}';
  expect(problemOf(422, said)).toMatchObject({ title: "2 mistakes", detail: "d", errorCount: 2 });
  expect(problemOf(502, "<html>").title).toBe("The API answered 502");
  expect(problemOf(401, "").title).toBe("The key was refused");
});

function version(value: number | null, over: Partial<Version> = {}): Version {
  return {
    version: 1,
    role: "former",
    judged_at: "2026-11-29T12:00:00Z",
    verdict: "promote",
    reasons: [],
    value,
    difference: { low: -0.01, mean: 0, high: 0.02, compared_with: "champion" },
    champion_value: 0.7,
    anchor_value: null,
    baseline_value: 0.5,
    holdout_rows: 10,
    holdout_digest: null,
    lineage: { job: "j", studio_url: "", data_version: null, code_commit: null },
    decision_id: "d",
    ...over,
  };
}

test("the interval lies at what the challenger was compared with", () => {
  expect(intervalOf(version(0.71))).toEqual([0.69, 0.72]);
  const first = { low: 0.1, mean: 0.2, high: 0.25, compared_with: "baseline" as const };
  expect(intervalOf(version(0.7, { difference: first, champion_value: null }))).toEqual([
    0.6, 0.75,
  ]);
  expect(intervalOf(version(0.7, { difference: null }))).toEqual([null, null]);
});

test("the chart shows refused challengers too, oldest first, and none without a value", () => {
  const refused = version(0.65, { version: null, verdict: "retain" });
  const points = pointsOf([version(0.71, { version: 2 }), version(null), refused]);
  expect(points.map((point) => [point.label, point.refused])).toEqual([
    ["refused", true],
    ["v2", false],
  ]);
  const [low, high] = rangeOf(points);
  expect(low).toBeLessThan(0.65);
  expect(high).toBeGreaterThan(0.72);
  expect(rangeOf([])).toEqual([0, 1]);
});

const NOW = Date.parse("2026-11-29T12:00:00Z");
const runs = (slots: string[]): Runs =>
  ({ slots: slots.map((due_at) => ({ due_at })), landings: [], jobs: [] }) as unknown as Runs;

test("the time line begins with the span that shows everything, a week at the most", () => {
  expect(naturalSpan(runs([]), NOW)).toBe("hour");
  expect(naturalSpan(runs(["2026-11-29T03:00:00Z"]), NOW)).toBe("day");
  expect(naturalSpan(runs(["2026-09-29T03:00:00Z"]), NOW)).toBe("week");
});

test("bars are cut to what is shown and stay visible", () => {
  const domain = domainOf("hour", NOW);
  expect(placeOf(domain.from, domain, 500)).toBe(0);
  expect(barOf("2026-11-29T09:00:00Z", "2026-11-29T10:00:00Z", domain, NOW, 500)).toBeNull();
  const running = barOf("2026-11-29T10:00:00Z", null, domain, NOW, 500);
  expect(running?.x).toBe(0);
  expect(running?.width).toBeCloseTo(placeOf(NOW, domain, 500));
  expect(barOf("2026-11-29T11:30:00Z", "2026-11-29T11:30:01Z", domain, NOW, 500)?.width).toBe(4);
});

test("marks of the axis are as many as have room", () => {
  const domain = domainOf("week", NOW);
  for (const width of [300, 900]) {
    const ticks = ticksOf(domain, width);
    expect(ticks.length).toBeGreaterThan(1);
    expect(ticks.length).toBeLessThanOrEqual(width / 64 + 1);
  }
});

function link(kind: ChainLink["kind"], facts: ChainLink["facts"] = {}): ChainLink {
  return { at: "2026-11-29T12:00:00Z", kind, what: kind, reasons: [], facts };
}

test("equal links in a row are one stop, good and bad ones are not", () => {
  const stops = stopsOf([
    link("landings"),
    link("landings"),
    link("verdict", { verdict: "promote" }),
    link("check", { check: "passed" }),
    link("check", { check: "failed" }),
  ]);
  expect(stops.map(titleOf)).toEqual(["2 × landed", "Verdict", "Check", "Check"]);
  expect(stops.map((stop) => stop.tone)).toEqual(["plain", "good", "good", "bad"]);
  expect(stops.map((stop) => stop.first)).toEqual([0, 2, 3, 4]);
});

test("of a chain that turns all the time the first and the newest stops are drawn", () => {
  const kinds = ["check", "rollout"] as const;
  const links = Array.from({ length: 60 }, (_, index) => link(kinds[index % 2] ?? "check"));
  const stops = stopsOf(links);
  expect(stops).toHaveLength(STOPS_MAX);
  expect(stops.at(-1)?.first).toBe(59);
});

test.each([1, 5, 16])("a picture of %i stops stays within its width", (stops) => {
  for (const width of [280, 900]) {
    const { places, height } = layoutOf(stops, width);
    expect(places).toHaveLength(stops);
    expect(places.every(({ x, y }) => x >= 54 && x <= width - 54 && y < height)).toBe(true);
  }
});

function decision(id: string, over: Partial<Decision> = {}): Decision {
  return {
    id,
    model: "flights",
    at: "2026-11-29T12:00:00Z",
    cause: "tick",
    kind: "held",
    reasons: [{ code: "nothing_due", text: "Nothing is due" }],
    actions: [],
    outcome: "done",
    about: ["job:flights-slot-x-a1"],
    facts: {},
    ...over,
  };
}

test("the log is filtered by words of reasons, causes and ids", () => {
  expect(matches(decision("a"), "")).toBe(true);
  expect(matches(decision("a"), "DUE slot-x")).toBe(true);
  expect(matches(decision("a"), "due missing")).toBe(false);
});

test("pages of the log overlap without doubling", () => {
  const all = joined([decision("c"), decision("b")], [decision("b"), decision("a")]);
  expect(all.map((each) => each.id)).toEqual(["c", "b", "a"]);
  expect(decisionsPath("flights", "acted", "x")).toBe(
    "/models/flights/decisions?limit=50&kind=acted&before=x",
  );
});
