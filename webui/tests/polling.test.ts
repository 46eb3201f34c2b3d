import { expect, test } from "vitest";
import { Poller, pauseSeconds, type Surroundings } from "../src/api/polling";

/** A tab whose time passes when the test says so. */
class Tab implements Surroundings {
  shown = true;
  waits: number[] = [];
  private due: (() => void) | undefined;
  private watchers: (() => void)[] = [];
  hidden = () => !this.shown;
  onVisibility = (listener: () => void) => {
    this.watchers.push(listener);
    return () => {
      this.watchers = [];
    };
  };
  after = (seconds: number, call: () => void) => {
    this.waits.push(seconds);
    this.due = call;
    return () => {
      this.due = undefined;
    };
  };
  async pass() {
    const call = this.due;
    this.due = undefined;
    call?.();
    await settled();
  }
  async show(shown: boolean) {
    this.shown = shown;
    for (const watcher of this.watchers) watcher();
    await settled();
  }
}

const settled = async () => {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
};

test("failures are asked about later and later, within a minute", () => {
  expect([0, 1, 2, 3, 4, 9].map((failures) => pauseSeconds(5, failures))).toEqual([
    5, 10, 20, 40, 60, 60,
  ]);
  expect(pauseSeconds(300, 2)).toBe(300);
});

test("an answer brings the usual pause back", async () => {
  const tab = new Tab();
  const answers = [false, false, true];
  const poller = new Poller(async () => answers.shift() ?? true, 5, tab);
  await poller.now();
  await tab.pass();
  await tab.pass();
  expect(tab.waits).toEqual([10, 20, 5]);
});

test("a hidden tab asks nothing, and asks at once when it is seen", async () => {
  const tab = new Tab();
  let asked = 0;
  const poller = new Poller(
    async () => {
      asked += 1;
      return true;
    },
    5,
    tab,
  );
  await poller.now();
  await tab.show(false);
  await tab.pass();
  await tab.pass();
  expect(asked).toBe(1);
  await tab.show(true);
  expect(asked).toBe(2);
  poller.stop();
  await tab.show(true);
  await tab.pass();
  expect(asked).toBe(2);
});
