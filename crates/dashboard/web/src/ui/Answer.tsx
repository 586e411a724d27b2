/** The states of a question: not answered yet, failed, answered, and answered before but not this time. */
import type { ReactNode } from "react";
import { asApiError } from "../api/problem";
import { ErrorNote } from "./ErrorNote";

interface Question<T> {
  data: T | undefined;
  error: unknown;
  isFetching: boolean;
  isPlaceholderData?: boolean;
  refetch: () => unknown;
}

interface Props<T> {
  question: Question<T>;
  skeleton: ReactNode;
  children: (data: T) => ReactNode;
}

export function Answer<T>({ question, skeleton, children }: Props<T>) {
  const { data, error, isFetching, isPlaceholderData = false } = question;
  const retry = () => void question.refetch();
  if (data === undefined) {
    return error ? <ErrorNote error={error} onRetry={retry} busy={isFetching} /> : <>{skeleton}</>;
  }
  return (
    <>
      {error ? <StaleNote error={error} onRetry={retry} busy={isFetching} /> : null}
      <div className={isPlaceholderData ? "answer answer-outdated" : "answer"} aria-busy={isPlaceholderData}>
        {children(data)}
      </div>
    </>
  );
}

function StaleNote({ error, onRetry, busy }: { error: unknown; onRetry: () => void; busy: boolean }) {
  const problem = asApiError(error);
  return (
    <p className="stale-note" role="status">
      <span>
        {problem.status === 0 ? "Reconnecting… " : `${problem.message} `}
        Not up to date.
        {problem.requestId && (
          <>
            {" "}
            Request <code>{problem.requestId}</code>
          </>
        )}
      </span>
      <button type="button" className="link" onClick={onRetry} disabled={busy}>
        Try again
      </button>
    </p>
  );
}
