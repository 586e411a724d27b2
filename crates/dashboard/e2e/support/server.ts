// A real `footfall serve`, in memory, on a port of its own.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";

/** Longer than a start or a stop takes on a busy machine. */
const PATIENCE_MS = 30_000;

export const binary =
  process.env.FOOTFALL_BIN ?? fileURLToPath(new URL("../../../../target/debug/footfall", import.meta.url));

/** Settings by their names below `FOOTFALL__`, such as `SERVER__CORS_ORIGINS`. */
export type Settings = Record<string, string>;

/** An event as `GET /events` tells it. */
export interface StoredEvent {
  event_id: string;
  user_id: string;
  event_type: string;
  timestamp: string;
  properties: Record<string, unknown>;
}

export class Footfall {
  origin = "";
  #process: ChildProcess | undefined;
  #said = "";

  constructor(readonly settings: Settings = {}) {}

  /** Starts it; after a stop again at the same address, with an empty store. */
  async start(): Promise<this> {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("FOOTFALL__"));
    const settings = {
      STORAGE__BACKEND: "memory",
      SERVER__BIND: this.origin ? this.origin.slice("http://".length) : `127.0.0.1:${await freePort()}`,
      SERVER__WORKERS: "1",
      LOG__LEVEL: "warn",
      ...this.settings,
    };
    const named = Object.entries(settings).map(([name, value]) => [`FOOTFALL__${name}`, value]);
    // No footfall.toml stands there.
    const child = spawn(binary, ["serve"], {
      cwd: tmpdir(),
      env: Object.fromEntries([...inherited, ...named]),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = child;
    this.#said = "";
    this.origin = await new Promise<string>((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`${binary}: ${why}\n${this.#said}`));
      const timer = setTimeout(() => {
        child.kill("SIGKILL");
        fail("it did not say where it listens");
      }, PATIENCE_MS);
      const hear = (chunk: Buffer) => {
        this.#said += chunk.toString();
        const found = /^listening on (http:\/\/\S+)$/m.exec(this.#said)?.[1];
        if (found) {
          clearTimeout(timer);
          resolve(found);
        }
      };
      child.stdout.on("data", hear);
      child.stderr.on("data", hear);
      child.once("error", (error) => fail(error.message));
      child.once("exit", (code) => {
        clearTimeout(timer);
        fail(`it ended with ${code}`);
      });
    });
    return this;
  }

  /** Stops it as an operator would. It must end by itself, and well. */
  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child) return;
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      const deadline = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
      await ended;
      clearTimeout(deadline);
    }
    if (child.exitCode !== 0) {
      throw new Error(`footfall ended with ${child.exitCode ?? child.signalCode}:\n${this.#said}`);
    }
  }

  async get<T>(path: string): Promise<T> {
    const answer = await fetch(this.origin + path);
    if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  /** Stores events that must all be taken. */
  async store(events: object[]): Promise<void> {
    const answer = await fetch(`${this.origin}/events`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(events),
    });
    const report = (await answer.json()) as { accepted?: number };
    if (report.accepted !== events.length) throw new Error(`POST /events: ${JSON.stringify(report)}`);
  }

  /** All events that are stored, by their time. At most 1,000. */
  async events(query = ""): Promise<StoredEvent[]> {
    const { events } = await this.get<{ events: StoredEvent[] }>(`/events?limit=1000${query && `&${query}`}`);
    return events;
  }
}

/** A port that nothing listens on. Chosen here, and not by the server, so that it is the same after a restart. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (!address || typeof address === "string") throw new Error("no port");
  return address.port;
}
