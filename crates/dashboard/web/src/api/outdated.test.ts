import { describe, expect, it } from "vitest";
import { isLoadedOn, isOutdated } from "./outdated";

const day = { kind: "24h" };
const custom = { kind: "custom", from: 200, to: 300 };

describe("figures", () => {
  it("of now are out of date with each event, and each minute", () => {
    expect(isOutdated(["figures", "summary", "current", day], "news", 100)).toBe(true);
    expect(isOutdated(["figures", "pages", day, "views", 10], "news", 100)).toBe(true);
    expect(isOutdated(["figures", "summary", "current", day], "minute", 100)).toBe(true);
  });

  it("of the period before only move along with time", () => {
    expect(isOutdated(["figures", "summary", "previous", day], "news", 100)).toBe(false);
    expect(isOutdated(["figures", "summary", "previous", day], "minute", 100)).toBe(true);
  });

  it("of chosen dates stay as they are once those have passed", () => {
    for (const reason of ["news", "minute"] as const) {
      expect(isOutdated(["figures", "summary", "current", custom], reason, 299)).toBe(true);
      expect(isOutdated(["figures", "summary", "current", custom], reason, 300)).toBe(false);
    }
    expect(isOutdated(["figures", "timeseries", "previous", custom], "minute", 250)).toBe(false);
    expect(isOutdated(["figures", "timeseries", "previous", custom], "minute", 0)).toBe(true);
  });
});

it("tells what was loaded on from a first answer", () => {
  expect(isLoadedOn({ pages: [{}, {}], pageParams: [null, "c"] })).toBe(true);
  expect([undefined, null, [], {}, { pages: [{}] }].map(isLoadedOn)).toEqual([false, false, false, false, false]);
});
