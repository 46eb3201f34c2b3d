/** Numbers and instants as people read them; what is missing is a dash. */

export const MISSING = "–";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** An instant in the reader's time zone: today only its time, else with the day. */
export function instant(text: string | null | undefined, now = new Date()): string {
  if (!text) return MISSING;
  const at = new Date(text);
  const time = at.toLocaleTimeString("en-GB", { hour12: false });
  if (at.toDateString() === now.toDateString()) return time;
  return `${day(at, now)} ${time.slice(0, 5)}`;
}

/** The day of an instant, with its year when that is another one. */
export function day(at: Date, now = new Date()): string {
  const year = at.getFullYear() === now.getFullYear() ? {} : { year: "numeric" as const };
  return at.toLocaleDateString("en-GB", { day: "numeric", month: "short", ...year });
}

/** The whole instant in UTC, for titles. */
export function inUtc(text: string): string {
  return `${new Date(text).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** How long ago an instant was, in its largest unit. */
export function ago(text: string | null | undefined, now: number): string {
  if (!text) return MISSING;
  const seconds = (now - Date.parse(text)) / 1000;
  if (seconds < 0) return `in ${duration(-seconds)}`;
  return seconds < 5 ? "just now" : `${duration(seconds)} ago`;
}

/** A span of time in its largest unit, with the next one while that says something. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return MISSING;
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < MINUTE) return `${Math.round(seconds)} s`;
  if (seconds < HOUR) return pair(seconds, MINUTE, "min", 1, "s");
  if (seconds < 2 * DAY) return pair(seconds, HOUR, "h", MINUTE, "min");
  return `${Math.round(seconds / DAY)} d`;
}

function pair(seconds: number, unit: number, name: string, small: number, smaller: string): string {
  const whole = Math.floor(seconds / unit);
  const rest = Math.floor((seconds - whole * unit) / small);
  return rest > 0 && whole < 10 ? `${whole} ${name} ${rest} ${smaller}` : `${whole} ${name}`;
}

/** A number with a fixed count of digits behind the point. */
export function fixed(value: number | null | undefined, digits = 4): string {
  return value === null || value === undefined ? MISSING : minus(value.toFixed(digits));
}

/** A difference with its sign. */
export function signed(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined) return MISSING;
  return `${value > 0 ? "+" : ""}${minus(value.toFixed(digits))}`;
}

/** A share as per cent. */
export function percent(share: number | null | undefined, digits = 1): string {
  return share === null || share === undefined ? MISSING : `${(share * 100).toFixed(digits)} %`;
}

/** A count with thin spaces between thousands. */
export function count(value: number | null | undefined): string {
  if (value === null || value === undefined) return MISSING;
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");
}

/** A number as short as it can be said, for figures whose size is not known. */
export function figure(value: number): string {
  return minus(String(Number(value.toPrecision(4))));
}

/** A code such as `rolled_back` in words. */
export function words(code: string): string {
  return code.replaceAll("_", " ");
}

function minus(text: string): string {
  return text.replace("-", "\u2212");
}
