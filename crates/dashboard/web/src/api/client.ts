/** One way to ask the service: adds the key, tells errors apart, and learns the service's time along the way. */
import { learnServiceTime } from "../state/clock";
import { currentKey, keyRefused } from "../state/key";
import { ApiError, problemFrom } from "./problem";

export type Query = Record<string, string | number | null | undefined>;

export function pathWith(path: string, query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") {
      parameters.set(name, String(value));
    }
  }
  const text = parameters.toString();
  return text === "" ? path : `${path}?${text}`;
}

interface Options {
  signal?: AbortSignal | undefined;
  /** A key to try, instead of the one in use; what the answer says of it is then for the caller alone. */
  key?: string;
}

export async function get<T>(path: string, query: Query, options: Options = {}): Promise<{ body: T; headers: Headers }> {
  const key = options.key ?? currentKey().key;
  const headers: Record<string, string> = { Accept: "application/json" };
  if (key !== null) {
    headers.Authorization = `Bearer ${key}`;
  }
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(pathWith(path, query), { headers, signal: options.signal ?? null, cache: "no-store" });
    text = await answer.text();
  } catch (cause) {
    if (options.signal?.aborted) {
      throw cause;
    }
    throw new ApiError(0, "The service can't be reached.");
  }
  learnServiceTime(answer.headers.get("date"));
  if (!answer.ok) {
    if ((answer.status === 401 || answer.status === 403) && options.key === undefined) {
      keyRefused(answer.status, key);
    }
    throw problemFrom(answer.status, answer.headers, text);
  }
  try {
    return { body: JSON.parse(text) as T, headers: answer.headers };
  } catch {
    throw new ApiError(answer.status, "The answer was not JSON. Is a proxy in between?", answer.headers.get("x-request-id"));
  }
}
