/** The first entries of a list, and all of them when somebody wants to see them. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { count } from "../format";

interface MoreProps<T> {
  all: readonly T[];
  first: number;
  children: (shown: readonly T[]) => ComponentChildren;
}

export function More<T>({ all, first, children }: MoreProps<T>) {
  const [open, setOpen] = useState(false);
  return (
    <>
      {children(open ? all : all.slice(0, first))}
      {all.length > first && (
        <p class="log-more">
          <button type="button" class="button small" onClick={() => setOpen(!open)}>
            {open ? "Fewer" : `All ${count(all.length)}`}
          </button>
        </p>
      )}
    </>
  );
}
