/** What stands where content is missing: it loads, there is none, or it could not be read. */

import type { ComponentChildren } from "preact";
import type { Problem } from "../api/problem";

/** Bars of the size that the content will have, so that nothing moves when it comes. */
export function Skeleton({ lines = 3, tall = false }: { lines?: number; tall?: boolean }) {
  return (
    <div class={tall ? "skeleton tall" : "skeleton"} role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, line) => (
        <span key={line} />
      ))}
    </div>
  );
}

/** Nothing is there, and what makes something be there. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children && <div class="muted">{children}</div>}
    </div>
  );
}

/** What went wrong, in the API's words, and a way to try again. */
export function Failure({ problem, onRetry }: { problem: Problem; onRetry?: () => void }) {
  return (
    <div class="notice bad" role="alert">
      <p>
        <strong>{problem.title}</strong>
      </p>
      {problem.detail && <p>{problem.detail}</p>}
      {onRetry && (
        <button type="button" class="button small" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}
