/** What went wrong with a request, in the terms of the service's problem documents (RFC 9457). */

export interface FieldError {
  pointer: string;
  code: string;
  message: string;
}

export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    /** The HTTP status; 0 when no answer came at all. */
    readonly status: number,
    message: string,
    readonly requestId: string | null = null,
    readonly errors: FieldError[] = [],
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(message);
  }

  /** No answer, or one that says to come back: the next try may well succeed. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }

  get isAboutKey(): boolean {
    return this.status === 401 || this.status === 403;
  }
}

export function asApiError(cause: unknown): ApiError {
  if (cause instanceof ApiError) {
    return cause;
  }
  return new ApiError(0, cause instanceof Error ? cause.message : "Something went wrong.");
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

/** Reads an answer that is an error; whatever a proxy on the way may have put in place of the problem document. */
export function problemFrom(status: number, headers: Headers, body: string): ApiError {
  let document: Record<string, unknown> = {};
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === "object" && parsed !== null) {
      document = parsed as Record<string, unknown>;
    }
  } catch {
    // Not JSON: the status has to do.
  }
  const errors = Array.isArray(document.errors) ? (document.errors as FieldError[]) : [];
  const retryAfter = Number(headers.get("retry-after") ?? Number.NaN);
  return new ApiError(
    status,
    text(document.detail) ?? text(document.title) ?? `The service answered with status ${status}.`,
    text(document.request_id) ?? headers.get("x-request-id"),
    errors,
    Number.isFinite(retryAfter) ? retryAfter : null,
  );
}
