// The page at `/`, whichever it is: that it loads by its own policy, for everyone. What the dashboard does has tests of its
// own.

import { expectAccessible } from "./support/axe.ts";
import { screenshot } from "./support/screenshot.ts";
import { expect, test } from "./support/test.ts";

for (const colorScheme of ["light", "dark"] as const) {
  test(`the page is there and accessible (${colorScheme})`, async ({ page, footfall }) => {
    await page.emulateMedia({ colorScheme });
    await page.goto(footfall.origin);
    await expect(page).toHaveTitle(/Footfall/);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await expectAccessible(page);
    await screenshot(page, `page-${colorScheme}`);
  });
}

test("the page fits a narrow screen", async ({ page, footfall }) => {
  await page.setViewportSize({ width: 320, height: 640 });
  await page.goto(footfall.origin);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
  await screenshot(page, "page-narrow");
});
