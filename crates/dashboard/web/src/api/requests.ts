/** The questions that the dashboard asks, one function each. */
import { iso, type Interval, type Span } from "../state/period";
import type { Metric, PageOrder } from "../state/url";
import { get, pathWith } from "./client";
import type { ActivityAnswer, DomainVerdict, EventsAnswer, PageRow, SegmentRow, Segments, StoredEvent, Summary, Timeseries } from "./types";

/** What everything on the page is narrowed to. */
export interface Filter {
  page: string | null;
  eventType: string | null;
}

type Signal = AbortSignal | undefined;

const bounds = (span: Span) => ({ from: iso(span.from), to: iso(span.to) });
const narrowed = (filter: Filter) => ({ event_type: filter.eventType, page: filter.page });

export async function fetchSummary(span: Span, filter: Filter, signal: Signal): Promise<Summary> {
  return (await get<Summary>("/analytics/summary", { ...bounds(span), ...narrowed(filter) }, { signal })).body;
}

export async function fetchTimeseries(
  span: Span,
  metric: Metric,
  interval: Interval,
  timezone: string,
  filter: Filter,
  signal: Signal,
): Promise<Timeseries> {
  const query = { metric, interval, ...bounds(span), ...narrowed(filter), timezone };
  return (await get<Timeseries>("/analytics/timeseries", query, { signal })).body;
}

export async function fetchPages(span: Span, order: PageOrder, limit: number, signal: Signal): Promise<PageRow[]> {
  return (await get<{ pages: PageRow[] }>("/analytics/pages", { ...bounds(span), limit, order }, { signal })).body.pages;
}

export async function fetchActivity(span: Span, user: string | null, cursor: string | null, signal: Signal): Promise<ActivityAnswer> {
  const query = { user_id: user, ...bounds(span), limit: 50, cursor };
  return (await get<ActivityAnswer>("/metrics/users", query, { signal })).body;
}

export async function fetchSegments(signal: Signal): Promise<Segments> {
  const { body, headers } = await get<SegmentRow[]>("/segments/count", {}, { signal });
  const countedAt = Date.parse(headers.get("last-modified") ?? "");
  return { rows: body, countedAt: Number.isNaN(countedAt) ? null : countedAt };
}

export async function fetchDomain(domain: string, signal: Signal): Promise<DomainVerdict> {
  return (await get<DomainVerdict>(`/domains/${encodeURIComponent(domain)}`, {}, { signal })).body;
}

/** Asks with a key that is not in use yet; fails as any question would if the service won't have it. */
export async function tryKey(key: string): Promise<void> {
  await get("/events", { limit: 1 }, { key });
}

export interface Recent {
  events: StoredEvent[];
  /** False: there were more than were fetched. */
  complete: boolean;
}

/** So many answers at most: the newest five thousand events say enough. */
const recentAnswers = 5;

/** What happened since `from`, newest first. */
export async function fetchRecent(from: number, filter: Filter, signal: Signal): Promise<Recent> {
  const events: StoredEvent[] = [];
  let cursor: string | null = null;
  for (let answers = 0; answers < recentAnswers; answers += 1) {
    const query = { from: iso(from), ...narrowed(filter), order: "desc", limit: 1000, cursor };
    const answer: EventsAnswer = (await get<EventsAnswer>("/events", query, { signal })).body;
    events.push(...answer.events);
    cursor = answer.next_cursor;
    if (cursor === null) {
      break;
    }
  }
  return { events, complete: cursor === null };
}

export function streamPath(filter: Filter, key: string | null): string {
  return pathWith("/events/stream", { ...narrowed(filter), key });
}
