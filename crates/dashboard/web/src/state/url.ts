/**
 * What is looked at, as it stands in the address: a view can be shared, bookmarked and gone back to.
 *
 * Parsing never fails: what makes no sense is left out, and the default takes its place.
 */
import { faultOf, isRelative, type Period } from "./period";
import { knownZone } from "./zone";

export const metrics = ["visitors", "page_views", "events"] as const;
export type Metric = (typeof metrics)[number];
export type PageOrder = "visitors" | "views";

export interface View {
  period: Period;
  /** Null: the browser's. */
  zone: string | null;
  page: string | null;
  eventType: string | null;
  metric: Metric;
  order: PageOrder;
  /** Whose activity is looked up. */
  user: string | null;
  /** Which mail domain is looked up. */
  domain: string | null;
}

export const defaultView: View = {
  period: { kind: "24h" },
  zone: null,
  page: null,
  eventType: null,
  metric: "visitors",
  order: "visitors",
  user: null,
  domain: null,
};

function parsePeriod(query: URLSearchParams): Period {
  const kind = query.get("period") ?? "";
  if (isRelative(kind)) {
    return { kind };
  }
  if (kind === "custom") {
    const from = Date.parse(query.get("from") ?? "");
    const to = Date.parse(query.get("to") ?? "");
    if (faultOf({ from, to }) === null) {
      return { kind: "custom", from, to };
    }
  }
  return defaultView.period;
}

/** A path, or a whole address on the web: the service knows no other pages. */
export function isPage(text: string): boolean {
  return text.startsWith("/") || (/^https?:\/\//i.test(text) && URL.canParse(text));
}

/** As part of a request's path, `.` and `..` would lead elsewhere, whichever way they are written. */
export const isDomain = (text: string): boolean => text !== "." && text !== "..";

export function parseView(search: string): View {
  const query = new URLSearchParams(search);
  const text = (name: string): string | null => query.get(name)?.trim() || null;
  const fitting = (name: string, fits: (value: string) => boolean): string | null => {
    const value = text(name);
    return value !== null && fits(value) ? value : null;
  };
  const metric = query.get("metric") as Metric;
  return {
    period: parsePeriod(query),
    zone: knownZone(text("tz") ?? ""),
    page: fitting("page", isPage),
    eventType: text("type"),
    metric: metrics.includes(metric) ? metric : defaultView.metric,
    order: query.get("order") === "views" ? "views" : "visitors",
    user: text("user"),
    domain: fitting("domain", isDomain),
  };
}

/** The query, with its `?`, or nothing for the default view. Defaults are left out to keep addresses short. */
export function formatView(view: View): string {
  const query = new URLSearchParams();
  if (view.period.kind === "custom") {
    query.set("period", "custom");
    query.set("from", shortIso(view.period.from));
    query.set("to", shortIso(view.period.to));
  } else if (view.period.kind !== defaultView.period.kind) {
    query.set("period", view.period.kind);
  }
  const texts: [string, string | null][] = [
    ["tz", view.zone],
    ["page", view.page],
    ["type", view.eventType],
    ["metric", view.metric === defaultView.metric ? null : view.metric],
    ["order", view.order === defaultView.order ? null : view.order],
    ["user", view.user],
    ["domain", view.domain],
  ];
  for (const [name, value] of texts) {
    if (value) {
      query.set(name, value);
    }
  }
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

const shortIso = (instant: number): string => new Date(instant).toISOString().replace(".000Z", "Z");
