/** A period from one wall-clock time to another, in the page's zone. */
import { useId, useState, type FormEvent } from "react";
import { faultOf, type Span } from "../state/period";
import { instantToLocal, localToInstant } from "../state/zone";

interface Props {
  span: Span;
  zone: string;
  onChoose: (span: Span) => void;
}

export function CustomPeriod({ span, zone, onChoose }: Props) {
  const [from, setFrom] = useState(instantToLocal(span.from, zone));
  const [to, setTo] = useState(instantToLocal(span.to, zone));
  const [error, setError] = useState<string | null>(null);
  const errorId = useId();

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const start = localToInstant(from, zone);
    const end = localToInstant(to, zone);
    if (start === null || end === null) {
      setError("Enter both a date and a time.");
      return;
    }
    const chosen = { from: start, to: end };
    const fault = faultOf(chosen);
    setError(fault);
    if (fault === null) {
      onChoose(chosen);
    }
  };

  return (
    <form className="custom-period" aria-label="Custom period" noValidate onSubmit={submit}>
      <label>
        <span>From</span>
        <input type="datetime-local" className="input" required value={from} aria-invalid={error !== null} aria-describedby={error ? errorId : undefined} onChange={(event) => setFrom(event.target.value)} />
      </label>
      <label>
        <span>To</span>
        <input type="datetime-local" className="input" required value={to} aria-invalid={error !== null} aria-describedby={error ? errorId : undefined} onChange={(event) => setTo(event.target.value)} />
      </label>
      <button type="submit" className="button primary">
        Apply
      </button>
      {error && (
        <p className="field-error" id={errorId} role="alert">
          {error}
        </p>
      )}
    </form>
  );
}
