/** Moves between pages without loading them anew, and keeps focus and history as browsers do. */

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { parseRoute, type Route } from "./routing";

const MOVED = "noon-moved";

/** Go to an address of this page. */
export function go(address: string, { replace = false } = {}): void {
  if (replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  window.dispatchEvent(new Event(MOVED));
}

/** The address as it is now. */
export function useRoute(): Route {
  const [route, setRoute] = useState(read);
  useEffect(() => {
    const moved = () => setRoute(read());
    window.addEventListener("popstate", moved);
    window.addEventListener(MOVED, moved);
    return () => {
      window.removeEventListener("popstate", moved);
      window.removeEventListener(MOVED, moved);
    };
  }, []);
  return route;
}

function read(): Route {
  return parseRoute(location.pathname, location.search);
}

interface LinkProps {
  href: string;
  children: ComponentChildren;
  class?: string;
  current?: boolean;
  label?: string;
}

/** A link within the page; with a modifier key the browser does what it always does. */
export function Link({ href, children, current = false, label, ...rest }: LinkProps) {
  const follow = (event: MouseEvent) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    go(href);
  };
  return (
    <a
      href={href}
      onClick={follow}
      aria-current={current ? "page" : undefined}
      aria-label={label}
      {...rest}
    >
      {children}
    </a>
  );
}
