/** The chain as a picture; the list beside it is what it says in words. */

import type { Chain } from "../../api/types";
import { useWidth } from "../../components/useWidth";
import { instant } from "../../format";
import { layoutOf, type Place, type Stop, stopsOf, titleOf } from "./chain";

const RADIUS = 15;

/** The sign in a stop, within a field of 24 by 24. */
const SIGNS: Record<Stop["kind"], string> = {
  landings: "M12 5v10M8 11l4 4 4-4M6 19h12",
  blob: "M8 5h6l3 3v11H8zM14 5v3h3",
  order: "M7 19V5l10 4-10 4",
  manifest: "M7 7h10M7 12h10M7 17h6",
  training: "M12 6a6 6 0 106 6M12 6l3-2M12 6l3 2",
  job: "M8 6l9 6-9 6z",
  verdict: "M7 12.5l3.5 3.5L17 8",
  check: "M6 13h3l2-6 3 10 2-4h2",
  rollout: "M6 18l5-5 3 3 5-8M15 8h4v4",
  traffic: "M5 9h13M15 6l3 3-3 3M19 15H6M9 12l-3 3 3 3",
  prediction: "M12 5v2M12 17v2M5 12h2M17 12h2M9 12a3 3 0 106 0 3 3 0 00-6 0z",
  decision: "M12 6v7M12 17v1",
};

export function ChainPicture({ chain }: { chain: Chain }) {
  const [place, width] = useWidth();
  const stops = stopsOf(chain.links);
  const layout = layoutOf(stops.length, Math.max(width, 108));
  const spoken = stops.map(titleOf).join(", then ");
  return (
    <div class="chain-picture" ref={place}>
      {width > 0 && (
        <svg
          width={layout.width}
          height={layout.height}
          viewBox={`0 0 ${layout.width} ${layout.height}`}
          role="img"
          aria-label={`The chain behind ${chain.what} ${chain.asked}: ${spoken}. The list below tells each link.`}
        >
          <path class="chain-line" d={layout.line} />
          {stops.map((stop, index) => (
            <StopMark key={stop.first} stop={stop} place={layout.places[index] ?? { x: 0, y: 0 }} />
          ))}
        </svg>
      )}
    </div>
  );
}

function StopMark({ stop, place }: { stop: Stop; place: Place }) {
  const show = () => {
    const entry = document.getElementById(`link-${stop.first}`);
    entry?.scrollIntoView({ block: "center" });
    entry?.focus({ preventScroll: true });
  };
  return (
    // The list is what keyboards walk through; a click here is a short cut of the mouse.
    // biome-ignore lint/a11y/noStaticElementInteractions: the picture is one image to readers
    <g class={`stop ${stop.tone}`} onClick={show}>
      <circle cx={place.x} cy={place.y} r={RADIUS} />
      <path d={SIGNS[stop.kind]} transform={`translate(${place.x - 12} ${place.y - 12})`} />
      <text class="stop-title" x={place.x} y={place.y + RADIUS + 17}>
        {titleOf(stop)}
      </text>
      <text class="stop-time" x={place.x} y={place.y + RADIUS + 33}>
        {instant(stop.at)}
      </text>
    </g>
  );
}
