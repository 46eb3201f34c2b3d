/** The head of a page: its title, what it is about, and how fresh it is. */

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Resource } from "../api/useResource";
import { duration } from "../format";

interface HeadProps {
  title: string;
  about?: ComponentChildren;
  resource?: Resource<unknown>;
  children?: ComponentChildren;
}

export function Head({ title, about, resource, children }: HeadProps) {
  return (
    <header class="head">
      <div class="head-words">
        <h1 tabIndex={-1}>{title}</h1>
        <p class="muted">{about}</p>
      </div>
      <div class="head-side">
        {children}
        {resource && <Freshness resource={resource} />}
      </div>
    </header>
  );
}

function Freshness({ resource }: { resource: Resource<unknown> }) {
  const now = useNow(1);
  const { answeredAt, problem } = resource;
  const seconds = answeredAt === undefined ? undefined : Math.max(0, (now - answeredAt) / 1000);
  const text = seconds === undefined ? "Loading" : `Read ${wholeSeconds(seconds)} ago`;
  return (
    <button
      type="button"
      class={problem ? "fresh stale" : "fresh"}
      onClick={resource.refresh}
      title="Read it again now"
    >
      <span class="dot" aria-hidden="true" />
      {problem ? "Not up to date" : text}
    </button>
  );
}

/** The present instant in milliseconds, renewed every so many seconds while the page is seen. */
export function useNow(everySeconds: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = window.setInterval(() => {
      if (!document.hidden) setNow(Date.now());
    }, everySeconds * 1000);
    return () => window.clearInterval(timer);
  }, [everySeconds]);
  return now;
}

function wholeSeconds(seconds: number): string {
  return seconds < 60 ? `${Math.floor(seconds)} s` : duration(seconds);
}
