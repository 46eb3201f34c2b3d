/** Draws the metric over versions with uPlot: points, the intervals as bars, refused ones crossed. */

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { fixed } from "../../format";
import { onThemeChange } from "../../theme";
import { type Point, rangeOf } from "./metric";

const HEIGHT = 260;
const CROSS = 4.5;

/** Draw into `place` until the function that it gives is called. */
export function drawMetric(
  place: HTMLElement,
  points: readonly Point[],
  onPoint: (point: Point | undefined) => void,
): () => void {
  let chart = drawn(place, points, onPoint);
  const unwatch = onLookChange(place, () => {
    chart.destroy();
    chart = drawn(place, points, onPoint);
  });
  return () => {
    unwatch();
    chart.destroy();
  };
}

function drawn(
  place: HTMLElement,
  points: readonly Point[],
  onPoint: (point: Point | undefined) => void,
): uPlot {
  const colour = colours(place);
  const told: uPlot.Plugin = {
    hooks: {
      draw: (chart) => drawMarks(chart, points, colour),
      setCursor: (chart) => onPoint(points[chart.cursor.idx ?? -1]),
    },
  };
  const data: uPlot.AlignedData = [
    points.map((_, index) => index),
    points.map((point) => (point.refused ? null : point.value)),
    points.map((point) => point.value),
  ];
  return new uPlot(options(place.clientWidth, points, colour, told), data, place);
}

function options(
  width: number,
  points: readonly Point[],
  colour: Colours,
  told: uPlot.Plugin,
): uPlot.Options {
  const font = `12px ${colour.font}`;
  const axis = { stroke: colour.ink2, font, ticks: { show: false } };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    scales: {
      x: { time: false, range: () => [-0.5, Math.max(points.length - 0.5, 0.5)] },
      y: { range: () => rangeOf(points) },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        splits: () => points.map((_, index) => index),
        values: (_, splits) => labels(points, splits, width),
      },
      {
        ...axis,
        size: 64,
        grid: { stroke: colour.line, width: 1 },
        values: (_, splits) => splits.map((value) => fixed(value, digitsOf(points))),
      },
    ],
    series: [
      {},
      { stroke: colour.sun, width: 2, spanGaps: true, points: { show: false } },
      { paths: () => null, points: { show: false } },
    ],
    plugins: [told],
  };
}

/** So many labels as there is room for, always that of the newest. */
function labels(points: readonly Point[], splits: readonly number[], width: number): string[] {
  const every = Math.ceil((points.length * 56) / Math.max(width - 80, 1));
  return splits.map((index) =>
    (points.length - 1 - index) % every === 0 ? (points[index]?.label ?? "") : "",
  );
}

function digitsOf(points: readonly Point[]): number {
  const [low, high] = rangeOf(points);
  return Math.max(0, Math.min(5, 1 - Math.floor(Math.log10((high - low) / 4))));
}

function drawMarks(chart: uPlot, points: readonly Point[], colour: Colours): void {
  const { ctx } = chart;
  const unit = devicePixelRatio;
  ctx.save();
  points.forEach((point, index) => {
    const x = chart.valToPos(index, "x", true);
    const at = (value: number) => chart.valToPos(value, "y", true);
    ctx.lineWidth = 2 * unit;
    ctx.strokeStyle = point.refused ? colour.bad : colour.sun;
    if (point.low !== null && point.high !== null) bar(ctx, x, at(point.low), at(point.high), unit);
    if (point.champion !== null) hollow(ctx, x, at(point.champion), unit, colour);
    ctx.strokeStyle = point.refused ? colour.bad : colour.sun;
    if (point.refused) cross(ctx, x, at(point.value), unit);
    else full(ctx, x, at(point.value), unit, colour);
  });
  ctx.restore();
}

function bar(ctx: CanvasRenderingContext2D, x: number, low: number, high: number, unit: number) {
  ctx.beginPath();
  ctx.globalAlpha = 0.55;
  ctx.moveTo(x, low);
  ctx.lineTo(x, high);
  for (const y of [low, high]) {
    ctx.moveTo(x - 5 * unit, y);
    ctx.lineTo(x + 5 * unit, y);
  }
  ctx.stroke();
  ctx.globalAlpha = 1;
}

function hollow(
  ctx: CanvasRenderingContext2D,
  x: number,
  y: number,
  unit: number,
  colour: Colours,
): void {
  ctx.strokeStyle = colour.ink2;
  ctx.lineWidth = 1.5 * unit;
  ctx.beginPath();
  ctx.moveTo(x - 9 * unit, y);
  ctx.lineTo(x + 9 * unit, y);
  ctx.stroke();
  ctx.lineWidth = 2 * unit;
}

function cross(ctx: CanvasRenderingContext2D, x: number, y: number, unit: number): void {
  const arm = CROSS * unit;
  ctx.beginPath();
  ctx.moveTo(x - arm, y - arm);
  ctx.lineTo(x + arm, y + arm);
  ctx.moveTo(x + arm, y - arm);
  ctx.lineTo(x - arm, y + arm);
  ctx.stroke();
}

function full(
  ctx: CanvasRenderingContext2D,
  x: number,
  y: number,
  unit: number,
  colour: Colours,
): void {
  ctx.beginPath();
  ctx.arc(x, y, 5 * unit, 0, 2 * Math.PI);
  ctx.fillStyle = colour.sun;
  ctx.fill();
  ctx.strokeStyle = colour.surface;
  ctx.stroke();
}

interface Colours {
  readonly sun: string;
  readonly bad: string;
  readonly ink2: string;
  readonly line: string;
  readonly surface: string;
  readonly font: string;
}

/** The colours of the theme as a canvas takes them: a token itself would be read as `light-dark(…)`. */
function colours(place: HTMLElement): Colours {
  const worn = place.appendChild(document.createElement("span"));
  const style = getComputedStyle(worn);
  const of = (name: string) => {
    worn.style.color = `var(--${name})`;
    return style.color;
  };
  const found = {
    sun: of("sun"),
    bad: of("bad"),
    ink2: of("ink-2"),
    line: of("line"),
    surface: of("surface"),
    font: style.fontFamily,
  };
  worn.remove();
  return found;
}

/** Call back when what is drawn must be drawn anew: another theme, or another width. */
function onLookChange(place: HTMLElement, redraw: () => void): () => void {
  const unwatch = onThemeChange(redraw);
  let width = place.clientWidth;
  const sizes = new ResizeObserver(() => {
    if (place.clientWidth === width) return;
    width = place.clientWidth;
    redraw();
  });
  sizes.observe(place);
  return () => {
    unwatch();
    sizes.disconnect();
  };
}
