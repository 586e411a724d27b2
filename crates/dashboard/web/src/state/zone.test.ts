import { describe, expect, it } from "vitest";
import { instantToLocal, knownZone, localToInstant, offsetMs, wallAt, zones } from "./zone";

const at = (text: string): number => Date.parse(text);

describe("a zone's offset", () => {
  it("follows summer time", () => {
    expect(offsetMs(at("2026-01-15T12:00:00Z"), "Europe/Berlin")).toBe(3_600_000);
    expect(offsetMs(at("2026-07-15T12:00:00Z"), "Europe/Berlin")).toBe(7_200_000);
  });

  it("may be a part of an hour, and behind", () => {
    expect(offsetMs(at("2026-01-15T12:00:00.250Z"), "Asia/Kathmandu")).toBe(345 * 60_000);
    expect(offsetMs(at("2026-01-15T12:00:00Z"), "America/St_Johns")).toBe(-210 * 60_000);
  });
});

describe("a time on the wall", () => {
  it("goes there and back", () => {
    for (const zone of ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "Pacific/Apia"]) {
      for (const local of ["2026-01-01T00:00", "2026-06-30T23:59", "2024-02-29T12:30"]) {
        expect(instantToLocal(localToInstant(local, zone) ?? 0, zone)).toBe(local);
      }
    }
  });

  it("that clocks skip is taken as if they were not put forward yet", () => {
    expect(localToInstant("2026-03-29T02:30", "Europe/Berlin")).toBe(at("2026-03-29T01:30:00Z"));
  });

  it("that clocks show twice is the earlier", () => {
    expect(localToInstant("2026-10-25T02:30", "Europe/Berlin")).toBe(at("2026-10-25T00:30:00Z"));
    expect(localToInstant("2026-11-01T01:30", "America/New_York")).toBe(at("2026-11-01T05:30:00Z"));
  });

  it("that no calendar has is none", () => {
    for (const local of ["", "yesterday", "2026-02-31T10:00", "2026-13-01T10:00", "2026-01-01T24:01", "2026-01-01"]) {
      expect(localToInstant(local, "UTC")).toBeNull();
    }
  });

  it("may be of the first century", () => {
    expect(localToInstant("0050-03-01T10:00", "UTC")).toBe(at("0050-03-01T10:00:00Z"));
  });

  it("has midnight as 0 o'clock", () => {
    expect(wallAt(at("2026-11-25T00:00:00Z"), "UTC").hour).toBe(0);
  });
});

it("tells zones from other words", () => {
  for (const name of ["UTC", "Europe/Berlin", "America/New_York"]) {
    expect(knownZone(name)).toBe(name);
  }
  expect(knownZone("europe/paris")).toBe("Europe/Paris");
  for (const word of ["", "Europe/Atlantis", "+05:00", "-0330"]) {
    expect(knownZone(word)).toBeNull();
  }
});

it("lists UTC first, each zone once, and the given one", () => {
  const all = zones("Etc/GMT+5");
  expect(all[0]).toBe("UTC");
  expect(all).toContain("Etc/GMT+5");
  expect(all).toContain("America/New_York");
  expect(new Set(all).size).toBe(all.length);
});
