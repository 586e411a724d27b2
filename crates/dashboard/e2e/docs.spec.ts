// The API's page at `/docs`: every operation of the description is there to be read, in every build.

import type { Page } from "@playwright/test";

import { expectAccessible } from "./support/axe.ts";
import { screenshot } from "./support/screenshot.ts";
import { expect, test } from "./support/test.ts";

interface Description {
  paths: Record<string, Record<string, { operationId: string; summary: string }>>;
}

/** Opens what there is, and what is in it then, twice. */
async function openAll(page: Page, selector: string): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    await page.evaluate((all) => document.querySelectorAll(all).forEach((details) => details.setAttribute("open", "")), selector);
    // They are filled after the next event of the browser's.
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
  }
}

test("every operation is listed, found and opened", async ({ page, footfall }) => {
  const { paths } = await footfall.get<Description>("/openapi.json");
  const operations = Object.values(paths).flatMap((item) => Object.values(item));
  await page.goto(`${footfall.origin}/docs`);
  const index = page.getByRole("navigation", { name: "Operations" });
  await expect(index.getByRole("link")).toHaveCount(operations.length);
  for (const { operationId } of operations) {
    await expect(page.locator(`details#${operationId}`)).toHaveCount(1);
  }

  await page.getByRole("searchbox", { name: "Find an operation" }).fill("get events");
  await expect(index.getByRole("link", { name: "Stored events" })).toBeVisible();
  await expect(index.getByRole("link", { name: "Send events" })).toBeHidden();
  await index.getByRole("link", { name: "Stored events" }).click();
  const operation = page.locator("#listEvents");
  await expect(operation).toHaveAttribute("open", "");
  await expect(operation.getByText("next_cursor").first()).toBeAttached();
  await expect(operation).toContainText("A key needs read.");
  await expect(operation).toContainText("at least 1, at most 1000");
  expect(new URL(page.url()).hash).toBe("#listEvents");
});

test("an address leads to its operation, and a command to copy works", async ({ page, footfall, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.goto(`${footfall.origin}/docs#sendEvents`);
  const operation = page.locator("#sendEvents");
  await expect(operation).toHaveAttribute("open", "");
  await operation.getByRole("button", { name: "Copy: Ask for Send events" }).click();
  const command = await page.evaluate(() => navigator.clipboard.readText());
  expect(command).toContain(`${footfall.origin}/events`);
  const body = /-d '(.*)'$/s.exec(command)?.[1] ?? "";
  const answer = await fetch(`${footfall.origin}/events`, { method: "POST", headers: { "content-type": "application/json" }, body });
  expect(answer.status).toBe(201);
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`it is accessible, with an operation open (${colorScheme})`, async ({ page, footfall }) => {
    await page.emulateMedia({ colorScheme });
    await page.goto(`${footfall.origin}/docs#sendEvents`);
    await expect(page.locator("#sendEvents")).toHaveAttribute("open", "");
    await expectAccessible(page);
    await page.setViewportSize({ width: 1280, height: 900 });
    await screenshot(page, `docs-${colorScheme}`);
    await page.locator("#sendVisit > summary").click();
    await openAll(page, "#sendVisit details");
    await expectAccessible(page, "#sendVisit");
  });
}

test("it fits a narrow screen", async ({ page, footfall }) => {
  await page.setViewportSize({ width: 320, height: 640 });
  await page.goto(`${footfall.origin}/docs`);
  await expect(page.locator("#sendEvents")).toBeVisible();
  await openAll(page, "details");
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
});

test("it can be read on a phone", async ({ page, footfall }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${footfall.origin}/docs#getTimeSeries`);
  await expect(page.locator("#getTimeSeries")).toHaveAttribute("open", "");
  await screenshot(page, "docs-phone");
});

test("the dashboard leads there", async ({ page, footfall, guard }) => {
  guard.expect(/^failed: GET \S+ net::ERR_ABORTED/);
  await page.goto(footfall.origin);
  await page.getByRole("link", { name: "API", exact: true }).or(page.getByRole("link", { name: "/docs" })).click();
  await expect(page).toHaveTitle("Footfall API");
});
