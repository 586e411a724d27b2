/** What went wrong, who to name it to (the request's id), and a way to try again; or to enter a key, where that is the matter. */
import { asApiError } from "../api/problem";
import { openKeyDialog } from "../state/key";

export function ErrorNote({ error, onRetry, busy = false }: { error: unknown; onRetry: () => void; busy?: boolean }) {
  const problem = asApiError(error);
  const details = problem.errors.map((field) => field.message).filter((message) => message && message !== problem.message);
  if (problem.isAboutKey) {
    return <KeyNote />;
  }
  return (
    <div className="error-note" role="status">
      <p className="error-text">{problem.message}</p>
      {details.length > 0 && <p className="error-text">{details.join("; ")}</p>}
      {problem.requestId && (
        <p className="error-id">
          Request <code>{problem.requestId}</code>
        </p>
      )}
      <button type="button" className="button" onClick={onRetry} disabled={busy}>
        {busy ? "Trying…" : "Try again"}
      </button>
    </div>
  );
}

/** Nothing is broken: it only takes a key. The dialog says which. */
function KeyNote() {
  return (
    <div className="error-note key-note" role="status">
      <p>An API key is needed to see this.</p>
      <button type="button" className="button" onClick={openKeyDialog}>
        Enter a key
      </button>
    </div>
  );
}
