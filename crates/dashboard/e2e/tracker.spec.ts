// What the tracker sends, and when; that what it made arrives, once. In `delivery.spec.ts`: when something is in its way.

import type { Page } from "@playwright/test";

import { expect, test } from "./support/test.ts";
import { paths, stored } from "./support/stored.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** What the tracker keeps in the page's storage. */
const kept = (page: Page) =>
  page.evaluate(() => Object.keys(localStorage).filter((name) => name.startsWith("footfall.")));

/** Waits until nothing is queued. */
const settled = (page: Page) =>
  expect.poll(async () => (await kept(page)).filter((name) => name.startsWith("footfall.event."))).toEqual([]);

const track = (page: Page, type: string, properties?: object) =>
  page.evaluate(([type, properties]) => (window as any).footfall.track(type, properties), [type, properties] as const);

test("the first view says what was seen, and where from", async ({ page, site, footfall }) => {
  await page.goto(`${site.origin}/about#team`, { referer: "https://search.example/" });
  const [view] = await stored(footfall, 1);
  expect(view).toMatchObject({
    event_type: "page_view",
    properties: {
      page: `${site.origin}/about`,
      referrer: "https://search.example/",
      title: "About",
      language: "en-GB",
      screen_width: 1280,
    },
  });
  expect(view?.event_id).toMatch(UUID);
  expect(view?.user_id).toMatch(UUID);
  expect(Math.abs(Date.parse(view?.timestamp ?? "") - Date.now())).toBeLessThan(60_000);
  await settled(page);
  expect(await kept(page)).toEqual(["footfall.visitor"]);
});

test("each page that is loaded is a view by the same visitor", async ({ page, site, footfall }) => {
  await page.goto(`${site.origin}/`);
  await page.getByRole("link", { name: "Shoes" }).click();
  await expect(page).toHaveTitle("Shoes");
  await page.getByRole("link", { name: "About" }).click();
  await expect(page).toHaveTitle("About");
  await page.reload();
  const views = await stored(footfall, 4);
  expect(paths(views)).toEqual(["/", "/shoes?size=43", "/about", "/about"]);
  expect(new Set(views.map(({ user_id }) => user_id)).size).toBe(1);
  await settled(page);
});

test("navigation in the page is a view where path or query change", async ({ page, site, footfall }) => {
  await page.goto(`${site.origin}/app`);
  await page.getByRole("link", { name: "One" }).click();
  await stored(footfall, 2);
  await page.getByRole("link", { name: "Two" }).click();
  await stored(footfall, 3);
  await page.getByRole("link", { name: "End" }).click();
  await page.evaluate(() => history.replaceState({}, "", "#elsewhere"));
  // An address that is cleaned, or searched in as one types, is the same page; also for what comes at once after.
  await page.evaluate(() => {
    history.replaceState({}, "", "?utm_source=mail");
    history.replaceState({}, "", "?");
  });
  await page.waitForTimeout(300);
  await page.evaluate(() => history.pushState({}, "", "#more"));
  await page.waitForTimeout(300);
  await page.evaluate(() => {
    history.replaceState({ scrolled: 100 }, "");
    history.pushState({}, "", "?tab=3");
  });
  await stored(footfall, 4);
  // A redirection within the page is one view.
  await page.evaluate(() => {
    history.pushState({}, "", "/app/old");
    history.replaceState({}, "", "/app/new");
  });
  await stored(footfall, 5);
  await page.goBack();
  await stored(footfall, 6);
  await page.goForward();
  const views = await stored(footfall, 7);
  const [app, one, two, three, renewed, back, forward] = views.map(({ properties }) => properties);
  expect(paths(views)).toEqual([
    "/app",
    "/app/one",
    "/app/two?tab=2",
    "/app/two?tab=3",
    "/app/new",
    "/app/two?tab=3",
    "/app/new",
  ]);
  // The title that the page set right after.
  expect([one?.title, two?.title]).toEqual(["App /app/one", "App /app/two"]);
  expect([app?.referrer, one?.referrer, two?.referrer]).toEqual(["", app?.page, one?.page]);
  expect([renewed?.referrer, back?.referrer, forward?.referrer]).toEqual([three?.page, renewed?.page, back?.page]);
  await settled(page);
});

test("a page that comes back from the cache is a view again", async ({ page, site, footfall }) => {
  // Playwright starts Chromium without its back/forward cache, so the event is made here; `bfcache.spec.ts` has the real one.
  await page.goto(`${site.origin}/about`);
  await stored(footfall, 1);
  await page.evaluate(() => dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })));
  expect(paths(await stored(footfall, 2))).toEqual(["/about", "/about"]);
  await settled(page);
});

test("a page that is rendered ahead is a view when it is shown", async ({ page, site, footfall, gate }) => {
  await page.addInitScript(() => {
    Object.defineProperty(Document.prototype, "prerendering", { get: () => !(window as any).shown });
  });
  await page.goto(`${site.origin}/about`);
  await track(page, "click");
  await page.waitForTimeout(300);
  expect(gate.passages).toEqual([]);
  expect(await kept(page)).toEqual([]);
  await page.evaluate(() => {
    (window as any).shown = true;
    document.dispatchEvent(new Event("prerenderingchange"));
  });
  const events = await stored(footfall, 2);
  expect(events.map(({ event_type }) => event_type).sort()).toEqual(["click", "page_view"]);
  await settled(page);
});

test("pages track what they like, and say who it is", async ({ page, site, footfall }) => {
  await page.goto(`${site.origin}/`);
  await stored(footfall, 1);
  await track(page, "purchase", { amount: 12.5, product_id: "shoe-43" });
  await page.evaluate(() => (window as any).footfall.identify("ann"));
  await track(page, "click");
  await page.getByRole("link", { name: "About" }).click();
  await expect(page).toHaveTitle("About");
  const [, , , about] = await stored(footfall, 4);
  expect(about).toMatchObject({ user_id: "ann", event_type: "page_view" });
  const [purchase] = await footfall.events("event_type=purchase");
  expect(purchase?.properties).toEqual({ amount: 12.5, product_id: "shoe-43" });
  expect(purchase?.user_id).toMatch(UUID);
  const [click] = await footfall.events("event_type=click");
  expect(click?.user_id).toBe("ann");
  // Signed out: the visitor of before.
  await page.evaluate(() => (window as any).footfall.identify());
  await track(page, "signup");
  await stored(footfall, 5);
  const [signup] = await footfall.events("event_type=signup");
  expect(signup?.user_id).toBe(purchase?.user_id);
  await settled(page);
});

test("the tag's attributes are followed", async ({ page, site, footfall, gate, tag }) => {
  // Loaded from one place, sent to another.
  site.head = `<script defer src="${footfall.origin}/tracker.js" data-endpoint="${gate.origin}" data-auto="off"
    data-user="42" data-key="a secret&more"></script>`;
  await page.goto(`${site.origin}/about`);
  await page.evaluate(() => history.pushState({}, "", "/app"));
  await page.waitForTimeout(300);
  expect(gate.passages).toEqual([]);
  await track(page, "page_view", { section: "team" });
  const [view] = await stored(footfall, 1);
  expect(view).toMatchObject({ user_id: "42", properties: { page: `${site.origin}/app`, section: "team" } });
  expect(gate.passages.map(({ path }) => path)).toEqual(["/events?key=a+secret%26more"]);
  tag();
});

test("a script within the page counts, and one that is set up wrongly throws nothing", async ({
  page,
  site,
  footfall,
  gate,
}) => {
  const script = await (await fetch(`${footfall.origin}/tracker.js`)).text();
  site.head = `<script data-endpoint="${gate.origin}">${script}</script>`;
  await page.goto(`${site.origin}/`);
  await stored(footfall, 1);
  await settled(page);
  site.head = `<script data-endpoint="http://[">${script}</script>`;
  await page.goto(`${site.origin}/about`);
  await page.waitForTimeout(300);
  await stored(footfall, 1);
});

test("what was tracked before the script was there is sent", async ({ page, site, footfall, tag }) => {
  tag(
    "",
    `<script>
      window.footfall ||= ["track", "identify", "optOut", "optIn"].reduce(
        (stub, name) => ({ ...stub, [name]: (...given) => stub.q.push([name, ...given]) }),
        { q: [] },
      );
      footfall.optOut();
      footfall.track("click");
      footfall.optIn();
      footfall.identify("ann");
      footfall.track("signup", { plan: "pro" });
    </script>`,
  );
  await page.goto(`${site.origin}/`);
  await stored(footfall, 2);
  const [signup] = await footfall.events("event_type=signup");
  expect(signup).toMatchObject({ user_id: "ann", properties: { plan: "pro" } });
  await settled(page);
});

test("two tags count once", async ({ page, site, footfall }) => {
  site.head += site.head;
  await page.goto(`${site.origin}/`);
  await stored(footfall, 1);
  await page.waitForTimeout(300);
  await stored(footfall, 1);
});

test("a page that isn't secure has ids too", async ({ page, site, footfall }) => {
  await page.addInitScript(() => Reflect.deleteProperty(Crypto.prototype, "randomUUID"));
  await page.goto(`${site.origin}/`);
  const [view] = await stored(footfall, 1);
  expect(view?.event_id).toMatch(UUID);
  expect(view?.user_id).toMatch(UUID);
});

for (const [name, property, value] of [
  ["Do Not Track", "doNotTrack", "1"],
  ["Global Privacy Control", "globalPrivacyControl", true],
] as const) {
  test(`${name}: nothing is sent and nothing is stored`, async ({ page, site, gate }) => {
    await page.addInitScript(
      ([property, value]) => Object.defineProperty(Navigator.prototype, property, { get: () => value }),
      [property, value] as const,
    );
    await page.goto(`${site.origin}/`);
    await track(page, "click");
    await page.evaluate(() => (window as any).footfall.identify("ann"));
    await page.evaluate(() => history.pushState({}, "", "/app"));
    await page.goto(`${site.origin}/about`);
    await page.waitForTimeout(300);
    expect(gate.passages).toEqual([]);
    expect(await kept(page)).toEqual([]);
  });
}

test("who opts out is forgotten here until they opt in", async ({ page, site, footfall, gate }) => {
  await page.goto(`${site.origin}/`);
  const [before] = await stored(footfall, 1);
  await settled(page);
  await page.evaluate(() => (window as any).footfall.optOut());
  expect(await kept(page)).toEqual(["footfall.off"]);
  await track(page, "click");
  await page.goto(`${site.origin}/about`);
  await page.waitForTimeout(300);
  expect(gate.passages).toHaveLength(1);
  expect(await kept(page)).toEqual(["footfall.off"]);
  await page.evaluate(() => (window as any).footfall.optIn());
  const views = await stored(footfall, 2);
  expect(paths(views)).toEqual(["/", "/about"]);
  expect(views[1]?.user_id).not.toBe(before?.user_id);
  await settled(page);
});

test("nothing that a page hands over makes it throw", async ({ page, site, footfall }) => {
  await page.goto(`${site.origin}/`);
  await stored(footfall, 1);
  const thrown = await page.evaluate(() => {
    const circle: Record<string, unknown> = {};
    circle.itself = circle;
    const hostile = { toString: () => { throw new Error("no text"); } };
    const { footfall } = window as any;
    try {
      footfall.track();
      footfall.track("click", circle);
      footfall.track("click", { big: 10n });
      footfall.track("click", { long: "x".repeat(1e6) });
      footfall.identify(hostile);
      footfall.track("click");
      footfall.identify("bob");
      footfall.track("click", { fine: true });
      return "";
    } catch (error) {
      return String(error);
    }
  });
  expect(thrown).toBe("");
  await expect.poll(() => footfall.events("event_type=click&user_id=bob")).toHaveLength(1);
  await settled(page);
});
