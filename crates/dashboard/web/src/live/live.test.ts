import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { StoredEvent } from "../api/types";
import { addArrived, addFetched, emptyBuffer, pause, resume, shownLimit, waitingLimit } from "./buffer";
import { backoffMs } from "./connection";
import { RecentIds } from "./ids";
import { RefreshThrottle } from "./throttle";
import { expire, markIncomplete, nextExpiry, nobody, nowWindowMs, see } from "./visitorsNow";

const now = Date.parse("2026-11-25T09:00:00Z");

const event = (id: number, user: string | null = "a", at = now): StoredEvent => ({
  event_id: `id-${id}`,
  user_id: user,
  event_type: "click",
  timestamp: new Date(at).toISOString(),
  properties: {},
});
const ids = (events: StoredEvent[]) => events.map((one) => one.event_id);
const many = (count: number, first = 0) => Array.from({ length: count }, (_, index) => event(first + index));

describe("the live list", () => {
  it("has the newest on top, and so many at most", () => {
    const buffer = addArrived(addArrived(emptyBuffer, [event(1), event(2)]), [event(3)]);
    expect(ids(buffer.shown)).toEqual(["id-3", "id-2", "id-1"]);
    const full = addArrived(buffer, many(500, 10));
    expect(full.shown).toHaveLength(shownLimit);
    expect(full.shown[0]?.event_id).toBe("id-509");
  });

  it("stands still while paused, and counts", () => {
    const paused = addArrived(pause(addArrived(emptyBuffer, [event(1)])), [event(2), event(3)]);
    expect(ids(paused.shown)).toEqual(["id-1"]);
    expect(paused.waitingCount).toBe(2);
    const resumed = resume(paused);
    expect(ids(resumed.shown)).toEqual(["id-3", "id-2", "id-1"]);
    expect(resumed).toMatchObject({ paused: false, waiting: [], waitingCount: 0 });
  });

  it("is bounded while paused", () => {
    let buffer = pause(emptyBuffer);
    for (let round = 0; round < 30; round += 1) {
      buffer = addArrived(buffer, many(500, round * 500));
    }
    expect(buffer.waiting).toHaveLength(shownLimit);
    expect(buffer.waitingCount).toBe(waitingLimit);
    expect(resume(buffer).shown[0]?.event_id).toBe("id-14999");
  });

  it("puts what was fetched where its time is", () => {
    const buffer = addFetched(addArrived(emptyBuffer, [event(1, "a", now - 10), event(3, "a", now)]), [event(2, "a", now - 5), event(0, "a", now - 20)]);
    expect(ids(buffer.shown)).toEqual(["id-3", "id-2", "id-1", "id-0"]);
    expect(addFetched(pause(emptyBuffer), [event(1)])).toMatchObject({ shown: [], waitingCount: 1 });
  });
});

describe("ids seen lately", () => {
  it("are new once", () => {
    const recent = new RecentIds(10);
    expect([recent.add("a"), recent.add("b"), recent.add("a")]).toEqual([true, true, false]);
  });

  it("are forgotten, oldest first, beyond the limit", () => {
    const recent = new RecentIds(2);
    ["a", "b", "c"].forEach((id) => recent.add(id));
    expect([recent.add("c"), recent.add("b"), recent.add("a")]).toEqual([false, false, true]);
  });
});

describe("visitors now", () => {
  it("are different users of the last five minutes", () => {
    const events = [event(1, "a"), event(2, "b", now - 60_000), event(3, "a", now - 1000), event(4, null), event(5, "old", now - nowWindowMs), event(6, "ahead", now + 3_600_000)];
    expect([...see(nobody, events, now).lastSeen.keys()]).toEqual(["a", "b"]);
  });

  it("don't depend on the order, nor on seeing an event twice", () => {
    const events = [event(1, "a", now - 9000), event(2, "b", now - 5000), event(3, "a", now - 1000)];
    const there = see(nobody, events, now);
    const back = see(see(nobody, [...events].reverse(), now), events, now);
    expect(new Map([...back.lastSeen].sort())).toEqual(new Map([...there.lastSeen].sort()));
    expect(there.lastSeen.get("a")).toBe(now - 1000);
    expect(see(there, events, now)).toBe(there);
  });

  it("go five minutes after they were last seen", () => {
    const state = see(nobody, [event(1, "a", now - 200_000), event(2, "b", now)], now);
    expect(nextExpiry(state)).toBe(now + 100_000);
    expect(expire(state, now + 99_999)).toBe(state);
    expect([...expire(state, now + 100_000).lastSeen.keys()]).toEqual(["b"]);
    expect(nextExpiry(expire(state, now + nowWindowMs))).toBeNull();
  });

  it("stay if they are seen again in time", () => {
    const state = see(see(nobody, [event(1, "a", now)], now), [event(2, "a", now + 200_000)], now + 200_000);
    expect(expire(state, now + nowWindowMs).lastSeen.size).toBe(1);
  });

  it("are at least so many, until the stream has seen five minutes itself", () => {
    expect(markIncomplete(nobody, now).incompleteUntil).toBe(now + nowWindowMs);
  });
});

it("tries again ever less often, but twice a minute", () => {
  expect([0, 1, 2, 3, 4, 5, 50].map(backoffMs)).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
});

describe("refreshing", () => {
  let visible = true;
  const refresh = vi.fn();

  beforeEach(() => {
    vi.useFakeTimers({ now });
    visible = true;
    refresh.mockClear();
  });
  afterEach(() => vi.useRealTimers());

  it("comes soon, and then at most every three seconds", () => {
    const throttle = new RefreshThrottle(refresh, () => visible);
    for (let elapsed = 0; elapsed < 8900; elapsed += 100) {
      throttle.notice();
      vi.advanceTimersByTime(100);
    }
    expect(refresh).toHaveBeenCalledTimes(3);
  });

  it("never forgets the last news", () => {
    const throttle = new RefreshThrottle(refresh, () => visible);
    throttle.notice();
    vi.advanceTimersByTime(10);
    throttle.notice();
    vi.advanceTimersByTime(3000);
    expect(refresh).toHaveBeenCalledTimes(2);
    vi.advanceTimersByTime(10_000);
    expect(refresh).toHaveBeenCalledTimes(2);
  });

  it("waits until somebody looks", () => {
    const throttle = new RefreshThrottle(refresh, () => visible);
    visible = false;
    throttle.notice();
    vi.advanceTimersByTime(60_000);
    expect(refresh).not.toHaveBeenCalled();
    visible = true;
    throttle.catchUp();
    vi.advanceTimersByTime(0);
    expect(refresh).toHaveBeenCalledTimes(1);
    throttle.catchUp();
    vi.advanceTimersByTime(10_000);
    expect(refresh).toHaveBeenCalledTimes(1);
  });
});
