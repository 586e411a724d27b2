/**
 * The API key: for this tab, or, where the user wants that, remembered on the device; and whether one is being asked for.
 */
import { useSyncExternalStore } from "react";

const storageName = "footfall.key";

/** Why a key is asked for. `missing`: the service wants one; `refused`: not this one; `weak`: it may not read. */
export type KeyRequest = "missing" | "refused" | "weak";

interface KeyState {
  key: string | null;
  remembered: boolean;
  request: KeyRequest | null;
  /** Whether the dialog stands open. The user may put it off; panels then offer to open it again. */
  open: boolean;
}

function storages(): Storage[] {
  try {
    return [window.sessionStorage, window.localStorage];
  } catch {
    return []; // Switched off: the key lives as long as the page.
  }
}

function load(): KeyState {
  for (const [index, storage] of storages().entries()) {
    const key = storage.getItem(storageName);
    if (key) {
      return { key, remembered: index === 1, request: null, open: false };
    }
  }
  return { key: null, remembered: false, request: null, open: false };
}

let state = load();
const listeners = new Set<() => void>();

function set(next: KeyState): void {
  state = next;
  listeners.forEach((listener) => listener());
}

export function subscribeKey(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const currentKey = (): KeyState => state;

export function useKey(): KeyState {
  return useSyncExternalStore(subscribeKey, currentKey);
}

/** An answer said 401 or 403 to `usedKey`. Answers to a key that has been replaced since say nothing. */
export function keyRefused(status: number, usedKey: string | null): void {
  if (usedKey === state.key && state.request === null) {
    const request = status === 403 ? "weak" : usedKey === null ? "missing" : "refused";
    set({ ...state, request, open: true });
  }
}

export function openKeyDialog(): void {
  set({ ...state, request: state.request ?? "missing", open: true });
}

export function closeKeyDialog(): void {
  set({ ...state, open: false });
}

export function acceptKey(key: string, remember: boolean): void {
  for (const [index, storage] of storages().entries()) {
    storage.removeItem(storageName);
    if (index === (remember ? 1 : 0)) {
      storage.setItem(storageName, key);
    }
  }
  set({ key, remembered: remember, request: null, open: false });
}

export function forgetKey(): void {
  storages().forEach((storage) => storage.removeItem(storageName));
  set({ key: null, remembered: false, request: null, open: false });
}
