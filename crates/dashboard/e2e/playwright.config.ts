import { defineConfig } from "@playwright/test";

import { launch } from "./support/chromium.ts";

// Generous times: the tests share their machine with builds. Nothing waits for long when all is well.
export default defineConfig({
  testDir: ".",
  testMatch: "*.spec.ts",
  outputDir: "test-results",
  reporter: "list",
  fullyParallel: true,
  workers: 2,
  // A test that passes the second time is a test to mend.
  retries: 0,
  forbidOnly: true,
  timeout: 60_000,
  expect: { timeout: 20_000 },
  use: {
    browserName: "chromium",
    launchOptions: launch,
    actionTimeout: 20_000,
    navigationTimeout: 30_000,
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
  },
});
