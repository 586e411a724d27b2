/**
 * What time it is at the service, and the moment that all relative periods on the page end at.
 *
 * The service's clock counts, not the browser's: one that runs behind would leave the newest events out.
 */
import { useEffect, useSyncExternalStore, useState } from "react";

let aheadMs = 0;

/** `Date` is cut to the second, and answers take their time: smaller differences are no difference. */
const toleranceMs = 3000;

export function skewFrom(dateHeader: string | null, now: number): number | null {
  const served = Date.parse(dateHeader ?? "");
  if (Number.isNaN(served)) {
    return null;
  }
  const skew = served - now;
  return Math.abs(skew) > toleranceMs ? skew : 0;
}

export function learnServiceTime(dateHeader: string | null): void {
  aheadMs = skewFrom(dateHeader, Date.now()) ?? aheadMs;
}

/** What the service's clock showed when the browser's showed `at`. */
export const serviceTime = (at: number): number => at + aheadMs;
export const serviceNow = (): number => serviceTime(Date.now());

const listeners = new Set<() => void>();
let anchor = Date.now();

/** The moment that the figures on the page are of. */
export const anchorNow = (): number => anchor;

export function advanceAnchor(): void {
  anchor = serviceNow();
  listeners.forEach((listener) => listener());
}

export function useAnchor(): number {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => anchor,
  );
}

/** A clock for "40 s ago". */
export function useTick(everyMs: number): number {
  const [now, setNow] = useState(serviceNow);
  useEffect(() => {
    const timer = window.setInterval(() => setNow(serviceNow()), everyMs);
    return () => window.clearInterval(timer);
  }, [everyMs]);
  return now;
}
