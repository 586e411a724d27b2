/**
 * The questions as React Query hooks.
 *
 * Keys name the period ("24h"), not its bounds: those move on with each minute, while the answer before stays on the screen
 * until, and also if not, the next one comes. Every answer carries the span that it is of.
 */
import { keepPreviousData, QueryClient, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { anchorNow } from "../state/clock";
import { activitySpan, intervalFor, spanBefore, spanOf, type Period, type Span } from "../state/period";
import type { Metric, PageOrder } from "../state/url";
import { ApiError } from "./problem";
import type { ActivityAnswer } from "./types";
import * as requests from "./requests";
import type { Filter } from "./requests";

/** Figures that the stream tells to be out of date. */
export const figures = "figures";
/** What no stream tells of: refetched by the minute and on return to the tab. */
export const background = "background";

const longestWaitMs = 10_000;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // The service may well be on this very machine: whether there is an internet is beside the point.
      networkMode: "always",
      staleTime: Infinity,
      gcTime: 120_000,
      refetchOnWindowFocus: false,
      retry: (failures, error) => failures < 1 && error instanceof ApiError && error.isPassing,
      retryDelay: (_, error) =>
        Math.min(longestWaitMs, error instanceof ApiError && error.retryAfterSeconds !== null ? error.retryAfterSeconds * 1000 : 800),
    },
  },
});

export type Which = "current" | "previous";

function spanFor(period: Period, which: Which): Span {
  const span = spanOf(period, anchorNow());
  return which === "current" ? span : spanBefore(span);
}

export function useSummary(which: Which, period: Period, filter: Filter) {
  return useQuery({
    queryKey: [figures, "summary", which, period, filter],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => requests.fetchSummary(spanFor(period, which), filter, signal),
  });
}

export function useTimeseries(which: Which, period: Period, metric: Metric, zone: string, filter: Filter) {
  return useQuery({
    queryKey: [figures, "timeseries", which, period, metric, zone, filter],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const span = spanFor(period, which);
      const interval = intervalFor(span);
      const { points } = await requests.fetchTimeseries(span, metric, interval, zone, filter, signal);
      return { points, span, interval, metric, zone, at: anchorNow() };
    },
  });
}

export function usePages(period: Period, order: PageOrder, limit: number) {
  return useQuery({
    queryKey: [figures, "pages", period, order, limit],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => requests.fetchPages(spanFor(period, "current"), order, limit, signal),
  });
}

export function useActivity(period: Period, user: string | null) {
  return useInfiniteQuery({
    queryKey: [background, "activity", period, user],
    placeholderData: keepPreviousData,
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }): Promise<ActivityAnswer> =>
      requests.fetchActivity(activitySpan(spanFor(period, "current")), user, pageParam, signal),
    getNextPageParam: (answer) => answer.next_cursor,
  });
}

export function useSegments() {
  return useQuery({ queryKey: [background, "segments"], queryFn: ({ signal }) => requests.fetchSegments(signal) });
}

export function useDomain(domain: string | null) {
  return useQuery({
    queryKey: [background, "domain", domain],
    enabled: domain !== null,
    queryFn: ({ signal }) => requests.fetchDomain(domain ?? "", signal),
  });
}
