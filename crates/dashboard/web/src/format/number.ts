/** Numbers as people read them. English throughout, as all texts are. */

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const oneDigit = new Intl.NumberFormat("en", { maximumFractionDigits: 1, minimumFractionDigits: 1 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** `12,345`: exact, as the service is. */
export const formatCount = (value: number): string => whole.format(value);

/** `12.3K`, for axes, where there is no room. */
export const formatCompact = (value: number): string => compact.format(value);

export const formatRatio = (value: number): string => oneDigit.format(value);

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${formatCount(value)} ${value === 1 ? one : many}`;
}

export type Change = { kind: "up" | "down"; percent: number } | { kind: "same" | "new" | "none" };

/** How a figure compares to the one before. From nothing to something is "new": there is no percentage of that. */
export function changeOf(current: number, previous: number): Change {
  if (previous === 0) {
    return { kind: current === 0 ? "none" : "new" };
  }
  const percent = ((current - previous) / previous) * 100;
  if (percent === 0) {
    return { kind: "same" };
  }
  return { kind: percent > 0 ? "up" : "down", percent: Math.abs(percent) };
}

/** `12%`, `0.4%`, `1,200%`: a change that there is never reads as none. */
export function formatPercent(percent: number): string {
  if (percent > 0 && percent < 0.1) {
    return "<0.1%";
  }
  return percent < 9.95 ? `${Number(percent.toFixed(1))}%` : `${whole.format(percent)}%`;
}
