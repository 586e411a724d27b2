/** Light, dark or as the system has it; remembered on the device. `public/theme.js` sets it before the first paint. */
import { useSyncExternalStore } from "react";

export const themes = ["system", "light", "dark"] as const;
export type Theme = (typeof themes)[number];

const listeners = new Set<() => void>();
const dark = window.matchMedia("(prefers-color-scheme: dark)");
dark.addEventListener("change", () => listeners.forEach((listener) => listener()));

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function chosen(): Theme {
  const theme = document.documentElement.dataset.theme;
  return theme === "light" || theme === "dark" ? theme : "system";
}

/** Names what is on the screen, so that a canvas, which no style reaches, knows when to be drawn anew. */
function shown(): "light" | "dark" {
  const theme = chosen();
  return theme === "system" ? (dark.matches ? "dark" : "light") : theme;
}

export const useTheme = (): Theme => useSyncExternalStore(subscribe, chosen);
export const useShownTheme = (): "light" | "dark" => useSyncExternalStore(subscribe, shown);

export function setTheme(theme: Theme): void {
  if (theme === "system") {
    delete document.documentElement.dataset.theme;
  } else {
    document.documentElement.dataset.theme = theme;
  }
  try {
    window.localStorage.setItem("footfall.theme", theme);
  } catch {
    // Storage is switched off: the choice holds for this page.
  }
  listeners.forEach((listener) => listener());
}
