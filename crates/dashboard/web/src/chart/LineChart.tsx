/** Draws two lines, this period and the one before, with Chart.js. Only the parts of it that are used get into the bundle. */
import { CategoryScale, Chart, Filler, LinearScale, LineController, LineElement, PointElement, Tooltip, type ChartConfiguration } from "chart.js";
import { useEffect, useRef } from "react";
import { formatCompact, formatCount } from "../format/number";

Chart.register(LineController, LineElement, PointElement, CategoryScale, LinearScale, Filler, Tooltip);

export interface Line {
  axisLabels: string[];
  /** Which labels get a mark; null: as room allows. */
  marks: number[] | null;
  names: string[];
  current: number[];
  previous: (number | null)[];
  previousNames: (string | null)[];
  /** Whether the first and the last point are of a part of their interval only. */
  partFirst: boolean;
  partLast: boolean;
}

interface Props {
  line: Line;
  metricName: string;
  /** Draws anew when it changes. */
  theme: string;
  label: string;
}

function colours(element: HTMLElement) {
  const style = getComputedStyle(element);
  const of = (name: string) => style.getPropertyValue(name).trim();
  return {
    accent: of("--accent"),
    area: of("--accent-area"),
    previous: of("--chart-previous"),
    grid: of("--line-faint"),
    text: of("--ink-muted"),
    card: of("--tooltip"),
    cardText: of("--tooltip-ink"),
    ground: of("--card"),
    font: style.fontFamily,
  };
}

function configuration(line: Line, metricName: string, element: HTMLElement): ChartConfiguration<"line", (number | null)[], string> {
  const colour = colours(element);
  const last = line.current.length - 1;
  const font = { family: colour.font, size: 12 };
  return {
    type: "line",
    data: {
      labels: line.axisLabels,
      datasets: [
        {
          label: metricName,
          data: line.current,
          borderColor: colour.accent,
          borderWidth: 2,
          order: 1,
          segment: {
            borderDash: ({ p0DataIndex }) => ((line.partFirst && p0DataIndex === 0) || (line.partLast && p0DataIndex === last - 1) ? [4, 4] : undefined),
          },
        },
        { label: "Before", data: line.previous, borderColor: colour.previous, borderWidth: 1.5, order: 2 },
        // Apart from the line, as a line with dashes is filled piece by piece, and the seams show.
        { data: line.current, backgroundColor: colour.area, fill: "origin", borderWidth: 0, pointHoverRadius: 0, order: 3 },
      ],
    },
    options: {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      interaction: { mode: "index", intersect: false },
      layout: { padding: { top: 8 } },
      elements: {
        line: { tension: 0.25, cubicInterpolationMode: "monotone", borderJoinStyle: "round" },
        point: { radius: last < 1 ? 3 : 0, hoverRadius: 4, hitRadius: 8, backgroundColor: colour.accent, hoverBorderColor: colour.ground, hoverBorderWidth: 2 },
      },
      scales: {
        x: {
          grid: { display: false },
          border: { color: colour.grid },
          ticks: { color: colour.text, font, maxRotation: 0, autoSkipPadding: 28, maxTicksLimit: 12 },
          afterBuildTicks: (axis) => {
            if (line.marks) {
              axis.ticks = line.marks.map((value) => ({ value }));
            }
          },
        },
        y: {
          beginAtZero: true,
          suggestedMax: 4,
          grid: { color: colour.grid },
          border: { display: false },
          ticks: { color: colour.text, font, precision: 0, maxTicksLimit: 5, padding: 8, callback: (value) => formatCompact(Number(value)) },
        },
      },
      plugins: {
        tooltip: {
          backgroundColor: colour.card,
          titleColor: colour.cardText,
          bodyColor: colour.cardText,
          titleFont: { ...font, weight: 600 },
          bodyFont: { ...font, size: 13 },
          padding: 12,
          cornerRadius: 8,
          displayColors: false,
          caretSize: 0,
          filter: (item) => item.datasetIndex < 2,
          callbacks: {
            title: ([item]) => (item ? (line.names[item.dataIndex] ?? "") : ""),
            label: (item) => {
              const value = formatCount(item.parsed.y ?? 0);
              return item.datasetIndex === 0 ? `${metricName}: ${value}` : `Before: ${value} (${line.previousNames[item.dataIndex] ?? ""})`;
            },
          },
        },
      },
    },
  };
}

export default function LineChart({ line, metricName, theme, label }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const chart = useRef<Chart<"line", (number | null)[], string> | null>(null);

  useEffect(() => {
    const element = canvas.current;
    if (!element) {
      return;
    }
    const next = configuration(line, metricName, element);
    if (chart.current) {
      // Updated in place: a tooltip that is open stays so while figures come in.
      chart.current.data = next.data;
      chart.current.options = next.options ?? {};
      chart.current.update("none");
    } else {
      chart.current = new Chart(element, next);
    }
  }, [line, metricName, theme]);

  useEffect(
    () => () => {
      chart.current?.destroy();
      chart.current = null;
    },
    [],
  );

  return (
    <div className="chart-canvas">
      <canvas ref={canvas} role="img" aria-label={label} />
    </div>
  );
}
