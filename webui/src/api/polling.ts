/** When to ask again: rarely when nothing moves, later after each failure, never while hidden. */

export const FAILED_SECONDS_MAX = 60;

/** Seconds until the next question after so many failures in a row. */
export function pauseSeconds(everySeconds: number, failures: number): number {
  if (failures === 0) return everySeconds;
  return Math.max(everySeconds, Math.min(FAILED_SECONDS_MAX, everySeconds * 2 ** failures));
}

export interface Surroundings {
  hidden(): boolean;
  onVisibility(listener: () => void): () => void;
  after(seconds: number, call: () => void): () => void;
}

/** Asks `ask` now and again until stopped; a hidden page asks nothing and asks at once when seen. */
export class Poller {
  private failures = 0;
  private stopped = false;
  private asking = false;
  private forget: () => void = () => {};
  private readonly unwatch: () => void;

  constructor(
    private readonly ask: () => Promise<boolean>,
    private readonly everySeconds: number,
    private readonly around: Surroundings,
  ) {
    this.unwatch = around.onVisibility(() => {
      if (!around.hidden()) void this.now();
    });
  }

  /** Ask at once, unless a question is under way. */
  async now(): Promise<void> {
    if (this.asking || this.stopped) return;
    this.forget();
    this.asking = true;
    const answered = await this.ask();
    this.asking = false;
    this.failures = answered ? 0 : this.failures + 1;
    if (!this.stopped) this.plan();
  }

  stop(): void {
    this.stopped = true;
    this.forget();
    this.unwatch();
  }

  private plan(): void {
    if (this.around.hidden()) return;
    const seconds = pauseSeconds(this.everySeconds, this.failures);
    this.forget = this.around.after(seconds, () => {
      // Hidden meanwhile: it is asked when the page is seen again.
      if (!this.around.hidden()) void this.now();
    });
  }
}

/** The browser's tab. */
export const browser: Surroundings = {
  hidden: () => document.hidden,
  onVisibility: (listener) => {
    document.addEventListener("visibilitychange", listener);
    return () => document.removeEventListener("visibilitychange", listener);
  },
  after: (seconds, call) => {
    const timer = window.setTimeout(call, seconds * 1000);
    return () => window.clearTimeout(timer);
  },
};
