/** The first cell of a ranked row: what it is, in front of a bar as long as its share of the greatest. */
import type { ReactNode } from "react";

interface Props {
  share: number;
  children: ReactNode;
  title?: string;
  /** Makes it a button that filters. */
  filter?: { label: string; active: boolean; onToggle: () => void };
}

export function BarRow({ share, children, title, filter }: Props) {
  const width = `${Math.max(0.5, Math.min(1, share) * 100).toFixed(2)}%`;
  const bar = <span className="bar" style={{ width }} aria-hidden="true" />;
  if (!filter) {
    return (
      <span className="bar-row" title={title}>
        {bar}
        <span className="bar-text">{children}</span>
      </span>
    );
  }
  return (
    <button
      type="button"
      className="bar-row bar-button"
      title={title}
      aria-label={filter.label}
      aria-pressed={filter.active}
      onClick={filter.onToggle}
    >
      {bar}
      <span className="bar-text">{children}</span>
    </button>
  );
}
