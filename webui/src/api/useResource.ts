/** A path of the API as state of a component: fetched, kept fresh, and remembered. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { useApi } from "./context";
import { browser, Poller } from "./polling";
import { asProblem, type Problem } from "./problem";

export interface Resource<T> {
  /** The last content, also while it is asked anew; undefined until the first answer. */
  readonly content: T | undefined;
  /** Why the last question failed; undefined when it did not. */
  readonly problem: Problem | undefined;
  /** Of the last answer, in milliseconds. */
  readonly answeredAt: number | undefined;
  readonly refresh: () => void;
}

interface Remembered {
  readonly text: string;
  readonly content: unknown;
  readonly answeredAt: number;
}

const remembered = new Map<string, Remembered>();
const REMEMBERED_MAX = 40;

/** Forget what was read with another key. */
export function forgetAll(): void {
  remembered.clear();
}

/** Read `path` now and every so many seconds; null reads nothing. */
export function useResource<T>(path: string | null, everySeconds: number): Resource<T> {
  const { api, key, refused } = useApi();
  const poller = useRef<Poller | undefined>(undefined);
  const [, redraw] = useState(0);
  const problem = useRef<Problem | undefined>(undefined);

  useEffect(() => {
    problem.current = undefined;
    if (path === null || !api || !key) return;
    const ended = new AbortController();
    const ask = async () => {
      try {
        keep(path, await api.get<T>(path, ended.signal));
        problem.current = undefined;
      } catch (error) {
        if (ended.signal.aborted) return true;
        problem.current = asProblem(error);
        if (problem.current.status === 401) refused();
      }
      redraw((turn) => turn + 1);
      return problem.current === undefined;
    };
    poller.current = new Poller(ask, everySeconds, browser);
    void poller.current.now();
    return () => {
      ended.abort();
      poller.current?.stop();
    };
  }, [path, api, key, everySeconds, refused]);

  const refresh = useCallback(() => void poller.current?.now(), []);
  const known = path === null ? undefined : remembered.get(path);
  return {
    content: known?.content as T | undefined,
    problem: problem.current,
    answeredAt: known?.answeredAt,
    refresh,
  };
}

function keep(path: string, answer: { text: string; content: unknown }): void {
  const before = remembered.get(path);
  // The same text keeps the same objects, so that nothing is drawn anew for nothing.
  const content = before?.text === answer.text ? before.content : answer.content;
  remembered.delete(path);
  remembered.set(path, { text: answer.text, content, answeredAt: Date.now() });
  const [oldest] = remembered.keys();
  if (remembered.size > REMEMBERED_MAX && oldest !== undefined) remembered.delete(oldest);
}
