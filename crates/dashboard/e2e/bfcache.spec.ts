// The real back/forward cache, which Playwright turns off: a browser of the test's own.

import { chromium } from "@playwright/test";

import { launch } from "./support/chromium.ts";
import { paths, stored } from "./support/stored.ts";
import { expect, test } from "./support/test.ts";

test("a page that really comes back from the cache is a view again", async ({ site, footfall }) => {
  const browser = await chromium.launch({ ...launch, ignoreDefaultArgs: ["--disable-back-forward-cache"] });
  try {
    const page = await browser.newPage();
    await page.addInitScript(() => {
      addEventListener("pageshow", ({ persisted }) => (document.documentElement.dataset.cached = String(persisted)));
    });
    await page.goto(`${site.origin}/about`);
    await stored(footfall, 1);
    await page.goto(`${site.origin}/shoes`);
    await stored(footfall, 2);
    await page.goBack({ waitUntil: "commit" });
    await expect.poll(() => page.evaluate(() => document.documentElement.dataset.cached)).toBe("true");
    expect(paths(await stored(footfall, 3))).toEqual(["/about", "/shoes", "/about"]);
  } finally {
    await browser.close();
  }
});
