import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { StoredEvent } from "../api/types";
import { LiveFeed } from "./feed";

const start = Date.parse("2026-11-25T09:00:00Z");
const everything = { page: null, eventType: null };

class FakeSource extends EventTarget {
  static readonly CLOSED = 2;
  static opened: FakeSource[] = [];
  readyState = 1;

  constructor(readonly url: string) {
    super();
    FakeSource.opened.push(this);
  }

  say(type: string, data: unknown): void {
    this.dispatchEvent(Object.assign(new Event(type), { data: JSON.stringify(data) }));
  }

  close(): void {
    this.readyState = FakeSource.CLOSED;
  }
}

const event = (id: string, user: string, at = start): StoredEvent => ({
  event_id: id,
  user_id: user,
  event_type: "click",
  timestamp: new Date(at).toISOString(),
  properties: {},
});

let stored: StoredEvent[] = [];
const onNews = vi.fn();
const asked = vi.fn();
let feed: LiveFeed;
const source = (): FakeSource => FakeSource.opened.at(-1) as FakeSource;
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers({ now: start });
  vi.stubGlobal("window", globalThis);
  vi.stubGlobal("EventSource", FakeSource);
  vi.stubGlobal("fetch", (path: string) => {
    asked(path);
    return Promise.resolve(new Response(JSON.stringify({ events: stored, next_cursor: null })));
  });
  FakeSource.opened = [];
  stored = [];
  onNews.mockClear();
  asked.mockClear();
  feed = new LiveFeed(onNews);
});

afterEach(() => {
  feed.stop();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("the live feed", () => {
  it("starts from what happened lately, and goes on with the stream, each event once", async () => {
    stored = [event("2", "b"), event("1", "a")];
    feed.start(everything, null);
    source().dispatchEvent(new Event("open"));
    source().say("event", event("2", "b"));
    source().say("event", event("3", "a"));
    await pass(300);
    expect(feed.snapshot()).toMatchObject({ connection: "live", seeding: "done", now: 2, nowExact: true });
    expect(feed.snapshot().buffer.shown.map((one) => one.event_id).sort()).toEqual(["1", "2", "3"]);
    expect(asked).toHaveBeenCalledTimes(1);
    source().say("event", event("3", "a"));
    await pass(300);
    expect(feed.snapshot().buffer.shown).toHaveLength(3);
  });

  it("lets visitors go after five minutes without a word from the service", async () => {
    stored = [event("1", "a", start - 60_000)];
    feed.start(everything, null);
    source().dispatchEvent(new Event("open"));
    await pass(10);
    expect(feed.snapshot().now).toBe(1);
    await pass(4 * 60_000 + 1000);
    expect(feed.snapshot().now).toBe(0);
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it("fills up what it missed", async () => {
    feed.start(everything, null);
    source().dispatchEvent(new Event("open"));
    await pass(10);
    stored = [event("9", "z")];
    source().say("lagged", { lagged: 40 });
    await pass(10);
    expect(feed.snapshot()).toMatchObject({ missed: 40, lagging: true, now: 1 });
    expect(asked).toHaveBeenCalledTimes(2);
    await pass(11_000);
    expect(feed.snapshot()).toMatchObject({ missed: 40, lagging: false });
  });

  it("fills up every five seconds at most, however often it hears that it lags", async () => {
    feed.start(everything, null);
    source().dispatchEvent(new Event("open"));
    await pass(10);
    for (let times = 0; times < 20; times += 1) {
      source().say("lagged", { lagged: 1 });
      await pass(200);
    }
    expect(asked).toHaveBeenCalledTimes(2);
    await pass(10_000);
    expect(asked).toHaveBeenCalledTimes(3);
  });

  it("no longer lags after a rest", async () => {
    feed.start(everything, null);
    source().dispatchEvent(new Event("open"));
    source().say("lagged", { lagged: 1 });
    feed.stop();
    expect(feed.snapshot().lagging).toBe(true);
    feed.connect(null);
    expect(feed.snapshot().lagging).toBe(false);
  });

  it("tries again where the browser gives up, and counts on from there", async () => {
    feed.start(everything, null);
    source().close();
    source().dispatchEvent(new Event("error"));
    expect(feed.snapshot().connection).toBe("reconnecting");
    await pass(1100);
    expect(FakeSource.opened).toHaveLength(2);
    source().dispatchEvent(new Event("open"));
    expect(feed.snapshot().connection).toBe("live");
    expect(onNews).toHaveBeenCalled();
  });

  it("is no news when it first opens, but is when it opens after a rest", () => {
    feed.start(everything, null);
    source().dispatchEvent(new Event("open"));
    expect(onNews).not.toHaveBeenCalled();
    feed.stop();
    feed.connect(null);
    source().dispatchEvent(new Event("open"));
    expect(onNews).toHaveBeenCalledTimes(1);
  });

  it("asks for no more than the filter lets through, with the key", () => {
    feed.start({ page: "https://a.example/x?y", eventType: "click" }, "secret key");
    expect(source().url).toBe("/events/stream?event_type=click&page=https%3A%2F%2Fa.example%2Fx%3Fy&key=secret+key");
  });

  it("forgets what another filter let through", async () => {
    stored = [event("1", "a")];
    feed.start(everything, null);
    source().dispatchEvent(new Event("open"));
    await pass(10);
    stored = [];
    feed.start({ page: "/x", eventType: null }, null);
    expect(feed.snapshot()).toMatchObject({ now: 0, seeding: "pending" });
    expect(feed.snapshot().buffer.shown).toEqual([]);
    expect(FakeSource.opened[0]?.readyState).toBe(FakeSource.CLOSED);
  });
});
