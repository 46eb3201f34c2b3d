/** The chart of holdout metrics; its library comes when it is needed. The table tells the same. */

import { useEffect, useRef } from "preact/hooks";
import type { Point } from "./metric";

interface MetricChartProps {
  points: readonly Point[];
  label: string;
  onPoint: (point: Point | undefined) => void;
}

export function MetricChart({ points, label, onPoint }: MetricChartProps) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let end = () => {};
    let gone = false;
    import("./drawMetric").then(({ drawMetric }) => {
      if (gone || !place.current) return;
      end = drawMetric(place.current, points, onPoint);
    });
    return () => {
      gone = true;
      end();
    };
  }, [points, onPoint]);
  return <div class="chart" ref={place} role="img" aria-label={label} />;
}
