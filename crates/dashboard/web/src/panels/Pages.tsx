/** The pages with the most visitors or views. A click narrows the whole dashboard to one. */
import { useMemo, useState } from "react";
import { usePages } from "../api/queries";
import type { PageRow } from "../api/types";
import { isInAddress, pageParts, readable } from "../format/event";
import { formatCount } from "../format/number";
import type { Period } from "../state/period";
import type { PageOrder } from "../state/url";
import { changeView } from "../state/useView";
import { Answer } from "../ui/Answer";
import { BarRow } from "../ui/BarRow";
import { Panel } from "../ui/Panel";
import { SkeletonRows } from "../ui/Skeleton";

/** How many rows, step by step; the last is the most that the service gives. */
const steps = [10, 50, 200, 1000] as const;
const all = 1000;

interface Props {
  period: Period;
  order: PageOrder;
  selected: string | null;
  eventType: string | null;
}

export function Pages({ period, order, selected, eventType }: Props) {
  const [step, setStep] = useState(0);
  const [needle, setNeedle] = useState("");
  // What is looked for may be far down: look through all there are.
  const limit = needle.trim() === "" ? (steps[step] ?? all) : all;
  const pages = usePages(period, order, limit);
  return (
    <Panel
      title="Top pages"
      testId="pages"
      note={noteOn(pages.data ?? [], eventType)}
      controls={<input type="search" className="input" placeholder="Find a page" aria-label="Find a page" value={needle} onChange={(event) => setNeedle(event.target.value)} />}
    >
      <Answer question={pages} skeleton={<SkeletonRows rows={10} />}>
        {(rows) => (
          <>
            <PagesTable rows={rows} order={order} needle={needle} looking={pages.isPlaceholderData} selected={selected} />
            {needle.trim() === "" && rows.length >= limit && step < steps.length - 1 && (
              <button type="button" className="button more" onClick={() => setStep(step + 1)}>
                Show more
              </button>
            )}
          </>
        )}
      </Answer>
    </Panel>
  );
}

/** Where the pages are, if all are at one place; or why the filter changes nothing here. */
function noteOn(rows: PageRow[], eventType: string | null): string | undefined {
  if (eventType !== null) {
    return eventType === "page_view" ? undefined : "of all page views";
  }
  const [host, ...others] = hostsOf(rows);
  return host && others.length === 0 ? `on ${host}` : undefined;
}

const hostsOf = (rows: PageRow[]): string[] => [...new Set(rows.map((row) => pageParts(row.url).host))];

interface TableProps {
  rows: PageRow[];
  order: PageOrder;
  needle: string;
  /** These are not all rows to look through; the others are on their way. */
  looking: boolean;
  selected: string | null;
}

function PagesTable({ rows, order, needle, looking, selected }: TableProps) {
  const wanted = needle.trim().toLowerCase();
  const shown = useMemo(() => rows.filter((row) => isInAddress(row.url, wanted)), [rows, wanted]);
  const hosts = useMemo(() => hostsOf(rows), [rows]);
  if (shown.length === 0 && looking) {
    return <SkeletonRows rows={10} />;
  }
  if (shown.length === 0) {
    return <p className="empty">{rows.length === 0 ? "No page was viewed in this period." : `${noneOf(rows.length, order)} has “${needle.trim()}” in its address.`}</p>;
  }
  const value = (row: PageRow) => (order === "views" ? row.page_views : row.distinct_visitors);
  const greatest = Math.max(1, ...rows.map(value));
  return (
    <table className="table ranked">
      <thead>
        <tr>
          <th scope="col">Page</th>
          <SortHeader label="Visitors" order="visitors" current={order} />
          <SortHeader label="Views" order="views" current={order} />
        </tr>
      </thead>
      <tbody>
        {shown.map((row) => {
          const { host, path } = pageParts(row.url);
          const active = row.url === selected;
          return (
            <tr key={row.url} className={active ? "row-active" : selected ? "row-dimmed" : ""}>
              <th scope="row">
                <BarRow
                  share={value(row) / greatest}
                  title={row.url}
                  filter={{ label: `Filter by page ${row.url}`, active, onToggle: () => changeView({ page: active ? null : row.url }) }}
                >
                  {hosts.length > 1 && <span className="host">{host}</span>}
                  {readable(path)}
                </BarRow>
              </th>
              <td className="number">{formatCount(row.distinct_visitors)}</td>
              <td className="number">{formatCount(row.page_views)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** Where the service gave as many pages as it ever does, there may be others. */
const noneOf = (count: number, order: PageOrder): string =>
  count < all ? "No page" : `None of the ${formatCount(all)} most ${order === "views" ? "viewed" : "visited"} pages`;

function SortHeader({ label, order, current }: { label: string; order: PageOrder; current: PageOrder }) {
  const active = order === current;
  return (
    <th scope="col" className="number" aria-sort={active ? "descending" : "none"}>
      <button type="button" className="sort" onClick={() => changeView({ order })}>
        {label}
        <span aria-hidden="true" className="sort-arrow">
          {active ? "↓" : ""}
        </span>
      </button>
    </th>
  );
}
