import { expect, test } from "vitest";
import { ago, count, duration, figure, fixed, instant, percent, signed } from "../src/format";

test.each([
  [null, "–"],
  [0.082, "82 ms"],
  [12.4, "12 s"],
  [377, "6 min 17 s"],
  [1800, "30 min"],
  [7260, "2 h 1 min"],
  [3 * 86_400, "3 d"],
])("a span of %s seconds is %s", (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

test("what is missing is a dash, never a zero", () => {
  expect([fixed(null), signed(undefined), percent(null), count(null), instant(null)]).toEqual(
    Array(5).fill("–"),
  );
});

test("differences carry their sign, and a minus is as wide as a plus", () => {
  expect(signed(0.0107)).toBe("+0.0107");
  expect(signed(-0.0131)).toBe("\u22120.0131");
  expect(signed(0)).toBe("0.0000");
});

test("thousands are apart", () => {
  expect(count(1234567)).toBe("1\u202f234\u202f567");
  expect(figure(0.000123456)).toBe("0.0001235");
});

test("an instant to come is told as such", () => {
  const now = Date.parse("2026-11-29T12:00:00Z");
  expect(ago("2026-11-29T12:10:00Z", now)).toBe("in 10 min");
  expect(ago("2026-11-29T11:59:58Z", now)).toBe("just now");
  expect(ago("2026-11-27T12:00:00Z", now)).toBe("2 d ago");
});

test("an instant of today has no day, one of another year has its year", () => {
  const now = new Date(2026, 10, 29, 18, 0, 0);
  expect(instant(new Date(2026, 10, 29, 9, 5, 6).toISOString(), now)).toBe("09:05:06");
  expect(instant(new Date(2025, 0, 2, 9, 5).toISOString(), now)).toBe("2 Jan 2025 09:05");
});
