/**
 * When to fetch figures anew: soon after an event came, but not more often than `everyMs`, and not while nobody looks.
 */
export class RefreshThrottle {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private lastAt = -Infinity;
  private missed = false;

  constructor(
    private readonly refresh: () => void,
    private readonly isVisible: () => boolean,
    private readonly everyMs = 3000,
  ) {}

  /** Something changed. */
  notice(): void {
    if (!this.isVisible()) {
      this.missed = true;
    } else if (this.timer === undefined) {
      this.timer = setTimeout(() => this.run(), Math.max(0, this.lastAt + this.everyMs - Date.now()));
    }
  }

  /** The tab can be seen again. */
  catchUp(): void {
    if (this.missed) {
      this.notice();
    }
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private run(): void {
    this.timer = undefined;
    if (!this.isVisible()) {
      this.missed = true;
      return;
    }
    this.missed = false;
    this.lastAt = Date.now();
    this.refresh();
  }
}
