// What tests begin with: a service, a site, and a guard over what pages do. Import `test` and `expect` from here.

import { test as base } from "@playwright/test";

import { ConsoleGuard } from "./console.ts";
import { Gate } from "./gate.ts";
import { Footfall, type Settings } from "./server.ts";
import { Site } from "./site.ts";

interface Options {
  /** Settings of the service, besides those that every test has: `test.use({ settings: { … } })`. */
  settings: Settings;
  /** Whether the service lets the site's pages read its answers. */
  allowsSite: boolean;
}

interface Fixtures {
  /** A service of the test's own, empty. It starts in a fraction of a second, so none is shared. */
  footfall: Footfall;
  /** The site of another origin, whose pages have `site.head`: the tag, unless the test changes it. */
  site: Site;
  /** What the site's browsers send goes through here. */
  gate: Gate;
  /** Writes the tag with further attributes, and what stands before it. */
  tag: (attributes?: string, before?: string) => void;
  /** Fails the test when a page does something wrong; `guard.expect(/…/)` where it is meant to. */
  guard: ConsoleGuard;
}

interface Inner {
  openSite: Site;
}

export const test = base.extend<Options & Fixtures & Inner>({
  settings: [{}, { option: true }],
  allowsSite: [true, { option: true }],

  // Before the service, which must know its origin.
  openSite: async ({}, use) => {
    const site = await Site.open();
    await use(site);
    await site.close();
  },

  footfall: async ({ settings, allowsSite, openSite }, use) => {
    const cors: Settings = allowsSite ? { SERVER__CORS_ORIGINS: openSite.origin } : {};
    const footfall = await new Footfall({ ...cors, ...settings }).start();
    await use(footfall);
    await footfall.stop();
  },

  gate: async ({ footfall }, use) => {
    const gate = await Gate.open(() => footfall.origin);
    await use(gate);
    await gate.close();
  },

  tag: async ({ openSite, gate }, use) => {
    const write = (attributes = "", before = "") => {
      openSite.head = `${before}<script defer src="${gate.origin}/tracker.js" ${attributes}></script>`;
    };
    write();
    await use(write);
  },

  site: async ({ openSite, tag }, use) => {
    void tag;
    await use(openSite);
  },

  guard: [
    // After all that a page may still ask for when a test ends, so that it has looked before that goes.
    async ({ context, gate }, use) => {
      void gate;
      const guard = new ConsoleGuard();
      guard.watch(context);
      await use(guard);
      guard.check();
    },
    { auto: true },
  ],
});

export { expect } from "@playwright/test";
