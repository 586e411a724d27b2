import { describe, expect, it } from "vitest";
import { activitySpan, axisMarks, intervalFor, relativePeriods, spanBefore, spanOf } from "./period";

const at = (text: string): number => Date.parse(text);
const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

describe("the span of a period", () => {
  it("ends with the minute that is running", () => {
    const span = spanOf({ kind: "24h" }, at("2026-11-25T09:41:30.500Z"));
    expect(span).toEqual({ from: at("2026-11-24T09:42:00Z"), to: at("2026-11-25T09:42:00Z") });
  });

  it("has room for what happens on the full minute", () => {
    expect(spanOf({ kind: "1h" }, at("2026-11-25T09:41:00Z")).to).toBe(at("2026-11-25T09:42:00Z"));
  });

  it("is as long as its name says, over changes of the clocks too", () => {
    const lengths = relativePeriods.map((kind) => {
      const { from, to } = spanOf({ kind }, at("2026-03-29T12:00:00Z"));
      return to - from;
    });
    expect(lengths).toEqual([hour, day, 7 * day, 30 * day]);
  });

  it("is what was chosen", () => {
    expect(spanOf({ kind: "custom", from: 5, to: 9 }, 1000)).toEqual({ from: 5, to: 9 });
  });

  it("has one before it: as long, and without a gap", () => {
    expect(spanBefore({ from: 100, to: 130 })).toEqual({ from: 70, to: 100 });
  });
});

describe("the interval", () => {
  it("suits the period", () => {
    const intervals = relativePeriods.map((kind) => intervalFor(spanOf({ kind }, 0)));
    expect(intervals).toEqual(["minute", "hour", "hour", "day"]);
  });

  it("gives no more than about two hundred points, up to half a year", () => {
    const lengths = { minute, hour, day };
    for (const length of [minute, 3 * hour, 4 * hour, 5 * day, 9 * day, 180 * day]) {
      const points = length / lengths[intervalFor({ from: 0, to: length })];
      expect(points).toBeLessThanOrEqual(200);
    }
  });
});

describe("marks on the time axis", () => {
  const hours = (from: string, count: number) => Array.from({ length: count }, (_, index) => at(from) + index * hour);

  it("are left to the chart for a day, and for days", () => {
    expect(axisMarks(hours("2026-11-24T10:00:00Z", 25), "hour", "UTC")).toBeNull();
    expect(axisMarks([0, day, 2 * day, 3 * day], "day", "UTC")).toBeNull();
    expect(axisMarks([], "hour", "UTC")).toBeNull();
  });

  it("stand where a day begins in the zone", () => {
    expect(axisMarks(hours("2026-11-18T10:00:00Z", 72), "hour", "UTC")).toEqual([14, 38, 62]);
    expect(axisMarks(hours("2026-11-18T10:00:00Z", 72), "hour", "Europe/Berlin")).toEqual([13, 37, 61]);
  });

  it("follow the clocks: a day may have 25 hours", () => {
    expect(axisMarks(hours("2026-10-24T10:00:00Z", 72), "hour", "Europe/Berlin")).toEqual([12, 37, 61]);
  });
});

it("looks at activity from the start of the window that the span begins in", () => {
  const span = { from: at("2026-11-25T09:42:00Z"), to: at("2026-11-25T10:42:00Z") };
  expect(activitySpan(span)).toEqual({ from: at("2026-11-25T08:00:00Z"), to: span.to });
});
