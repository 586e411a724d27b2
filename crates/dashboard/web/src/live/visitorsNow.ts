/**
 * Visitors now: the different users of the last five minutes, kept from the stream.
 *
 * For each user the time of the latest event is held. Adding is idempotent and its order doesn't matter, so what was fetched
 * and what was streamed meanwhile may overlap as they like.
 */
import type { StoredEvent } from "../api/types";

export const nowWindowMs = 5 * 60_000;

/** Clocks differ a little; an event further ahead than this has not happened yet. */
const aheadMs = 60_000;

/** A bound on what is held: beyond it the figure reads "100,000+". */
export const visitorsLimit = 100_000;

export interface VisitorsNow {
  lastSeen: ReadonlyMap<string, number>;
  /** Until when the figure may be too low, as not all events of its time were seen. */
  incompleteUntil: number;
}

export const nobody: VisitorsNow = { lastSeen: new Map(), incompleteUntil: 0 };

export function see(state: VisitorsNow, events: Pick<StoredEvent, "user_id" | "timestamp">[], now: number): VisitorsNow {
  let lastSeen: Map<string, number> | null = null;
  let incompleteUntil = state.incompleteUntil;
  for (const { user_id: user, timestamp } of events) {
    const at = Date.parse(timestamp);
    if (user === null || !(at > now - nowWindowMs) || at > now + aheadMs) {
      continue;
    }
    const map: ReadonlyMap<string, number> = lastSeen ?? state.lastSeen;
    const known = map.get(user);
    if (known !== undefined && known >= at) {
      continue;
    }
    if (known === undefined && map.size >= visitorsLimit) {
      incompleteUntil = now + nowWindowMs;
      continue;
    }
    lastSeen ??= new Map(state.lastSeen);
    lastSeen.set(user, at);
  }
  return lastSeen || incompleteUntil !== state.incompleteUntil ? { lastSeen: lastSeen ?? state.lastSeen, incompleteUntil } : state;
}

/** Not everything since five minutes ago could be fetched: the stream has seen it all once they have passed. */
export function markIncomplete(state: VisitorsNow, now: number): VisitorsNow {
  return { ...state, incompleteUntil: now + nowWindowMs };
}

/** Lets go of those who have not been seen for five minutes. */
export function expire(state: VisitorsNow, now: number): VisitorsNow {
  const gone: string[] = [];
  for (const [user, at] of state.lastSeen) {
    if (at <= now - nowWindowMs) {
      gone.push(user);
    }
  }
  if (gone.length === 0) {
    return state;
  }
  const lastSeen = new Map(state.lastSeen);
  gone.forEach((user) => lastSeen.delete(user));
  return { ...state, lastSeen };
}

/** When the next one is due to go; null when nobody is there. */
export function nextExpiry(state: VisitorsNow): number | null {
  let earliest = Infinity;
  for (const at of state.lastSeen.values()) {
    earliest = Math.min(earliest, at);
  }
  return earliest === Infinity ? null : earliest + nowWindowMs;
}
