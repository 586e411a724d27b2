/**
 * The list of the live panel: the newest events on top, a bounded number of them, and those that wait while it is paused.
 *
 * Pure functions; the events that come in have been deduplicated.
 */
import type { StoredEvent } from "../api/types";

export const shownLimit = 200;
/** Counting goes no further: "9,999+" says as much. */
export const waitingLimit = 9999;

export interface LiveBuffer {
  /** Newest first. */
  shown: StoredEvent[];
  paused: boolean;
  /** Newest first; of those that came while paused, as many as could be shown. */
  waiting: StoredEvent[];
  /** How many came while paused, up to `waitingLimit`. */
  waitingCount: number;
}

export const emptyBuffer: LiveBuffer = { shown: [], paused: false, waiting: [], waitingCount: 0 };

/** `arrived` in the order of arrival. */
export function addArrived(buffer: LiveBuffer, arrived: StoredEvent[]): LiveBuffer {
  if (arrived.length === 0) {
    return buffer;
  }
  const newest = arrived.slice(-shownLimit).reverse();
  if (!buffer.paused) {
    return { ...buffer, shown: [...newest, ...buffer.shown].slice(0, shownLimit) };
  }
  return {
    ...buffer,
    waiting: [...newest, ...buffer.waiting].slice(0, shownLimit),
    waitingCount: Math.min(waitingLimit, buffer.waitingCount + arrived.length),
  };
}

/** What was fetched, not streamed, goes where its time puts it. */
export function addFetched(buffer: LiveBuffer, fetched: StoredEvent[]): LiveBuffer {
  if (fetched.length === 0) {
    return buffer;
  }
  const merge = (events: StoredEvent[]) =>
    [...events, ...fetched].sort((a, b) => (a.timestamp < b.timestamp ? 1 : a.timestamp > b.timestamp ? -1 : 0)).slice(0, shownLimit);
  if (!buffer.paused) {
    return { ...buffer, shown: merge(buffer.shown) };
  }
  return { ...buffer, waiting: merge(buffer.waiting), waitingCount: Math.min(waitingLimit, buffer.waitingCount + fetched.length) };
}

export function pause(buffer: LiveBuffer): LiveBuffer {
  return { ...buffer, paused: true };
}

export function resume(buffer: LiveBuffer): LiveBuffer {
  return { shown: [...buffer.waiting, ...buffer.shown].slice(0, shownLimit), paused: false, waiting: [], waitingCount: 0 };
}
