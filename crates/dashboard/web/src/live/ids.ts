/** Ids seen lately, a bounded number of them: after a reconnect an event may come twice. */
export class RecentIds {
  private readonly ids = new Set<string>();

  constructor(private readonly limit: number) {}

  /** Whether the id is new; from then on it isn't. */
  add(id: string): boolean {
    if (this.ids.has(id)) {
      return false;
    }
    this.ids.add(id);
    if (this.ids.size > this.limit) {
      // A set iterates in the order of insertion: the first is the oldest.
      for (const oldest of this.ids) {
        this.ids.delete(oldest);
        break;
      }
    }
    return true;
  }

  clear(): void {
    this.ids.clear();
  }
}
