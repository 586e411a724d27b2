// A gate before the service: it writes down what browsers send, and can answer in the service's place or cut them off.
// What it lets through goes on as it is, and so does the service's answer.

import { once } from "node:events";
import { type IncomingHttpHeaders, type Server, createServer, request as ask } from "node:http";

/** What came to the gate. */
export interface Passage {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** An answer in the service's place; `cut` closes the connection; `late` lets the request through and then closes it. */
export type Verdict = { status: number; headers?: Record<string, string> } | "cut" | "late" | undefined;

export class Gate {
  readonly passages: Passage[] = [];
  /** Asked about each `POST`; by default lets all through. */
  decide: (passage: Passage) => Verdict | Promise<Verdict> = () => undefined;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** A gate before the service at that origin. */
  static async open(target: () => string): Promise<Gate> {
    const gate: Gate = new Gate(
      createServer(async (request, response) => {
        const chunks: Buffer[] = [];
        try {
          for await (const chunk of request) chunks.push(chunk as Buffer);
        } catch {
          return; // The browser went away.
        }
        const { method = "GET", url: path = "/", headers } = request;
        const body = Buffer.concat(chunks);
        const passage = { method, path, headers, body: body.toString() };
        if (method === "POST") gate.passages.push(passage);
        const verdict = method === "POST" ? await gate.decide(passage) : undefined;
        if (verdict === "cut") {
          request.socket.destroy();
        } else if (typeof verdict === "object") {
          response.writeHead(verdict.status, verdict.headers).end();
        } else {
          const onward = ask(target() + path, { method, headers }, (answer) => {
            if (verdict === "late") {
              answer.resume().once("end", () => request.socket.destroy());
              return;
            }
            response.writeHead(answer.statusCode ?? 502, answer.headers);
            answer.pipe(response);
          });
          onward.once("error", () => request.socket.destroy());
          onward.end(body);
        }
      }),
    );
    gate.#server.listen(0, "127.0.0.1");
    await once(gate.#server, "listening");
    return gate;
  }

  get origin(): string {
    const address = this.#server.address();
    if (!address || typeof address === "string") throw new Error("the gate is closed");
    return `http://127.0.0.1:${address.port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
