/** The view in the address as React state: changes push an entry, so back and forward work. */
import { useSyncExternalStore } from "react";
import { formatView, parseView, type View } from "./url";

const listeners = new Set<() => void>();
let search = window.location.search;
let view = parseView(search);

function read(): void {
  if (window.location.search !== search) {
    search = window.location.search;
    view = parseView(search);
    listeners.forEach((listener) => listener());
  }
}
window.addEventListener("popstate", read);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useView(): View {
  return useSyncExternalStore(subscribe, () => view);
}

/** Goes to a view that differs from the present one in `change`. */
export function changeView(change: Partial<View>): void {
  const query = formatView({ ...view, ...change });
  if (query !== window.location.search) {
    window.history.pushState(null, "", window.location.pathname + query);
    read();
  }
}
