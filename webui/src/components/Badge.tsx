/** A state in one word, with a colour that repeats what the word says. */

export type Tone = "good" | "bad" | "warn" | "busy" | "plain";

const TONES: Record<string, Tone> = {
  passed: "good",
  succeeded: "good",
  completed: "good",
  acted: "good",
  promoted: "good",
  promote: "good",
  champion: "good",
  run: "good",
  failed: "bad",
  rolled_back: "bad",
  refused: "bad",
  halted: "bad",
  halt: "bad",
  retained: "warn",
  retain: "warn",
  aborted: "warn",
  canceled: "warn",
  skipped: "warn",
  caught_up: "warn",
  missed: "warn",
  hold: "warn",
  no_data: "warn",
  paused: "warn",
  pending: "busy",
  provisioning: "busy",
  smoke: "busy",
  canary: "busy",
  challenger: "busy",
  running: "busy",
  planned: "busy",
  waiting: "busy",
};

/** The colour of a word of the API; one that says neither good nor bad has none. */
export function toneOf(code: string): Tone {
  return TONES[code.toLowerCase()] ?? "plain";
}

export function Badge({ code, tone = toneOf(code) }: { code: string; tone?: Tone }) {
  return <span class={`badge ${tone}`}>{code.replaceAll("_", " ")}</span>;
}
