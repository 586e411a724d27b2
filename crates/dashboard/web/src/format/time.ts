/** Times as people read them, in the zone that the page is set to. */
import type { Interval, Span } from "../state/period";

const cache = new Map<string, Intl.DateTimeFormat>();

function formatter(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const name = zone + JSON.stringify(options);
  let format = cache.get(name);
  if (!format) {
    format = new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone, hourCycle: "h23" });
    cache.set(name, format);
  }
  return format;
}

const clock: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit" };
const date: Intl.DateTimeFormatOptions = { day: "numeric", month: "short" };

export const formatClock = (at: number, zone: string): string => formatter(zone, clock).format(at);
export const formatSeconds = (at: number, zone: string): string => formatter(zone, { ...clock, second: "2-digit" }).format(at);
export const formatDate = (at: number, zone: string): string => formatter(zone, date).format(at);
export const formatDateTime = (at: number, zone: string): string => `${formatDate(at, zone)}, ${formatClock(at, zone)}`;

/** A point's mark on the time axis: as short as can be. */
export function axisLabel(at: number, interval: Interval, zone: string, marksDays: boolean): string {
  if (interval === "day") {
    return formatDate(at, zone);
  }
  return marksDays ? formatter(zone, { weekday: "short", day: "numeric" }).format(at) : formatClock(at, zone);
}

/** A point's name in a table or tooltip: from when to when, or which day. */
export function pointLabel(at: number, interval: Interval, zone: string): string {
  switch (interval) {
    case "day":
      return formatter(zone, { weekday: "short", ...date }).format(at);
    case "hour":
      return `${formatter(zone, { weekday: "short", ...date }).format(at)}, ${formatClock(at, zone)}–${formatClock(at + 3_600_000, zone)}`;
    case "minute":
      return `${formatDate(at, zone)}, ${formatClock(at, zone)}`;
  }
}

/** `24 Nov, 09:41 – 25 Nov, 09:41`, and the year where it isn't this one. */
export function formatSpan(span: Span, zone: string): string {
  const year = (at: number) => formatter(zone, { year: "numeric" }).format(at);
  const thisYear = year(Date.now());
  const of = (at: number) => (year(at) === thisYear ? formatDateTime(at, zone) : `${formatter(zone, { ...date, year: "numeric" }).format(at)}, ${formatClock(at, zone)}`);
  return `${of(span.from)} – ${of(span.to)}`;
}

/** `just now`, `40 s ago`, `3 min ago`, `2 h ago`, `4 days ago`. */
export function formatAge(ageMs: number): string {
  const seconds = Math.max(0, Math.round(ageMs / 1000));
  if (seconds < 5) {
    return "just now";
  }
  if (seconds < 60) {
    return `${seconds} s ago`;
  }
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) {
    return `${minutes} min ago`;
  }
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ago` : `${Math.floor(hours / 24)} days ago`;
}
