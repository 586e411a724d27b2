/** What an event was about, in a few words. */
import type { StoredEvent } from "../api/types";

/** `page_view` reads "page view". The type itself stays what is filtered by. */
export const typeLabel = (type: string): string => type.replaceAll("_", " ");

/** A page without its scheme, cut into host and the rest. A bare path has no host. */
export function pageParts(url: string): { host: string; path: string } {
  const match = /^https?:\/\/([^/?#]*)(.*)$/i.exec(url);
  return match ? { host: match[1] ?? "", path: match[2] || "/" } : { host: "", path: url };
}

/** `/grüße` for `/gr%C3%BC%C3%9Fe`; what is not UTF-8 stays as it is. */
export function readable(url: string): string {
  try {
    // Characters that change the direction of text, or don't show, stay encoded: an address must not look like another.
    return decodeURI(url).replace(/[\p{C}\p{Z}]/gu, encodeURIComponent);
  } catch {
    return url;
  }
}

/** Whether `wanted`, in lower case, is in the address, as it is or as it reads. */
export const isInAddress = (url: string, wanted: string): boolean =>
  url.toLowerCase().includes(wanted) || readable(url).toLowerCase().includes(wanted);

const text = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : typeof value === "number" ? String(value) : null);

/** The page, the domain or the amount; else the first properties there are. */
export function summaryOf(event: StoredEvent): string {
  const { page, domain, amount, currency, product_id: product } = event.properties;
  if (text(page)) {
    const parts = pageParts(String(page));
    return parts.host + parts.path;
  }
  if (text(domain)) {
    return String(domain);
  }
  if (typeof amount === "number") {
    const money = [amount.toFixed(2), text(currency)].filter(Boolean).join(" ");
    return [money, text(product)].filter(Boolean).join(" · ");
  }
  return Object.entries(event.properties)
    .filter(([, value]) => text(value) !== null)
    .slice(0, 2)
    .map(([name, value]) => `${name}: ${String(value)}`)
    .join(" · ");
}

/** Whether the event has `needle` anywhere that a person would look for it. */
export function matches(event: StoredEvent, needle: string): boolean {
  const wanted = needle.trim().toLowerCase();
  if (wanted === "") {
    return true;
  }
  return `${event.event_type} ${event.user_id ?? ""} ${event.event_id} ${JSON.stringify(event.properties)}`.toLowerCase().includes(wanted);
}
