/** The series over time, as a chart or as a table. */
import { lazy, Suspense, useMemo, useState } from "react";
import { useTimeseries } from "../api/queries";
import type { Filter } from "../api/requests";
import { lineOf, sentenceOf, type Series } from "../chart/line";
import { formatCount } from "../format/number";
import { nameOf, nameOfPrevious, type Period } from "../state/period";
import { useShownTheme } from "../state/theme";
import { metrics, type Metric } from "../state/url";
import { changeView } from "../state/useView";
import { Answer } from "../ui/Answer";
import { Panel } from "../ui/Panel";
import { Segmented } from "../ui/Segmented";
import { Skeleton } from "../ui/Skeleton";

// The charting library is half of all scripts: figures and tables need not wait for it.
const LineChart = lazy(() => import("../chart/LineChart"));

const names: Record<Metric, string> = { visitors: "Visitors", page_views: "Page views", events: "Events" };

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

interface Props {
  period: Period;
  metric: Metric;
  zone: string;
  filter: Filter;
}

export function ChartPanel({ period, metric, zone, filter }: Props) {
  const [asTable, setAsTable] = useState(false);
  const current = useTimeseries("current", period, metric, zone, filter);
  const previous = useTimeseries("previous", period, metric, zone, filter);
  const interval = current.data?.interval;
  return (
    <Panel
      title={interval ? `${names[current.data?.metric ?? metric]} by ${interval}` : names[metric]}
      testId="chart"
      controls={
        <>
          <Segmented
            label="Metric"
            options={metrics.map((value) => ({ value, label: names[value] }))}
            value={metric}
            onChange={(value) => changeView({ metric: value })}
          />
          <button type="button" className="button" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
            Table
          </button>
        </>
      }
    >
      <Answer question={current} skeleton={<ChartSkeleton />}>
        {(series) => <Drawn series={series} previous={previous.data} metric={series.metric} period={period} asTable={asTable} />}
      </Answer>
    </Panel>
  );
}

interface DrawnProps {
  series: Series;
  previous: Series | undefined;
  metric: Metric;
  period: Period;
  asTable: boolean;
}

function Drawn({ series, previous, metric, period, asTable }: DrawnProps) {
  const theme = useShownTheme();
  const line = useMemo(() => lineOf(series, previous), [series, previous]);
  if (asTable) {
    return <ChartTable line={line} metricName={names[metric]} previousName={nameOfPrevious(period)} />;
  }
  const isEmpty = line.current.every((value) => value === 0) && line.previous.every((value) => !value);
  return (
    <figure className="chart">
      <Suspense fallback={<ChartSkeleton />}>
        <LineChart line={line} metricName={names[metric]} theme={theme} label={sentenceOf(line, names[metric], series.interval, nameOf(period))} />
      </Suspense>
      {isEmpty && <p className="chart-empty">
          <span>Nothing in {nameOf(period)}</span>
        </p>}
      <figcaption className="legend">
        <span className="legend-current">{capital(nameOf(period))}</span>
        <span className="legend-previous">{capital(nameOfPrevious(period))}</span>
        {(line.partFirst || line.partLast) && <span className="legend-part">Part of {series.interval === "hour" ? "an hour" : `a ${series.interval}`}</span>}
      </figcaption>
    </figure>
  );
}

interface TableProps {
  line: ReturnType<typeof lineOf>;
  metricName: string;
  previousName: string;
}

function ChartTable({ line, metricName, previousName }: TableProps) {
  return (
    <div className="scroll chart-table" tabIndex={0} role="region" aria-label={`${metricName}, every value`}>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Time</th>
            <th scope="col" className="number">
              {metricName}
            </th>
            <th scope="col" className="number">
              In {previousName}
            </th>
          </tr>
        </thead>
        <tbody>
          {line.names.map((name, index) => (
            <tr key={`${name} ${index}`}>
              <th scope="row">{name}</th>
              <td className="number">{formatCount(line.current[index] ?? 0)}</td>
              <td className="number muted">{line.previous[index] == null ? "–" : formatCount(line.previous[index])}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function ChartSkeleton() {
  return (
    <div className="chart-canvas" role="status" aria-label="Loading the chart">
      <Skeleton className="skeleton-chart" />
    </div>
  );
}
