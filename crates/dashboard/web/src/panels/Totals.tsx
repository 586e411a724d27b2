/** The figures at the top: visitors, page views, events, each against the period before. */
import type { UseQueryResult } from "@tanstack/react-query";
import type { CSSProperties } from "react";
import { useSummary } from "../api/queries";
import type { Filter } from "../api/requests";
import type { Summary } from "../api/types";
import { formatCount, formatRatio } from "../format/number";
import { nameOfPrevious, type Period } from "../state/period";
import { Answer } from "../ui/Answer";
import { Delta } from "../ui/Delta";
import { Panel } from "../ui/Panel";
import { Skeleton } from "../ui/Skeleton";

interface Figure {
  label: string;
  testId: string;
  of: (summary: Summary) => number;
  format?: (value: number) => string;
}

const views = (summary: Summary): number => summary.events_by_type.page_view ?? 0;

const figures: Figure[] = [
  { label: "Unique visitors", testId: "total-visitors", of: (summary) => summary.unique_users },
  { label: "Page views", testId: "total-views", of: views },
  { label: "Total events", testId: "total-events", of: (summary) => summary.total_events },
  {
    label: "Views per visitor",
    testId: "total-ratio",
    of: (summary) => (summary.unique_users === 0 ? 0 : views(summary) / summary.unique_users),
    format: (ratio) => (ratio === 0 ? "–" : formatRatio(ratio)),
  },
];

export function Totals({ period, filter }: { period: Period; filter: Filter }) {
  const current = useSummary("current", period, filter);
  const previous = useSummary("previous", period, filter);
  return (
    <Panel title="Totals" testId="totals" className="totals">
      <Answer question={current} skeleton={<FigureSkeletons />}>
        {(summary) => (
          <dl className="figures">
            {figures.map((figure) => (
              <div className="figure" key={figure.label}>
                <dt>{figure.label}</dt>
                <dd>
                  <Value text={(figure.format ?? formatCount)(figure.of(summary))} testId={figure.testId} />
                  <Comparison figure={figure} current={figure.of(summary)} previous={previous} period={period} />
                </dd>
              </div>
            ))}
          </dl>
        )}
      </Answer>
    </Panel>
  );
}

/** The style sheet sizes it by its length, so that a billion fits on a phone. */
function Value({ text, testId }: { text: string; testId: string }) {
  return (
    <span className="figure-value" data-testid={testId} style={{ "--characters": text.length } as CSSProperties}>
      {text}
    </span>
  );
}

interface ComparisonProps {
  figure: Figure;
  current: number;
  previous: UseQueryResult<Summary>;
  period: Period;
}

function Comparison({ figure, current, previous, period }: ComparisonProps) {
  if (!previous.data) {
    return previous.error ? (
      <button type="button" className="link delta" onClick={() => void previous.refetch()}>
        no comparison; try again
      </button>
    ) : (
      <Skeleton className="skeleton-delta" />
    );
  }
  const before = figure.of(previous.data);
  const text = `${(figure.format ?? formatCount)(before)} in ${nameOfPrevious(period)}`;
  return (
    <span className="figure-change">
      <Delta current={current} previous={before} before={text} />
      {before > 0 && <span className="figure-before">from {(figure.format ?? formatCount)(before)}</span>}
    </span>
  );
}

function FigureSkeletons() {
  return (
    <div className="figures" role="status" aria-label="Loading totals">
      {figures.map((figure) => (
        <div className="figure" key={figure.label}>
          <Skeleton className="skeleton-label" />
          <Skeleton className="skeleton-figure" />
          <Skeleton className="skeleton-delta" />
        </div>
      ))}
    </div>
  );
}
