import { describe, expect, it } from "vitest";
import { defaultView, formatView, parseView, type View } from "./url";

describe("the address", () => {
  it("is empty for the default view", () => {
    expect(formatView(defaultView)).toBe("");
    expect(parseView("")).toEqual(defaultView);
  });

  it("holds everything that is looked at", () => {
    const view: View = {
      period: { kind: "custom", from: Date.parse("2026-11-01T00:00:00Z"), to: Date.parse("2026-11-08T12:30:00Z") },
      zone: "America/New_York",
      page: "https://shop.example/a?b=c&d=ä#+ %",
      eventType: "page_view",
      metric: "events",
      order: "views",
      user: "user 7 & co",
      domain: "mail.example",
    };
    expect(parseView(formatView(view))).toEqual(view);
    expect(formatView(view)).toContain("from=2026-11-01T00%3A00%3A00Z");
  });

  it("holds each of the periods", () => {
    for (const kind of ["1h", "24h", "7d", "30d"] as const) {
      expect(parseView(formatView({ ...defaultView, period: { kind } })).period).toEqual({ kind });
    }
  });

  it("takes the default for what makes no sense", () => {
    for (const query of [
      "?period=2w",
      "?period=custom",
      "?period=custom&from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z",
      "?period=custom&from=1900-01-01T00:00:00Z&to=2026-11-01T00:00:00Z",
      "?period=custom&from=-000001-12-31T00:00:00Z&to=0001-01-02T00:00:00Z",
      "?period=custom&from=9999-12-31T00:00:00Z&to=%2B010000-01-02T00:00:00Z",
      "?tz=%2B05:00&page=about&domain=.",
      "?page=ftp://shop.example/&domain=..",
      "?page=https://",
      "?tz=Europe/Atlantis&metric=money&order=luck&page=&type=%20&user=",
    ]) {
      expect(parseView(query)).toEqual(defaultView);
    }
  });

  it("takes a page by its path, or its whole address", () => {
    for (const page of ["/", "/about?x=y", "http://shop.example", "https://shop.example/grüße"]) {
      expect(parseView(`?page=${encodeURIComponent(page)}`).page).toBe(page);
    }
  });

  it("understands any offset", () => {
    const view = parseView("?period=custom&from=2026-11-01T02:00:00%2B02:00&to=2026-11-01T02:00:00Z");
    expect(view.period).toEqual({ kind: "custom", from: Date.parse("2026-11-01T00:00:00Z"), to: Date.parse("2026-11-01T02:00:00Z") });
  });
});
