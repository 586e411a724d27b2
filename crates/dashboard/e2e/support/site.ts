// A small made-up site of another origin, whose every page has the tag in its head. `/app` is routed in the browser.

import { once } from "node:events";
import { type Server, createServer } from "node:http";

const NAMES: Record<string, string> = { "/": "Home", "/about": "About", "/shoes": "Shoes", "/app": "App" };

/** Routes by path: links don't load pages, and the title follows later, as frameworks have it. */
const ROUTER = `
addEventListener("click", (event) => {
  const link = event.target.closest("a[data-route]");
  if (!link) return;
  event.preventDefault();
  history.pushState({}, "", link.href);
  document.title = "App " + location.pathname;
});`;

export class Site {
  /** What stands in every page's head. */
  head = "";
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(): Promise<Site> {
    const site: Site = new Site(
      createServer((request, response) => {
        const path = new URL(request.url ?? "/", "http://site").pathname;
        const isScript = path === "/router.js";
        response.setHeader("content-type", isScript ? "text/javascript" : "text/html; charset=utf-8");
        response.end(isScript ? ROUTER : site.#page(path));
      }),
    );
    site.#server.listen(0, "127.0.0.1");
    await once(site.#server, "listening");
    return site;
  }

  get origin(): string {
    const address = this.#server.address();
    if (!address || typeof address === "string") throw new Error("the site is closed");
    return `http://127.0.0.1:${address.port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  #page(path: string): string {
    const title = NAMES[path] ?? (path.startsWith("/app/") ? `App ${path}` : "Elsewhere");
    return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>${title}</title>
    <link rel="icon" href="data:,">
    ${this.head}
    <script defer src="/router.js"></script>
  </head>
  <body>
    <h1>${title}</h1>
    <a href="/">Home</a> <a href="/about#team">About</a> <a href="/shoes?size=43">Shoes</a> <a href="#end">End</a>
    <a data-route href="/app/one">One</a> <a data-route href="/app/two?tab=2">Two</a>
    <p id="end">The end.</p>
  </body>
</html>`;
  }
}
