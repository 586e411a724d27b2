/** The frame of every panel: a named region with a heading, controls beside it, and an error boundary of its own. */
import { useId, type ReactNode } from "react";
import { ErrorBoundary } from "./ErrorBoundary";

interface Props {
  title: string;
  testId: string;
  note?: ReactNode;
  controls?: ReactNode;
  children: ReactNode;
  className?: string;
}

export function Panel({ title, testId, note, controls, children, className = "" }: Props) {
  const id = useId();
  return (
    <section className={`panel ${className}`} aria-labelledby={id} data-testid={testId}>
      <header className="panel-head">
        <div className="panel-title">
          <h2 id={id}>{title}</h2>
          {note && <p className="panel-note">{note}</p>}
        </div>
        {controls && <div className="panel-controls">{controls}</div>}
      </header>
      <ErrorBoundary>{children}</ErrorBoundary>
    </section>
  );
}
