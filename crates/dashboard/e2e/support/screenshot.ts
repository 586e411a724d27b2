// Pictures for people to look at. Nothing is compared with them.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import type { Page } from "@playwright/test";

const folder = process.env.SCREENSHOTS ?? fileURLToPath(new URL("../../../../target/screenshots", import.meta.url));

/** Writes the whole page to `NAME.png` in the folder `SCREENSHOTS`, by default `target/screenshots`. */
export async function screenshot(page: Page, name: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true, animations: "disabled" });
}
