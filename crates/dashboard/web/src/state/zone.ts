/**
 * Time zones: between instants (milliseconds since 1970, UTC) and the wall clock of an IANA zone.
 *
 * Everything rests on what `Intl` knows of the zones; there is no table of rules here.
 */

const formats = new Map<string, Intl.DateTimeFormat>();

function wallFormat(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
    formats.set(zone, format);
  }
  return format;
}

export interface Wall {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

/** What a clock on the wall shows in `zone` at `instant`. */
export function wallAt(instant: number, zone: string): Wall {
  const fields: Record<string, number> = {};
  for (const part of wallFormat(zone).formatToParts(instant)) {
    fields[part.type] = Number(part.value);
  }
  const { year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = fields;
  return { year, month, day, hour, minute, second };
}

/** Like `Date.UTC`, which takes the year 50 to be 1950. */
function utc(year: number, month: number, day: number, hour: number, minute: number, second: number): number {
  return new Date(0).setUTCFullYear(year, month - 1, day) + ((hour * 60 + minute) * 60 + second) * 1000;
}

/** How far the zone's clocks are ahead of UTC at `instant`, in milliseconds. */
export function offsetMs(instant: number, zone: string): number {
  const wall = wallAt(instant, zone);
  const asUtc = utc(wall.year, wall.month, wall.day, wall.hour, wall.minute, wall.second);
  return asUtc - Math.floor(instant / 1000) * 1000;
}

const pad = (value: number, digits = 2): string => String(value).padStart(digits, "0");

/** `2026-11-25T09:30`: the form that `<input type="datetime-local">` takes. */
export function instantToLocal(instant: number, zone: string): string {
  const wall = wallAt(instant, zone);
  return `${pad(wall.year, 4)}-${pad(wall.month)}-${pad(wall.day)}T${pad(wall.hour)}:${pad(wall.minute)}`;
}

/**
 * The instant of a wall-clock time in `zone`, or null when it isn't one.
 *
 * A time that clocks show twice is taken as the earlier; one that they skip, as if they had not been
 * put forward yet. (The rule that `Temporal` calls "compatible".)
 */
export function localToInstant(local: string, zone: string): number | null {
  const match = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2}))?/.exec(local);
  if (!match) {
    return null;
  }
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map((part) => Number(part ?? 0));
  const asUtc = utc(year, month, day, hour, minute, second);
  // A date rolls over what no calendar has, such as 31 February: that is no time of anyone's.
  const check = new Date(asUtc);
  if (check.getUTCMonth() !== month - 1 || check.getUTCDate() !== day || hour > 23 || minute > 59) {
    return null;
  }
  const dayMs = 86_400_000;
  const before = offsetMs(asUtc - dayMs, zone);
  const after = offsetMs(asUtc + dayMs, zone);
  const fitting = [asUtc - before, asUtc - after].filter((instant) => instant + offsetMs(instant, zone) === asUtc);
  return fitting.length > 0 ? Math.min(...fitting) : asUtc - before;
}

/**
 * The zone by the name that `Intl` itself gives it, or null when it is none.
 *
 * `Intl` is more generous than the service: it also takes `europe/paris`, and offsets such as `+05:00`.
 */
export function knownZone(zone: string): string | null {
  if (zone === "" || /^[+-]/.test(zone)) {
    return null;
  }
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone: zone }).resolvedOptions().timeZone;
  } catch {
    return null;
  }
}

export function browserZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

/** All zones to choose from: UTC and the given ones always among them. */
export function zones(...given: string[]): string[] {
  const known = Intl.supportedValuesOf("timeZone");
  return [...new Set(["UTC", ...known, ...given])].sort((a, b) => (a === "UTC" ? -1 : b === "UTC" ? 1 : a < b ? -1 : 1));
}
