// Runs before the first paint, so that a remembered theme doesn't flash. The rest is in src/state/theme.ts.
try {
  var theme = localStorage.getItem("footfall.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch (unavailable) {
  // Storage is switched off: the system's theme it is.
}
