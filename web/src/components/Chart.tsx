import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { number } from "../state/format.ts";

interface Props {
  times: number[];
  values: (number | null)[];
  label: string; // the chart in words
  unit: string;
  colour: string; // name of a CSS variable
  digits: number;
  min?: number;
  max?: number;
  mark?: number; // a limit, drawn as a dashed line
  now: number;
}

const HEIGHT = 104;
const SYNC = "worker-history";

/** One series over the last hour. Colours come from the theme; it is drawn again when that changes. */
export function Chart({ times, values, label, unit, colour, digits, min, max, mark, now }: Props) {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const data: uPlot.AlignedData = [times, values];
  const latest = useRef(data);
  const range = useRef<[number, number]>([now - 3600, now]);
  latest.current = data;
  range.current = [now - 3600, now];

  useEffect(() => {
    const element = holder.current;
    if (!element) return;
    const build = () => {
      plot.current?.destroy();
      const css = getComputedStyle(document.documentElement);
      const ink = css.getPropertyValue("--muted").trim();
      const line = css.getPropertyValue("--line").trim();
      const stroke = css.getPropertyValue(colour).trim();
      const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
      plot.current = new uPlot(
        {
          width: Math.max(200, element.clientWidth),
          height: HEIGHT,
          legend: { show: false },
          cursor: { sync: { key: SYNC }, drag: { x: false, y: false }, points: { size: 6 } },
          scales: {
            x: { time: true, range: () => range.current },
            y: { range: (_u, low, high) => [min ?? low, Math.max(max ?? 0, high ?? 1, (min ?? 0) + 0.001) * (max == null ? 1.08 : 1)] },
          },
          axes: [
            { ...axis, space: 70, size: 22, values: (_u, splits) => splits.map(clockMinutes) },
            { ...axis, size: 52, space: 26, values: (_u, splits) => splits.map((v) => number(v, digits)) },
          ],
          series: [{}, { stroke, width: 1.5, fill: `${stroke}22`, spanGaps: false, points: { size: 4 } }],
          hooks: {
            draw: mark == null ? [] : [(u) => drawMark(u, mark, ink)],
            setCursor: [(u) => showValue(u, element, unit, digits)],
          },
        },
        latest.current,
        element,
      );
    };
    build();
    const resize = new ResizeObserver(() => plot.current?.setSize({ width: Math.max(200, element.clientWidth), height: HEIGHT }));
    resize.observe(element);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", build);
    addEventListener("paramedic-theme", build);
    return () => {
      resize.disconnect();
      scheme.removeEventListener("change", build);
      removeEventListener("paramedic-theme", build);
      plot.current?.destroy();
      plot.current = null;
    };
  }, []);
  useEffect(() => plot.current?.setData(data), [times, values]);
  return <div class="chart" ref={holder} role="img" aria-label={label} />;
}

function clockMinutes(seconds: number): string {
  const d = new Date(seconds * 1000);
  return `${String(d.getHours()).padStart(2, "0")}:${String(d.getMinutes()).padStart(2, "0")}`;
}

function drawMark(u: uPlot, at: number, ink: string): void {
  const y = Math.round(u.valToPos(at, "y", true));
  u.ctx.save();
  u.ctx.strokeStyle = ink;
  u.ctx.setLineDash([4, 4]);
  u.ctx.beginPath();
  u.ctx.moveTo(u.bbox.left, y);
  u.ctx.lineTo(u.bbox.left + u.bbox.width, y);
  u.ctx.stroke();
  u.ctx.restore();
}

/** The value under the pointer, as text in the corner of the chart. */
function showValue(u: uPlot, element: HTMLElement, unit: string, digits: number): void {
  const i = u.cursor.idx;
  const t = i == null ? null : u.data[0][i];
  const v = i == null ? null : u.data[1]?.[i];
  if (t == null) delete element.dataset.value;
  else element.dataset.value = `${clockMinutes(t)}  ${v == null ? "no data" : `${number(v, digits)}${unit ? ` ${unit}` : ""}`}`;
}
