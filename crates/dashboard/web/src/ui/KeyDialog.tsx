/** Asks for an API key when the service wants one, and tries it before it is kept. */
import { useEffect, useId, useRef, useState, type FormEvent } from "react";
import { asApiError } from "../api/problem";
import { tryKey } from "../api/requests";
import { acceptKey, closeKeyDialog, useKey, type KeyRequest } from "../state/key";

const reasons: Record<KeyRequest, string> = {
  missing: "This service asks for an API key. One that may read is enough.",
  refused: "The service doesn't know the key that was used here, or not any more.",
  weak: "The key that was used here may not read. One with the scope “read” may.",
};

function explain(cause: unknown): string {
  const problem = asApiError(cause);
  switch (problem.status) {
    case 401:
      return "Wrong key: the service doesn't know it.";
    case 403:
      return "This key may not read. One with the scope “read” may.";
    default:
      return problem.message;
  }
}

export function KeyDialog() {
  const { open, request } = useKey();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open) {
      dialog.current?.showModal();
    } else {
      dialog.current?.close();
    }
  }, [open]);
  const titleId = useId();
  return (
    <dialog ref={dialog} className="dialog" aria-labelledby={titleId} data-testid="key-dialog" onClose={closeKeyDialog}>
      <h2 id={titleId}>API key</h2>
      <p>{reasons[request ?? "missing"]}</p>
      {open && <KeyForm />}
    </dialog>
  );
}

function KeyForm() {
  const [key, setKey] = useState("");
  const [remember, setRemember] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const inputId = useId();
  const errorId = useId();

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const wanted = key.trim();
    if (wanted === "" || busy) {
      setError(wanted === "" ? "Enter a key." : error);
      return;
    }
    setBusy(true);
    setError(null);
    try {
      await tryKey(wanted);
      acceptKey(wanted, remember);
    } catch (cause) {
      setError(explain(cause));
      setBusy(false);
    }
  };

  return (
    <form onSubmit={(event) => void submit(event)}>
      <label htmlFor={inputId}>Key</label>
      <input
        id={inputId}
        type="password"
        className="input"
        autoComplete="off"
        autoFocus
        value={key}
        aria-invalid={error !== null}
        aria-describedby={error ? errorId : undefined}
        onChange={(event) => setKey(event.target.value)}
      />
      {error && (
        <p className="field-error" id={errorId} role="alert">
          {error}
        </p>
      )}
      <label className="check">
        <input type="checkbox" checked={remember} onChange={(event) => setRemember(event.target.checked)} />
        Remember on this device
      </label>
      <div className="dialog-actions">
        <button type="button" className="button" onClick={closeKeyDialog}>
          Not now
        </button>
        <button type="submit" className="button primary" disabled={busy}>
          {busy ? "Trying…" : "Use key"}
        </button>
      </div>
    </form>
  );
}
