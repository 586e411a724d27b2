/** Which figures are out of date, and when: to ask again what can't have changed costs the service as much as what has. */
import { spanBefore, type Period } from "../state/period";

/** `news`: an event came. `minute`: the bounds of the relative periods moved. */
export type Reason = "news" | "minute";

/** Of figures that a query with this key got at `fetchedAt`, by the service's clock; 0 when it got none yet. */
export function isOutdated(queryKey: readonly unknown[], reason: Reason, fetchedAt: number): boolean {
  const previous = queryKey.includes("previous");
  if (reason === "news" && previous) {
    return false; // What happens now is not in it; it only moves along with time.
  }
  const custom = queryKey.find(isCustom);
  if (!custom) {
    return true;
  }
  const span = previous ? spanBefore(custom) : custom;
  return fetchedAt < span.to; // It was over when asked for: nothing is added any more.
}

function isCustom(part: unknown): part is Extract<Period, { kind: "custom" }> {
  return typeof part === "object" && part !== null && "kind" in part && part.kind === "custom";
}

/** An answer that was loaded on and on: all of it would be fetched anew, only for what is far down to be moved about. */
export function isLoadedOn(data: unknown): boolean {
  return typeof data === "object" && data !== null && "pages" in data && Array.isArray(data.pages) && data.pages.length > 1;
}
