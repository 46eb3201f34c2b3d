/** Talks HTTP to the function app: the key goes in a header, never in an address. */

import { functionKey } from "../session";
import { Problem, problemOf } from "./problem";

const TIMEOUT_MS = 30_000;

export interface Answer<T> {
  readonly content: T;
  /** The body as it came: the same text is the same content. */
  readonly text: string;
  readonly seconds: number;
}

/** One function app. Every call is one request; what is refused raises a Problem. */
export class Api {
  constructor(private readonly origin: string) {}

  /**
   * Read a path. The browser's cache holds the last answer and asks whether it still holds
   * (If-None-Match): that works across origins, where a page cannot see an ETag itself.
   */
  get<T>(path: string, signal?: AbortSignal): Promise<Answer<T>> {
    return this.ask(path, { method: "GET", cache: "no-cache" }, functionKey(), signal);
  }

  /** Send a body; `key` opens what is not open to callers. */
  post<T>(
    path: string,
    body: unknown,
    { key = functionKey(), signal }: { key?: string; signal?: AbortSignal } = {},
  ): Promise<Answer<T>> {
    const content = { "Content-Type": "application/json" };
    const init = { method: "POST", body: JSON.stringify(body), headers: content };
    return this.ask(path, init, key, signal);
  }

  private async ask<T>(
    path: string,
    init: RequestInit,
    key: string,
    signal?: AbortSignal,
  ): Promise<Answer<T>> {
    const began = performance.now();
    const headers = { ...init.headers, "x-functions-key": key, Accept: "application/json" };
    const limit = AbortSignal.timeout(TIMEOUT_MS);
    const either = signal ? AbortSignal.any([signal, limit]) : limit;
    let status: number;
    let text: string;
    try {
      const options: RequestInit = { credentials: "omit", ...init, headers, signal: either };
      const response = await fetch(`${this.origin}/api${path}`, options);
      status = response.status;
      text = await response.text();
    } catch (error) {
      if (signal?.aborted) throw error;
      throw this.unreachable(limit.aborted);
    }
    if (status >= 400) throw problemOf(status, text);
    return { content: decoded<T>(text), text, seconds: (performance.now() - began) / 1000 };
  }

  private unreachable(late: boolean): Problem {
    const place = this.origin || "the address of this page";
    if (late) return new Problem(0, "No answer in time", `${place} took more than 30 s.`);
    const detail = `Nobody answers at ${place}, or it does not allow this page (CORS).`;
    return new Problem(0, "The API cannot be reached", detail);
  }
}

function decoded<T>(text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new Problem(
      0,
      "That is not Noon's API",
      "The answer is no JSON: is the address in config.json that of the function app?",
    );
  }
}
