// The dashboard, as the people who use it see it: every view and every state. What the tracker sends shows in it at once.

import type { Page } from "@playwright/test";

import { expectAccessible } from "./support/axe.ts";
import { screenshot } from "./support/screenshot.ts";
import type { Footfall } from "./support/server.ts";
import { expect, test } from "./support/test.ts";

const HOUR_MS = 3_600_000;

const ago = (ms: number): string => new Date(Date.now() - ms).toISOString();

/** A shop's last hours: three pages, eight visitors, some clicks, purchases and mails. */
async function fill(footfall: Footfall): Promise<void> {
  const events: object[] = [];
  const pages = ["https://shop.example/", "https://shop.example/shoes", "https://shop.example/hats"];
  for (let visitor = 0; visitor < 8; visitor += 1) {
    const user_id = `visitor-${visitor}`;
    pages.slice(0, 1 + (visitor % 3)).forEach((page, place) => {
      const timestamp = ago((visitor + place + 1) * HOUR_MS + 600_000);
      events.push({ event_type: "page_view", user_id, timestamp, properties: { page } });
    });
    events.push({ event_type: "click", user_id, timestamp: ago((visitor + 1) * HOUR_MS) });
  }
  events.push({ event_type: "purchase", user_id: "visitor-1", timestamp: ago(2 * HOUR_MS), properties: { amount: 19.9, product_id: "shoe-1" } });
  events.push({ event_type: "bounced", timestamp: ago(HOUR_MS), properties: { domain: "strict.example" } });
  // The day before: half as many visitors.
  for (let visitor = 0; visitor < 4; visitor += 1) {
    const timestamp = ago((25 + visitor) * HOUR_MS);
    events.push({ event_type: "page_view", user_id: `visitor-${visitor}`, timestamp, properties: { page: pages[0] } });
  }
  await footfall.store(events);
  const users = [0, 1, 2].map((user) => ({ ID: `visitor-${user}`, segment: "customers" }));
  await post(footfall, "/users", [...users, { ID: "visitor-0", segment: "newsletter" }]);
  await post(footfall, "/segments/refresh", null);
  await post(footfall, "/metrics/calculate", null);
}

async function post(footfall: Footfall, path: string, body: unknown): Promise<void> {
  const headers = { "content-type": "application/json" };
  const init = body === null ? { method: "POST" } : { method: "POST", headers, body: JSON.stringify(body) };
  const answer = await fetch(footfall.origin + path, init);
  if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`);
}

const visit = (footfall: Footfall, user_id: string, page: string) =>
  footfall.store([{ event_type: "page_view", user_id, properties: { page } }]);

// Questions that are put in another way meanwhile are given up, and streams are left with their page.
test.beforeEach(({ guard }) => guard.expect(/^failed: GET \S+ net::ERR_ABORTED/));

const panel = (page: Page, name: string) => page.getByTestId(name);

test.describe("with data", () => {
  test.beforeEach(async ({ page, footfall }) => {
    await fill(footfall);
    await page.goto(footfall.origin);
    await expect(panel(page, "total-visitors")).toContainText("8");
  });

  test("totals, pages, types, segments and the chart are there", async ({ page }) => {
    await expect(panel(page, "total-views")).toContainText("15");
    await expect(panel(page, "total-events")).toContainText("25");
    await expect(panel(page, "totals")).toContainText("100%");
    await expect(panel(page, "pages").getByRole("row").nth(1)).toContainText("/");
    await expect(panel(page, "pages")).toContainText("/shoes");
    await expect(panel(page, "types")).toContainText("page view");
    await expect(panel(page, "types")).toContainText("purchase");
    await expect(panel(page, "segments")).toContainText("customers");
    await expect(panel(page, "segments")).toContainText("3");
    await expect(panel(page, "chart").locator("canvas")).toBeVisible();
    await screenshot(page, "dashboard-light");
  });

  for (const colorScheme of ["light", "dark"] as const) {
    test(`it is accessible (${colorScheme})`, async ({ page }) => {
      await page.emulateMedia({ colorScheme });
      await expect(panel(page, "segments")).toContainText("customers");
      await expectAccessible(page);
      await screenshot(page, `dashboard-${colorScheme}`);
    });
  }

  test("events show as they come: totals, pages, who is there, the stream", async ({ page, footfall }) => {
    await expect(panel(page, "live-status")).toContainText(/live/i);
    await expect(panel(page, "now-count")).toHaveText("0");
    await visit(footfall, "newcomer", "https://shop.example/socks");
    await expect(panel(page, "live-list")).toContainText("newcomer");
    await expect(panel(page, "now-count")).toHaveText("1");
    await expect(panel(page, "total-visitors")).toContainText("9");
    await expect(panel(page, "pages")).toContainText("/socks");
  });

  test("a page narrows everything, stands in the address, and is left again", async ({ page, footfall }) => {
    await panel(page, "pages").getByRole("button", { name: /\/hats/ }).click();
    await expect(panel(page, "filter-chip")).toContainText("/hats");
    await expect(panel(page, "total-visitors")).toContainText("2");
    expect(new URL(page.url()).searchParams.get("page")).toBe("https://shop.example/hats");
    await visit(footfall, "elsewhere", "https://shop.example/shoes");
    await visit(footfall, "here", "https://shop.example/hats");
    await expect(panel(page, "live-list")).toContainText("here");
    await expect(panel(page, "live-list")).not.toContainText("elsewhere");
    await screenshot(page, "dashboard-filtered");
    await page.reload();
    await expect(panel(page, "filter-chip")).toContainText("/hats");
    await page.goBack();
    await expect(panel(page, "filter-chip")).toHaveCount(0);
    await expect(panel(page, "total-visitors")).toContainText("10");
    await page.goForward();
    await panel(page, "filter-chip").getByRole("button").click();
    await expect(panel(page, "filter-chip")).toHaveCount(0);
  });

  test("a type narrows everything, too", async ({ page }) => {
    await panel(page, "types").getByRole("button", { name: /purchase/ }).click();
    await expect(panel(page, "filter-chip")).toContainText("purchase");
    await expect(panel(page, "total-visitors")).toContainText("1");
    await expect(panel(page, "total-events")).toContainText("1");
  });

  test("periods and time zones are chosen, and can be shared", async ({ page, footfall }) => {
    for (const [period, visitors] of [["7d", "8"], ["30d", "8"], ["1h", "0"]] as const) {
      await page.getByRole("button", { name: period, exact: true }).or(page.getByRole("radio", { name: period, exact: true })).first().click();
      await expect.poll(() => new URL(page.url()).searchParams.get("period")).toBe(period);
      await expect(panel(page, "total-visitors")).toContainText(visitors);
    }
    const query = `?period=custom&from=${ago(30 * HOUR_MS)}&to=${ago(24 * HOUR_MS)}&tz=America/New_York`;
    await page.goto(footfall.origin + query);
    await expect(panel(page, "total-visitors")).toContainText("4");
    await expect(page.getByRole("combobox", { name: /time zone/i })).toHaveValue("America/New_York");
    await screenshot(page, "dashboard-custom");
  });

  test("pages are sorted by either figure and filtered by text", async ({ page }) => {
    const pages = panel(page, "pages");
    await pages.getByRole("button", { name: /views/i }).first().click();
    await expect.poll(() => new URL(page.url()).searchParams.get("order")).toBe("views");
    await expect(pages.locator("th[aria-sort=descending]")).toContainText(/views/i);
    await pages.getByRole("searchbox").or(pages.getByRole("textbox")).first().fill("shoes");
    await expect(pages.getByRole("button", { name: /\/shoes/ })).toBeVisible();
    await expect(pages.getByRole("button", { name: /\/hats/ })).toHaveCount(0);
  });

  test("the stream is paused, filtered and gone on with", async ({ page, footfall }) => {
    const live = panel(page, "live");
    await expect(panel(page, "live-status")).toContainText(/live/i);
    await live.getByRole("button", { name: /pause/i }).click();
    await visit(footfall, "meanwhile", "https://shop.example/");
    await expect(live).toContainText("1 event came since the pause");
    await expect(live).not.toContainText("meanwhile");
    await screenshot(page, "dashboard-paused");
    await live.getByRole("button", { name: /resume/i }).click();
    await expect(panel(page, "live-list")).toContainText("meanwhile");
    await visit(footfall, "another", "https://shop.example/");
    await expect(panel(page, "live-list")).toContainText("another");
    await live.getByRole("searchbox").or(live.getByRole("textbox")).first().fill("meanwhile");
    await expect(panel(page, "live-list")).not.toContainText("another");
  });

  test("activity is looked up by user, domains have a verdict", async ({ page, guard }) => {
    guard.expect(/^console: Failed to load resource.* 422/);
    const activity = panel(page, "activity");
    await activity.getByRole("searchbox").or(activity.getByRole("textbox")).first().fill("visitor-7");
    await activity.getByRole("searchbox").or(activity.getByRole("textbox")).first().press("Enter");
    await expect.poll(() => new URL(page.url()).searchParams.get("user")).toBe("visitor-7");
    await expect(activity.getByRole("row").nth(1)).toContainText("visitor-7");
    await expect(activity).not.toContainText("visitor-1");
    const domain = panel(page, "domain");
    const field = domain.getByRole("searchbox").or(domain.getByRole("textbox")).first();
    await field.fill("Strict.example");
    await field.press("Enter");
    await expect(panel(page, "domain-verdict")).toContainText(/not catch-all/i);
    await field.fill("no host name");
    await field.press("Enter");
    await expect(domain).toContainText(/host name/i);
    await screenshot(page, "dashboard-lookups");
  });

  test("it fits a phone", async ({ page }) => {
    await page.setViewportSize({ width: 390, height: 844 });
    await expect(panel(page, "totals")).toBeVisible();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await screenshot(page, "dashboard-phone");
    await expectAccessible(page);
  });

  test("it can be used by keyboard alone", async ({ page }) => {
    await page.keyboard.press("Tab");
    await expect(page.locator(":focus")).toContainText(/skip/i);
    const hats = panel(page, "pages").getByRole("button", { name: /\/hats/ });
    await hats.focus();
    await page.keyboard.press("Enter");
    await expect(panel(page, "filter-chip")).toContainText("/hats");
  });
});

// The refusals are there on purpose.
test("a stop shows as reconnecting, and afterwards it goes on", async ({ page, footfall, guard }) => {
  guard.expect(/^console: Failed to load resource/, /^failed: GET /);
  await page.goto(footfall.origin);
  await expect(panel(page, "chart").locator("canvas")).toBeVisible();
  await expect(panel(page, "live-status")).toContainText(/live/i);
  await footfall.stop();
  await expect(panel(page, "live-status")).toContainText(/reconnecting/i);
  await screenshot(page, "dashboard-reconnecting");
  await footfall.start();
  await expect(panel(page, "live-status")).toContainText(/^(?!.*reconnecting).*live/i, { timeout: 45_000 });
  await visit(footfall, "afterwards", "/home");
  await expect(panel(page, "live-list")).toContainText("afterwards");
  await expect(panel(page, "total-visitors")).toContainText("1");
});

test("without events it says so, and what to do", async ({ page, footfall }) => {
  await page.goto(footfall.origin);
  await expect(panel(page, "total-visitors")).toContainText("0");
  await expect(panel(page, "pages")).toContainText(/no /i);
  await expectAccessible(page);
  await screenshot(page, "dashboard-empty");
});

test("while answers are under way there are placeholders", async ({ page, footfall }) => {
  await fill(footfall);
  let let_go = () => {};
  const held = new Promise<void>((resolve) => (let_go = resolve));
  await page.route("**/analytics/**", async (route) => {
    await held;
    await route.continue();
  });
  await page.goto(footfall.origin);
  await expect(panel(page, "totals")).toBeVisible();
  await expect(page.locator(".skeleton").first()).toBeVisible();
  await expectAccessible(page);
  await screenshot(page, "dashboard-loading");
  let_go();
  await expect(panel(page, "total-visitors")).toContainText("8");
  // The chart's code is fetched last, and must not miss the service.
  await expect(page.locator("canvas").first()).toBeVisible();
});

test("an answer that fails is told with its cause, alone, and asked for again", async ({ page, footfall, guard }) => {
  guard.expect(/^console: Failed to load resource/);
  await fill(footfall);
  let is_broken = true;
  await page.route("**/analytics/pages**", async (route) => {
    if (!is_broken) return route.continue();
    const problem = { type: "about:blank", title: "x", status: 503, detail: "the store can't be used now", request_id: "r-42" };
    await route.fulfill({ status: 503, contentType: "application/problem+json", body: JSON.stringify(problem) });
  });
  await page.goto(footfall.origin);
  await expect(panel(page, "pages")).toContainText("the store can't be used now");
  await expect(panel(page, "pages")).toContainText("r-42");
  await expect(panel(page, "total-visitors")).toContainText("8");
  await expectAccessible(page);
  await screenshot(page, "dashboard-error");
  is_broken = false;
  await panel(page, "pages").getByRole("button", { name: /again|retry/i }).click();
  await expect(panel(page, "pages")).toContainText("/shoes");
});

test.describe("where keys are asked for", () => {
  test.use({ settings: { AUTH__KEYS: "board:read:r-secret,site:ingest:i-secret" } });

  test("the page asks for one, says that it is wrong, and keeps a right one", async ({ page, footfall, guard }) => {
    guard.expect(/^console: Failed to load resource.*40[13]/, /^failed: GET \S+\/events\/stream/);
    await page.goto(footfall.origin);
    const dialog = panel(page, "key-dialog");
    await expect(dialog).toBeVisible();
    await expectAccessible(page);
    await screenshot(page, "dashboard-key");
    const enter = async (key: string) => {
      await dialog.getByLabel(/key/i).first().fill(key);
      await page.keyboard.press("Enter");
    };
    await enter("wrong");
    await expect(dialog.getByRole("alert")).toBeVisible();
    await enter("i-secret");
    await expect(dialog.getByRole("alert")).toContainText(/read/i);
    await enter("r-secret");
    await expect(dialog).toBeHidden();
    await expect(panel(page, "total-visitors")).toContainText("0");
    await expect(panel(page, "live-status")).toContainText(/live/i);
    await page.reload();
    await expect(panel(page, "total-visitors")).toContainText("0");
    await expect(dialog).toBeHidden();
  });
});

test("what the tracker sends shows in a dashboard that is open beside it", async ({ context, page, site, footfall, guard }) => {
  guard.expect(/^failed: POST \S+\/events net::ERR_ABORTED/);
  await page.goto(footfall.origin);
  await expect(panel(page, "live-status")).toContainText(/live/i);
  const visitor = await context.newPage();
  await visitor.goto(`${site.origin}/app`);
  await expect(panel(page, "live-list").getByRole("listitem").or(panel(page, "live-list").getByRole("row")).filter({ hasText: "/app" })).toHaveCount(1);
  await expect(panel(page, "now-count")).toHaveText("1");
  await visitor.getByRole("link", { name: "One" }).click();
  await expect(panel(page, "live-list")).toContainText("/app/one");
  await visitor.reload();
  await expect(panel(page, "total-views")).toContainText("3");
  await expect(panel(page, "total-visitors")).toContainText("1");
  await expect(panel(page, "pages")).toContainText("/app/one");
  await visitor.close();
});
