/**
 * Periods: which stretch of time is looked at, which one it is compared with, and how finely a chart cuts it.
 *
 * Bounds are computed here and not on the server, so that the period and the one before it are exactly as long.
 */
import { wallAt } from "./zone";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

export const relativePeriods = ["1h", "24h", "7d", "30d"] as const;
export type RelativePeriod = (typeof relativePeriods)[number];

export type Period = { kind: RelativePeriod } | { kind: "custom"; from: number; to: number };

/** Half-open: `from` belongs to it, `to` doesn't. Milliseconds since 1970. */
export interface Span {
  from: number;
  to: number;
}

export type Interval = "minute" | "hour" | "day";

const lengthMs: Record<RelativePeriod, number> = { "1h": hourMs, "24h": dayMs, "7d": 7 * dayMs, "30d": 30 * dayMs };

/** No chart or comparison beyond this, lest a slip of the keyboard asks the service for ten thousand days. */
const longestCustomMs = 3660 * dayMs;

/** The service takes times of four-digit years. */
const earliest = Date.parse("0001-01-01T00:00:00Z");
const latest = Date.parse("9999-12-31T23:59:59.999Z");

/** Why the span can't be looked at, or null where it can. */
export function faultOf({ from, to }: Span): string | null {
  if (!(from < to)) {
    return "The start has to be before the end.";
  }
  if (from < earliest || to > latest) {
    return "The years 1 to 9999 are all there are.";
  }
  return to - from > longestCustomMs ? "Ten years are the most." : null;
}

export function isRelative(kind: string): kind is RelativePeriod {
  return (relativePeriods as readonly string[]).includes(kind);
}

/**
 * The span that a period means at `now`. A relative one ends with the minute that is running, which keeps its bounds still
 * for that long, and minutes whole.
 */
export function spanOf(period: Period, now: number): Span {
  if (period.kind === "custom") {
    return { from: period.from, to: period.to };
  }
  const to = (Math.floor(now / minuteMs) + 1) * minuteMs;
  return { from: to - lengthMs[period.kind], to };
}

/** The span of the same length that ends where this one begins. */
export function spanBefore(span: Span): Span {
  return { from: span.from - (span.to - span.from), to: span.from };
}

/** How finely to cut a span: an eye can tell some two hundred points apart, and wants more than a handful. */
export function intervalFor(span: Span): Interval {
  const length = span.to - span.from;
  if (length <= 200 * minuteMs) {
    return "minute";
  }
  return length <= 200 * hourMs ? "hour" : "day";
}

/** What the compared period is called, after "than" or "of". */
export function nameOfPrevious(period: Period): string {
  switch (period.kind) {
    case "1h":
      return "the hour before";
    case "24h":
      return "the 24 hours before";
    case "7d":
      return "the 7 days before";
    case "30d":
      return "the 30 days before";
    case "custom":
      return "the same length of time before";
  }
}

export function nameOf(period: Period): string {
  switch (period.kind) {
    case "1h":
      return "the last hour";
    case "24h":
      return "the last 24 hours";
    case "7d":
      return "the last 7 days";
    case "30d":
      return "the last 30 days";
    case "custom":
      return "the chosen period";
  }
}

/** Users' activity comes in windows of 4 hours, UTC: the span down to the start of the window that it begins in. */
export function activitySpan(span: Span): Span {
  return { from: Math.floor(span.from / (4 * hourMs)) * 4 * hourMs, to: span.to };
}

/**
 * Which points get a mark on the time axis; null leaves it to the chart. Hours over several days are marked
 * where a day begins, as "13:00" five times over tells nothing.
 */
export function axisMarks(starts: number[], interval: Interval, zone: string): number[] | null {
  const first = starts[0];
  const last = starts.at(-1);
  if (interval !== "hour" || first === undefined || last === undefined || last - first <= 2 * dayMs) {
    return null;
  }
  const marks: number[] = [];
  let previousDay = wallAt(first, zone).day;
  starts.forEach((start, index) => {
    const { day } = wallAt(start, zone);
    if (day !== previousDay) {
      marks.push(index);
    }
    previousDay = day;
  });
  return marks;
}

export const iso = (instant: number): string => new Date(instant).toISOString();
