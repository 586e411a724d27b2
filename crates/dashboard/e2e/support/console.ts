// What a page does wrong without the test looking at it: errors on the console, uncaught ones, requests that fail.

import { type BrowserContext, expect } from "@playwright/test";

/** So a tracker's request ends for the page that was left meanwhile; the browser itself goes on with it. */
const LEFT = /^failed: POST \S+\/events(\?\S*)? net::ERR_ABORTED/;

export class ConsoleGuard {
  readonly #problems: string[] = [];
  readonly #expected: RegExp[] = [];

  watch(context: BrowserContext): void {
    context.on("console", (message) => {
      if (message.type() === "error") this.#problems.push(`console: ${message.text()} (${message.location().url})`);
    });
    context.on("weberror", (error) => this.#problems.push(`uncaught: ${error.error()}`));
    context.on("requestfailed", (request) => {
      const problem = `failed: ${request.method()} ${request.url()} ${request.failure()?.errorText}`;
      if (!LEFT.test(problem)) this.#problems.push(problem);
    });
  }

  /** Lets a test go on in spite of problems like these. Uncaught errors begin with `uncaught:`, and so on. */
  expect(...patterns: RegExp[]): void {
    this.#expected.push(...patterns);
  }

  /** What happened and was not expected. */
  problems(): string[] {
    return this.#problems.filter((problem) => !this.#expected.some((pattern) => pattern.test(problem)));
  }

  check(): void {
    expect(this.problems(), "the page did nothing wrong").toEqual([]);
  }
}
