/**
 * The connection to the event stream, and nothing else: opened, watched, opened again.
 *
 * A browser reconnects by itself where a connection breaks, but gives up when the answer is an error (401, 503): then this
 * tries again, ever less often.
 */

export interface StreamHandlers {
  onOpen(): void;
  /** The connection is gone; it will be tried again. */
  onDown(): void;
  onEvent(json: string): void;
  onLagged(json: string): void;
}

const firstWaitMs = 1000;
const longestWaitMs = 30_000;

/** How long to wait before the next try, after so many that failed. */
export function backoffMs(failures: number): number {
  return Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(failures, 10));
}

export class StreamConnection {
  private source: EventSource | null = null;
  private timer: number | undefined;
  private failures = 0;

  constructor(
    private readonly path: string,
    private readonly handlers: StreamHandlers,
  ) {}

  open(): void {
    this.close();
    const source = new EventSource(this.path);
    this.source = source;
    source.addEventListener("open", () => {
      this.failures = 0;
      this.handlers.onOpen();
    });
    source.addEventListener("event", (message) => this.handlers.onEvent((message as MessageEvent<string>).data));
    source.addEventListener("lagged", (message) => this.handlers.onLagged((message as MessageEvent<string>).data));
    source.addEventListener("error", () => {
      this.handlers.onDown();
      if (source.readyState === EventSource.CLOSED && this.source === source) {
        this.timer = window.setTimeout(() => this.open(), backoffMs(this.failures));
        this.failures += 1;
      }
    });
  }

  close(): void {
    window.clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }
}
