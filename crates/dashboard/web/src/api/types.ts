/** What the service answers, as far as the dashboard reads it. Names are those of the HTTP contract. */

export interface Summary {
  from: string;
  to: string;
  total_events: number;
  events_by_type: Record<string, number>;
  unique_users: number;
}

export interface Point {
  start: string;
  value: number;
}

export interface Timeseries {
  points: Point[];
}

export interface PageRow {
  url: string;
  distinct_visitors: number;
  page_views: number;
}

export interface StoredEvent {
  event_id: string;
  user_id: string | null;
  event_type: string;
  timestamp: string;
  properties: Record<string, unknown>;
}

export interface EventsAnswer {
  events: StoredEvent[];
  next_cursor: string | null;
}

export interface ActivityRow {
  user_id: string;
  event_count: number;
  window_start_at: string;
  window_end_at: string;
}

export interface ActivityAnswer {
  metrics: ActivityRow[];
  next_cursor: string | null;
}

export interface SegmentRow {
  title: string;
  usersCount: number;
}

export interface Segments {
  rows: SegmentRow[];
  /** When the snapshot was taken, in milliseconds since 1970; null when the answer doesn't say. */
  countedAt: number | null;
}

export interface DomainVerdict {
  domain: string;
  status: "catch-all" | "not catch-all" | "unknown";
  delivered: number;
  bounced: number;
}
