import { describe, expect, it } from "vitest";
import { skewFrom } from "../state/clock";
import { problemFrom } from "./problem";

describe("a problem", () => {
  const headers = (values: Record<string, string> = {}) => new Headers(values);

  it("is read from its document", () => {
    const body = JSON.stringify({ title: "t", detail: "d", request_id: "r", errors: [{ pointer: "path:domain", code: "c", message: "m" }] });
    const problem = problemFrom(422, headers({ "retry-after": "7" }), body);
    expect(problem).toMatchObject({ status: 422, message: "d", requestId: "r", retryAfterSeconds: 7, isPassing: false });
    expect(problem.errors[0]?.message).toBe("m");
  });

  it("may come from a proxy that knows no such documents", () => {
    const problem = problemFrom(502, headers({ "x-request-id": "x" }), "<h1>Bad gateway</h1>");
    expect(problem).toMatchObject({ message: "The service answered with status 502.", requestId: "x", isPassing: true });
    expect(problemFrom(401, headers(), "null").isAboutKey).toBe(true);
  });
});

it("goes by the service's clock where the browser's is wrong", () => {
  const now = Date.parse("2026-11-25T09:00:00Z");
  expect(skewFrom("Wed, 25 Nov 2026 08:59:59 GMT", now)).toBe(0);
  expect(skewFrom("Wed, 25 Nov 2026 09:10:00 GMT", now)).toBe(600_000);
  expect(skewFrom(null, now)).toBeNull();
});
