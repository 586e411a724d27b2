/**
 * The live feed: one stream from the service, from which the list of events, the visitors of now and the news that figures
 * are out of date all come. React only reads its snapshots.
 *
 * A connection that just opened, or that lost events (`lagged`), is filled up from `GET /events`.
 */
import type { StoredEvent } from "../api/types";
import { fetchRecent, streamPath, type Filter } from "../api/requests";
import { asApiError, type ApiError } from "../api/problem";
import { serviceNow } from "../state/clock";
import * as list from "./buffer";
import { StreamConnection } from "./connection";
import { RecentIds } from "./ids";
import * as visitors from "./visitorsNow";

/** `off`: there is no key to connect with. */
export type Connection = "connecting" | "live" | "reconnecting" | "off";

export interface FeedState {
  connection: Connection;
  buffer: list.LiveBuffer;
  /** How many events the service says it had to leave out, since the stream was opened. */
  missed: number;
  /** The last of those were so recent that they are worth a word. */
  lagging: boolean;
  now: number;
  /** False: there are at least `now`. */
  nowExact: boolean;
  /** Whether `now` can be relied on yet, or why not. */
  seeding: "pending" | "done" | ApiError;
}

const initial: FeedState = {
  connection: "connecting",
  buffer: list.emptyBuffer,
  missed: 0,
  lagging: false,
  now: 0,
  nowExact: true,
  seeding: "pending",
};

/** Events are taken in together, so that a busy site doesn't redraw the page for each. */
const batchMs = 200;
const laggingShownMs = 10_000;
/** A page that can't keep up says so again and again; filling up each time would only make it worse. */
const fillUpEveryMs = 5000;
const idsKept = 5000;

export class LiveFeed {
  private state = initial;
  private people = visitors.nobody;
  private readonly ids = new RecentIds(idsKept);
  private readonly listeners = new Set<() => void>();
  private connection: StreamConnection | null = null;
  private arrived: StoredEvent[] = [];
  private filter: Filter = { page: null, eventType: null };
  private seeding: AbortController | null = null;
  private timers: { batch?: number; expiry?: number; lagging?: number; fillUp?: number } = {};
  private filledUpAt = -Infinity;

  constructor(
    /** Called when events came, or may have come unseen. */
    private readonly onNews: () => void,
  ) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  readonly snapshot = (): FeedState => this.state;

  /** Begins anew: what was seen through another filter, or with another key, says nothing any more. */
  start(filter: Filter, key: string | null): void {
    this.stop();
    this.filter = filter;
    this.people = visitors.nobody;
    this.ids.clear();
    this.set(initial);
    this.open(key, true);
  }

  /** Goes on after `stop`, with what it had. */
  connect(key: string | null): void {
    this.open(key, false);
  }

  private open(key: string | null, anew: boolean): void {
    // Figures are being asked for just now, so a stream that opens at once tells of nothing that they could lack.
    let missedNothing = anew;
    this.set({ lagging: false }); // `stop` took away the timer that would have.
    this.connection = new StreamConnection(streamPath(this.filter, key), {
      onOpen: () => {
        this.set({ connection: "live" });
        void this.seed();
        if (!missedNothing) {
          this.onNews();
        }
        missedNothing = false;
      },
      onDown: () => {
        missedNothing = false;
        this.set({ connection: "reconnecting" });
        if (this.state.seeding === "pending" && this.seeding === null) {
          void this.seed(); // The figure doesn't depend on the stream.
        }
      },
      onEvent: (json) => this.receive(json),
      onLagged: (json) => this.lagged(json),
    });
    this.connection.open();
  }

  stop(): void {
    this.connection?.close();
    this.connection = null;
    this.seeding?.abort();
    this.seeding = null;
    Object.values(this.timers).forEach((timer) => window.clearTimeout(timer));
    this.timers = {};
    this.arrived = [];
  }

  /** Ends it, as nothing may be seen. */
  shut(): void {
    this.stop();
    this.people = visitors.nobody;
    this.set({ ...initial, connection: "off" });
  }

  readonly pause = (): void => this.set({ buffer: list.pause(this.state.buffer) });
  readonly resume = (): void => this.set({ buffer: list.resume(this.state.buffer) });

  /** Fetches what happened in the last minutes, which the stream doesn't tell. */
  readonly seed = async (): Promise<void> => {
    this.seeding?.abort();
    const controller = new AbortController();
    this.seeding = controller;
    try {
      const recent = await fetchRecent(serviceNow() - visitors.nowWindowMs, this.filter, controller.signal);
      if (controller.signal.aborted) {
        return;
      }
      this.takeIn();
      const now = serviceNow();
      this.people = visitors.see(this.people, recent.events, now);
      this.people = recent.complete ? { ...this.people, incompleteUntil: 0 } : visitors.markIncomplete(this.people, now);
      const unseen = recent.events.slice(0, list.shownLimit).filter((event) => this.ids.add(event.event_id));
      this.set({ buffer: list.addFetched(this.state.buffer, unseen), seeding: "done" });
      this.count();
    } catch (cause) {
      if (!controller.signal.aborted) {
        this.set({ seeding: asApiError(cause) });
      }
    } finally {
      if (this.seeding === controller) {
        this.seeding = null;
      }
    }
  };

  private fillUp(): void {
    const waitMs = Math.max(0, this.filledUpAt + fillUpEveryMs - Date.now());
    if (waitMs === 0 && this.seeding === null) {
      this.filledUpAt = Date.now();
      void this.seed();
    } else {
      // What is under way is let finish: on a busy site one fill-up after the other would be cut off, and none ever come.
      this.timers.fillUp ??= window.setTimeout(() => {
        delete this.timers.fillUp;
        this.fillUp();
      }, waitMs || fillUpEveryMs);
    }
  }

  private receive(json: string): void {
    let event: StoredEvent;
    try {
      event = JSON.parse(json) as StoredEvent;
    } catch {
      return; // Cut off in the middle; the next fill-up brings it.
    }
    if (this.ids.add(event.event_id)) {
      this.arrived.push(event);
      this.timers.batch ??= window.setTimeout(() => this.takeIn(), batchMs);
    }
  }

  private takeIn(): void {
    window.clearTimeout(this.timers.batch);
    delete this.timers.batch;
    const arrived = this.arrived;
    if (arrived.length === 0) {
      return;
    }
    this.arrived = [];
    this.people = visitors.see(this.people, arrived, serviceNow());
    this.set({ buffer: list.addArrived(this.state.buffer, arrived) });
    this.count();
    this.onNews();
  }

  private lagged(json: string): void {
    let missed = 0;
    try {
      missed = Number((JSON.parse(json) as { lagged?: number }).lagged) || 0;
    } catch {
      // That something was missed is known all the same.
    }
    this.set({ missed: this.state.missed + missed, lagging: true });
    window.clearTimeout(this.timers.lagging);
    this.timers.lagging = window.setTimeout(() => this.set({ lagging: false }), laggingShownMs);
    this.fillUp();
    this.onNews();
  }

  /** Lets those go whose time is over, and wakes up when the next one's is. */
  private count(): void {
    const now = serviceNow();
    this.people = visitors.expire(this.people, now);
    this.set({ now: this.people.lastSeen.size, nowExact: this.people.incompleteUntil <= now });
    window.clearTimeout(this.timers.expiry);
    const next = visitors.nextExpiry(this.people);
    if (next !== null) {
      this.timers.expiry = window.setTimeout(() => this.count(), Math.max(1000, next - now));
    }
  }

  private set(change: Partial<FeedState>): void {
    this.state = { ...this.state, ...change };
    this.listeners.forEach((listener) => listener());
  }
}
