/** From answers to what is drawn: labels, marks, and the period before laid point by point under this one. */
import type { Point } from "../api/types";
import { formatCount } from "../format/number";
import { axisLabel, pointLabel } from "../format/time";
import { axisMarks, type Interval, type Span } from "../state/period";
import type { Line } from "./LineChart";

export interface Series {
  points: Point[];
  span: Span;
  interval: Interval;
  zone: string;
  /** When it was asked for. */
  at: number;
}

const dayMs = 86_400_000;
const lengthMs: Record<Interval, number> = { minute: 60_000, hour: 3_600_000, day: dayMs };

/**
 * The points of the period before, one for each of this one's. They are matched from the end, where "now" is: over a change of
 * the clocks one of the two may have a point more.
 */
export function alignPrevious<T>(current: unknown[], previous: T[]): (T | null)[] {
  const offset = previous.length - current.length;
  return current.map((_, index) => previous[index + offset] ?? null);
}

export function lineOf(series: Series, previous: Series | undefined): Line {
  const { interval, zone, span, at } = series;
  const starts = series.points.map((point) => Date.parse(point.start));
  const marks = axisMarks(starts, interval, zone);
  const before = alignPrevious(series.points, previous?.points ?? []);
  const first = starts[0] ?? span.from;
  const last = starts.at(-1) ?? span.from;
  return {
    axisLabels: starts.map((start) => axisLabel(start, interval, zone, marks !== null)),
    marks,
    names: starts.map((start) => pointLabel(start, interval, zone)),
    current: series.points.map((point) => point.value),
    previous: before.map((point) => point?.value ?? null),
    previousNames: before.map((point) => (point ? pointLabel(Date.parse(point.start), interval, zone) : null)),
    partFirst: first < span.from,
    partLast: last + lengthMs[interval] > Math.min(span.to, at),
  };
}

/** The chart in a sentence, for those who don't see it. */
export function sentenceOf(line: Line, metricName: string, interval: Interval, periodName: string): string {
  const head = `${metricName} by ${interval} in ${periodName}`;
  if (line.current.length === 0 || line.current.every((value) => value === 0)) {
    return `${head}: none.`;
  }
  const most = Math.max(...line.current);
  const least = Math.min(...line.current);
  const mostAt = line.names[line.current.indexOf(most)] ?? "";
  const leastAt = line.names[line.current.indexOf(least)] ?? "";
  return `${head}: at most ${formatCount(most)} (${mostAt}), at least ${formatCount(least)} (${leastAt}). The table has every value.`;
}
