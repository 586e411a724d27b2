import { describe, expect, it } from "vitest";
import type { StoredEvent } from "../api/types";
import { isInAddress, matches, pageParts, readable, summaryOf } from "./event";
import { changeOf, formatCompact, formatCount, formatPercent, formatRatio, plural } from "./number";
import { axisLabel, formatAge, formatSpan, pointLabel } from "./time";

describe("numbers", () => {
  it("are whole and grouped", () => {
    expect(formatCount(0)).toBe("0");
    expect(formatCount(1_234_567)).toBe("1,234,567");
    expect(formatCompact(12_345)).toBe("12.3K");
    expect(formatRatio(3)).toBe("3.0");
    expect(plural(1, "event")).toBe("1 event");
    expect(plural(1200, "event")).toBe("1,200 events");
  });

  it("compare to those before", () => {
    expect(changeOf(150, 100)).toEqual({ kind: "up", percent: 50 });
    expect(changeOf(75, 100)).toEqual({ kind: "down", percent: 25 });
    expect(changeOf(0, 100)).toEqual({ kind: "down", percent: 100 });
    expect(changeOf(100, 100)).toEqual({ kind: "same" });
    expect(changeOf(5, 0)).toEqual({ kind: "new" });
    expect(changeOf(0, 0)).toEqual({ kind: "none" });
  });

  it("are percentages as fine as makes sense", () => {
    expect(formatPercent(0)).toBe("0%");
    expect(formatPercent(0.04)).toBe("<0.1%");
    expect(formatPercent(0.44)).toBe("0.4%");
    expect(formatPercent(9.96)).toBe("10%");
    expect(formatPercent(12.4)).toBe("12%");
    expect(formatPercent(1200)).toBe("1,200%");
  });
});

describe("times", () => {
  const at = Date.parse("2026-11-25T23:30:00Z");

  it("are in the page's zone", () => {
    expect(axisLabel(at, "minute", "Europe/Berlin", false)).toBe("00:30");
    expect(axisLabel(at, "hour", "Europe/Berlin", true)).toBe("Thu 26");
    expect(axisLabel(at, "day", "UTC", false)).toBe("25 Nov");
    expect(pointLabel(at, "hour", "UTC")).toBe("Wed 25 Nov, 23:30–00:30");
  });

  it("have a year where it isn't this one", () => {
    const from = Date.parse("2001-02-03T04:05:00Z");
    expect(formatSpan({ from, to: from + 60_000 }, "UTC")).toBe("3 Feb 2001, 04:05 – 3 Feb 2001, 04:06");
  });

  it("are ages", () => {
    expect([0, -5000, 40_000, 200_000, 7_300_000, 400_000_000].map(formatAge)).toEqual([
      "just now",
      "just now",
      "40 s ago",
      "3 min ago",
      "2 h ago",
      "4 days ago",
    ]);
  });
});

describe("an event", () => {
  const event = (properties: Record<string, unknown>): StoredEvent => ({
    event_id: "0190",
    user_id: "user-7",
    event_type: "purchase",
    timestamp: "2026-11-25T09:00:00.000000Z",
    properties,
  });

  it("is summed up by what it is about", () => {
    expect(summaryOf(event({ page: "https://shop.example/a?b=c" }))).toBe("shop.example/a?b=c");
    expect(summaryOf(event({ page: "/home" }))).toBe("/home");
    expect(summaryOf(event({ domain: "mail.example" }))).toBe("mail.example");
    expect(summaryOf(event({ amount: 67.9, currency: "EUR", product_id: "p-1" }))).toBe("67.90 EUR · p-1");
    expect(summaryOf(event({ nested: {}, plan: "pro", seats: 3, more: "x" }))).toBe("plan: pro · seats: 3");
    expect(summaryOf(event({}))).toBe("");
  });

  it("is found by its type, its user and its properties", () => {
    for (const needle of ["", "PURCH", "user-7", "Pro", "0190"]) {
      expect(matches(event({ plan: "pro" }), needle)).toBe(true);
    }
    expect(matches(event({ plan: "pro" }), "basic")).toBe(false);
  });

  it("has a page of host and path", () => {
    expect(pageParts("https://shop.example")).toEqual({ host: "shop.example", path: "/" });
    expect(pageParts("http://a:8080/b#c")).toEqual({ host: "a:8080", path: "/b#c" });
    expect(pageParts("//x")).toEqual({ host: "", path: "//x" });
  });
});

describe("an address", () => {
  const encoded = "https://shop.example/gr%C3%BC%C3%9Fe";

  it("is read decoded, as far as it is UTF-8", () => {
    expect(readable(encoded)).toBe("https://shop.example/grüße");
    expect(readable("/%E4%BD%A0?a=%26")).toBe("/你?a=%26");
    expect(readable("/100%")).toBe("/100%");
    expect(readable("/%FC")).toBe("/%FC");
    expect(readable("/a%20b%E2%80%AEc%0A")).toBe("/a%20b%E2%80%AEc%0A");
  });

  it("is found in both forms", () => {
    expect(isInAddress(encoded, "grüße")).toBe(true);
    expect(isInAddress(encoded, "gr%c3%bc")).toBe(true);
    expect(isInAddress(encoded, "gruse")).toBe(false);
  });
});
