/** How wide a place is, for pictures that are drawn to fit it. */

import { useLayoutEffect, useRef, useState } from "preact/hooks";

/** The reference to put on the place, and its width; 0 until it stands in the page. */
export function useWidth() {
  const place = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  // Measured before the first painting: what stands below the picture does not move.
  useLayoutEffect(() => {
    const element = place.current;
    if (!element) return;
    const measure = () => setWidth(element.clientWidth);
    measure();
    const sizes = new ResizeObserver(measure);
    sizes.observe(element);
    return () => sizes.disconnect();
  }, []);
  return [place, width] as const;
}
