// That what the tracker made arrives, and counts once, whatever is in its way.

import type { Page } from "@playwright/test";

import { expect, test } from "./support/test.ts";
import { paths, stored } from "./support/stored.ts";

const queued = (page: Page) =>
  page.evaluate(() => Object.keys(localStorage).filter((name) => name.startsWith("footfall.event.")));

const settled = (page: Page) => expect.poll(() => queued(page)).toEqual([]);

const track = (page: Page, type: string, properties?: object) =>
  page.evaluate(([type, properties]) => (window as any).footfall.track(type, properties), [type, properties] as const);

const idsIn = (body: string): string[] => JSON.parse(body).map((event: { event_id: string }) => event.event_id);

/** Browsers write failed requests on the console by themselves. */
const REFUSED = [/console: Failed to load resource/, /^failed: POST /];
const NO_CORS = [...REFUSED, /blocked by CORS policy/];

test("what is made while the service is down arrives when it is back, once", async ({
  page,
  site,
  footfall,
  guard,
}) => {
  guard.expect(...NO_CORS);
  await page.goto(`${site.origin}/`);
  await settled(page);
  await footfall.stop();
  await track(page, "click", { number: 1 });
  await track(page, "click", { number: 2 });
  // They survive that the page goes.
  await page.evaluate(() => (location.href = "about:blank"));
  await page.waitForURL("about:blank");
  site.head = site.head.replace("<script", '<script data-auto="off"');
  await footfall.start();
  await page.goto(`${site.origin}/about`);
  await settled(page);
  const clicks = await stored(footfall, 2);
  expect(clicks.map(({ properties }) => properties.number)).toEqual([1, 2]);
});

test("an open page tries again by itself", async ({ page, site, footfall, guard }) => {
  guard.expect(...NO_CORS);
  await page.goto(`${site.origin}/`);
  await settled(page);
  await footfall.stop();
  for (let number = 0; number < 3; number++) await track(page, "click", { number });
  expect(await queued(page)).toHaveLength(3);
  await page.waitForTimeout(1_500);
  await footfall.start();
  const clicks = await stored(footfall, 3);
  expect(clicks.map(({ properties }) => properties.number)).toEqual([0, 1, 2]);
  await settled(page);
});

test("events that are made while one is refused don't hurry the next attempt", async ({ page, site, gate, guard }) => {
  guard.expect(...NO_CORS);
  gate.decide = async () => {
    await new Promise((resolve) => setTimeout(resolve, 30));
    return "cut" as const;
  };
  await page.goto(`${site.origin}/`);
  await page.evaluate(async () => {
    const start = performance.now();
    while (performance.now() < start + 600) {
      (window as any).footfall.track("click");
      await new Promise((resolve) => setTimeout(resolve));
    }
  });
  // The first, and what a browser does by itself when a connection breaks that it had used before.
  expect(gate.passages.length).toBeLessThanOrEqual(2);
});

test("what arrived though its answer didn't counts once", async ({ page, site, footfall, gate, guard }) => {
  guard.expect(...NO_CORS);
  gate.decide = () => (gate.passages.length <= 2 ? "late" : undefined);
  await page.goto(`${site.origin}/`);
  await settled(page);
  expect(gate.passages.length).toBeGreaterThanOrEqual(3);
  await stored(footfall, 1);
});

test("a refusal for now is waited out", async ({ page, site, footfall, gate, guard }) => {
  guard.expect(...NO_CORS);
  const readable = { "access-control-allow-origin": "*", "access-control-expose-headers": "retry-after" };
  const times: number[] = [];
  gate.decide = () => {
    times.push(Date.now());
    if (times.length === 1) return { status: 429, headers: { ...readable, "retry-after": "3" } };
    if (times.length === 2) return { status: 503, headers: readable };
    return undefined;
  };
  await page.goto(`${site.origin}/`);
  await settled(page);
  await stored(footfall, 1);
  // 3 s as the service said; then the second step of its own patience, which doubles.
  expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(2_900);
  expect((times[2] ?? 0) - (times[1] ?? 0)).toBeGreaterThanOrEqual(1_900);
});

for (const status of [401, 403, 404, 429, 500]) {
  test(`what is answered by ${status} stays`, async ({ page, site, footfall, gate, guard }) => {
    guard.expect(...NO_CORS);
    gate.decide = () => ({ status, headers: { "access-control-allow-origin": "*" } });
    await page.goto(`${site.origin}/`);
    await expect.poll(() => gate.passages.length).toBe(1);
    await page.waitForTimeout(300);
    expect(await queued(page)).toHaveLength(1);
    gate.decide = () => undefined;
    await settled(page);
    await stored(footfall, 1);
  });
}

for (const status of [400, 413, 422]) {
  test(`what is answered by ${status} goes`, async ({ page, site, footfall, gate, guard }) => {
    guard.expect(...NO_CORS);
    await page.goto(`${site.origin}/`);
    await settled(page);
    gate.decide = () => ({ status, headers: { "access-control-allow-origin": "*" } });
    await track(page, "click");
    await expect.poll(() => gate.passages.length).toBe(2);
    await settled(page);
    gate.decide = () => undefined;
    await track(page, "signup");
    await settled(page);
    expect((await stored(footfall, 2)).map(({ event_type }) => event_type)).toEqual(["page_view", "signup"]);
  });
}

test("a redirection is not taken for delivery", async ({ page, site, footfall, gate, guard }) => {
  guard.expect(...NO_CORS);
  const moved = { "access-control-allow-origin": "*", location: `${gate.origin}/health` };
  gate.decide = () => ({ status: 301, headers: moved });
  await page.goto(`${site.origin}/`);
  await expect.poll(() => gate.passages.length).toBeGreaterThanOrEqual(1);
  await page.waitForTimeout(300);
  expect(await queued(page)).toHaveLength(1);
  gate.decide = () => undefined;
  await settled(page);
  await stored(footfall, 1);
});

test("an event that the service doesn't want is not sent for ever", async ({ page, site, footfall, gate, guard }) => {
  guard.expect(...NO_CORS);
  await page.goto(`${site.origin}/`);
  await settled(page);
  const before = gate.passages.length;
  await track(page, "nobody-knows-this");
  await settled(page);
  expect(gate.passages).toHaveLength(before + 1);
  await stored(footfall, 1);
});

test("a page that goes sends a beacon, and the next one confirms it", async ({ page, site, footfall, gate, guard }) => {
  guard.expect(...NO_CORS);
  await page.goto(`${site.origin}/`);
  await settled(page);
  // Made and gone in one step: no fetch has begun.
  await page.evaluate(() => {
    (window as any).footfall.track("click", { last: true });
    dispatchEvent(new PageTransitionEvent("pagehide"));
  });
  await page.goto(`${site.origin}/about`);
  await settled(page);
  const events = await stored(footfall, 3);
  const click = events.find(({ event_type }) => event_type === "click");
  const carriers = gate.passages.filter(({ body }) => idsIn(body).includes(click?.event_id ?? ""));
  expect(carriers.length).toBeGreaterThanOrEqual(2);
  // The beacon's type has no character set, and the fetch's has one. Which comes first is for the browser to decide.
  const types = new Set(carriers.map(({ headers }) => headers["content-type"]));
  expect([...types].sort()).toEqual(["text/plain", "text/plain;charset=UTF-8"]);
});

test("a page that is left while it sends loses nothing", async ({ page, site, footfall, gate, guard }) => {
  guard.expect(...NO_CORS);
  await page.goto(`${site.origin}/`);
  await settled(page);
  for (let round = 0; round < 5; round++) {
    await page.evaluate((round) => {
      for (let number = 0; number < 4; number++) (window as any).footfall.track("click", { number: round * 4 + number });
      location.href = `/about?round=${round}`;
    }, round);
    await page.waitForURL(`**/about?round=${round}`);
  }
  await settled(page);
  await stored(footfall, 26);
  const clicks = await footfall.events("event_type=click");
  expect(clicks.map(({ properties }) => properties.number).sort((a, b) => Number(a) - Number(b))).toEqual(
    Array.from({ length: 20 }, (_, number) => number),
  );
  // None went with cookies, and none needed to ask first.
  expect(new Set(gate.passages.map(({ method }) => method))).toEqual(new Set(["POST"]));
});

test("two tabs at once lose nothing of each other's", async ({ context, page, site, footfall, guard }) => {
  guard.expect(...NO_CORS);
  const other = await context.newPage();
  await page.goto(`${site.origin}/`);
  await other.goto(`${site.origin}/about`);
  await Promise.all([settled(page), settled(other)]);
  await footfall.stop();
  const fill = (tab: Page, name: string) =>
    tab.evaluate(async (name) => {
      for (let number = 0; number < 20; number++) {
        (window as any).footfall.track("click", { from: name, number });
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }, name);
  await Promise.all([fill(page, "one"), fill(other, "two")]);
  expect(await queued(page)).toHaveLength(40);
  await footfall.start();
  const clicks = await stored(footfall, 40);
  const made = clicks.map(({ properties }) => `${properties.from} ${properties.number}`);
  expect(new Set(made).size).toBe(40);
  // One visitor, whose id was there before the second tab.
  expect(new Set(clicks.map(({ user_id }) => user_id)).size).toBe(1);
  await Promise.all([settled(page), settled(other)]);
});

test("the queue is bounded, and keeps the newest", async ({ page, site, footfall, guard }) => {
  guard.expect(...NO_CORS);
  await page.goto(`${site.origin}/`);
  await settled(page);
  await footfall.stop();
  await page.evaluate(async () => {
    for (let number = 0; number < 130; number++) {
      (window as any).footfall.track("click", { number });
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  });
  expect(await queued(page)).toHaveLength(100);
  // A day later nobody waits for them.
  await page.evaluate(() => {
    const day = 24 * 60 * 60 * 1_000;
    for (const name of Object.keys(localStorage).filter((name) => name.startsWith("footfall.event.")).slice(0, 50)) {
      const [, , made, id] = name.split(".");
      localStorage[`footfall.event.${Number(made) - day}.${id}`] = localStorage[name];
      delete localStorage[name];
    }
  });
  await footfall.start();
  await settled(page);
  const clicks = await stored(footfall, 50);
  expect(Math.min(...clicks.map(({ properties }) => Number(properties.number)))).toBeGreaterThanOrEqual(30);
});

test("much at once goes in parts that browsers keep alive", async ({ page, site, footfall, gate }) => {
  await page.goto(`${site.origin}/`);
  await settled(page);
  await page.evaluate(() => {
    // Three bytes a character.
    for (let number = 0; number < 12; number++) (window as any).footfall.track("click", { text: "鞋".repeat(9_000) });
  });
  await settled(page);
  await stored(footfall, 13);
  expect(gate.passages.length).toBeGreaterThan(2);
  for (const { body } of gate.passages) expect(Buffer.byteLength(body)).toBeLessThan(64 * 1024);
});

test("where storage is blocked a page still counts", async ({ page, site, footfall, guard }) => {
  guard.expect(...NO_CORS);
  await page.addInitScript(() => {
    Object.defineProperty(window, "localStorage", {
      get: () => {
        throw new DOMException("denied", "SecurityError");
      },
    });
  });
  await page.goto(`${site.origin}/`);
  await track(page, "click");
  const events = await stored(footfall, 2);
  expect(new Set(events.map(({ user_id }) => user_id)).size).toBe(1);
  await footfall.stop();
  await track(page, "signup");
  await page.waitForTimeout(300);
  await footfall.start();
  await stored(footfall, 1);
});

test("where storage is full a page still counts", async ({ page, site, footfall }) => {
  const { origin } = site;
  await page.route(`${origin}/fill`, (route) => route.fulfill({ contentType: "text/html", body: "<title>-</title>" }));
  await page.goto(`${origin}/fill`);
  const isFull = await page.evaluate(() => {
    for (const size of [1e6, 1e5, 1e4, 1e3, 100, 10, 1]) {
      try {
        for (let number = 0; ; number++) localStorage[`${size} ${number}`] = "x".repeat(size);
      } catch {}
    }
    try {
      localStorage["footfall.visitor"] = "12345678-1234-4123-8123-123456789012";
    } catch {
      return true;
    }
    return false;
  });
  expect(isFull).toBe(true);
  await page.goto(`${origin}/about`);
  await track(page, "click");
  const events = await stored(footfall, 2);
  expect(new Set(events.map(({ user_id }) => user_id)).size).toBe(1);
  // Opting out is remembered all the same where there is room for a flag.
  await page.evaluate(() => {
    for (const name of Object.keys(localStorage).slice(-10)) delete localStorage[name];
  });
  await page.goto(`${origin}/about`);
  await page.evaluate(() => (window as any).footfall.optOut());
  const ours = () => Object.keys(localStorage).filter((name) => name.startsWith("footfall."));
  expect(await page.evaluate(ours)).toEqual(["footfall.off"]);
});

test.describe("where the service doesn't know the site", () => {
  test.use({ allowsSite: false });

  test("events are stored all the same, once, and the page notices nothing", async ({ page, site, footfall, guard }) => {
    guard.expect(...NO_CORS);
    await page.goto(`${site.origin}/`);
    await track(page, "click");
    await stored(footfall, 2);
    await page.getByRole("link", { name: "About" }).click();
    await expect(page).toHaveTitle("About");
    const events = await stored(footfall, 3);
    expect(paths(events.filter(({ event_type }) => event_type === "page_view"))).toEqual(["/", "/about"]);
    // Nobody could read that they arrived: they stay, and are sent again, which counts nothing.
    await page.waitForTimeout(1_500);
    expect(await queued(page)).toHaveLength(3);
    await stored(footfall, 3);
  });

  test("more views than go at once all arrive", async ({ page, site, footfall, guard }) => {
    guard.expect(...NO_CORS);
    await page.goto(`${site.origin}/app`);
    await page.evaluate(async () => {
      for (let number = 1; number < 80; number++) {
        history.pushState({}, "", `/app/${number}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    });
    const views = await stored(footfall, 80);
    expect(new Set(paths(views)).size).toBe(80);
  });

  test("a page that goes tells first what was never sent", async ({ page, site, footfall, gate, guard }) => {
    guard.expect(...NO_CORS);
    await page.goto(`${site.origin}/`);
    await page.evaluate(() => {
      for (let number = 0; number < 10; number++) (window as any).footfall.track("click", { text: "x".repeat(1_800) });
    });
    await expect.poll(() => gate.passages.length).toBe(2);
    await page.evaluate(() => {
      for (let number = 0; number < 5; number++) (window as any).footfall.track("signup", { text: "x".repeat(1_800) });
      dispatchEvent(new PageTransitionEvent("pagehide"));
    });
    await stored(footfall, 5, "event_type=signup");
    expect(gate.passages).toHaveLength(3);
  });
});
