/** Gives the page its live feed, and sees to it that figures are fetched anew when, and only when, there is reason to. */
import { createContext, useContext, useEffect, useMemo, useState, useSyncExternalStore, type ReactNode } from "react";
import type { Query } from "@tanstack/react-query";
import { isLoadedOn, isOutdated, type Reason } from "../api/outdated";
import { ApiError } from "../api/problem";
import { background, figures, queryClient } from "../api/queries";
import { advanceAnchor, serviceNow, serviceTime } from "../state/clock";
import { currentKey, useKey } from "../state/key";
import { useView } from "../state/useView";
import { LiveFeed, type FeedState } from "./feed";
import { RefreshThrottle } from "./throttle";

const Feed = createContext<LiveFeed | null>(null);

/** Time itself moves the bounds of "the last 24 hours". */
const minuteMs = 60_000;
/** A browser allows few connections to one host, for all tabs together: a tab that nobody looks at gives its own back. */
const hiddenForMs = 60_000;

const isPassing = (error: unknown): boolean => error instanceof ApiError && error.isPassing;
const isVisible = (): boolean => document.visibilityState === "visible";

/** Figures as of now. A request that is under way is not asked again: the next news comes, or the next minute. */
function refreshFigures(reason: Reason): void {
  if (currentKey().request === null) {
    advanceAnchor();
    const outdated = ({ queryKey, state }: Query) =>
      isPassing(state.error) || isOutdated(queryKey, reason, state.dataUpdatedAt === 0 ? 0 : serviceTime(state.dataUpdatedAt));
    void queryClient.invalidateQueries({ queryKey: [figures], predicate: outdated }, { cancelRefetch: false });
    // News from the stream are also a sign that the service is back: what failed may work now.
    void queryClient.invalidateQueries({ queryKey: [background], predicate: ({ state }) => isPassing(state.error) && !isLoadedOn(state.data) }, { cancelRefetch: false });
  }
}

function refreshBackground(): void {
  if (currentKey().request === null) {
    void queryClient.invalidateQueries({ queryKey: [background], predicate: (query) => !isLoadedOn(query.state.data) }, { cancelRefetch: false });
  }
}

export function LiveProvider({ children }: { children: ReactNode }) {
  const { page, eventType } = useView();
  const { key, request } = useKey();
  const keyWanted = request !== null;
  const [throttle] = useState(() => new RefreshThrottle(() => refreshFigures("news"), isVisible));
  const feed = useMemo(() => new LiveFeed(() => throttle.notice()), [throttle]);

  useEffect(() => {
    let hiddenTimer: number | undefined;
    let resting = false;
    if (keyWanted) {
      feed.shut();
      return;
    }
    feed.start({ page, eventType }, key);
    const onVisibility = () => {
      window.clearTimeout(hiddenTimer);
      if (!isVisible()) {
        hiddenTimer = window.setTimeout(() => {
          resting = true;
          feed.stop();
        }, hiddenForMs);
      } else if (resting) {
        resting = false;
        feed.connect(key);
      }
    };
    document.addEventListener("visibilitychange", onVisibility);
    return () => {
      document.removeEventListener("visibilitychange", onVisibility);
      window.clearTimeout(hiddenTimer);
      feed.stop();
    };
  }, [feed, page, eventType, key, keyWanted]);

  useEffect(() => {
    let refreshedAt = serviceNow();
    const everyMinute = () => {
      if (isVisible()) {
        refreshedAt = serviceNow();
        refreshFigures("minute");
        refreshBackground();
      }
    };
    const onVisibility = () => {
      if (isVisible() && serviceNow() - refreshedAt >= minuteMs) {
        everyMinute();
      } else if (isVisible()) {
        throttle.catchUp();
        refreshBackground();
      }
    };
    const timer = window.setInterval(everyMinute, minuteMs);
    document.addEventListener("visibilitychange", onVisibility);
    window.addEventListener("online", everyMinute);
    return () => {
      window.clearInterval(timer);
      document.removeEventListener("visibilitychange", onVisibility);
      window.removeEventListener("online", everyMinute);
      throttle.stop();
    };
  }, [throttle]);

  return <Feed value={feed}>{children}</Feed>;
}

export function useFeed(): { feed: LiveFeed; state: FeedState } {
  const feed = useContext(Feed);
  if (!feed) {
    throw new Error("useFeed needs a LiveProvider around it");
  }
  return { feed, state: useSyncExternalStore(feed.subscribe, feed.snapshot) };
}
