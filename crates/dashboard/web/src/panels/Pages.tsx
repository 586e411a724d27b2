/** The pages with the most visitors or views. A click narrows the whole dashboard to one. */
import { useMemo, useState } from "react";
import { usePages } from "../api/queries";
import type { PageRow } from "../api/types";
import { pageParts } from "../format/event";
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
            <PagesTable rows={rows} order={order} needle={needle} selected={selected} />
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

function PagesTable({ rows, order, needle, selected }: { rows: PageRow[]; order: PageOrder; needle: string; selected: string | null }) {
  const wanted = needle.trim().toLowerCase();
  const shown = useMemo(() => rows.filter((row) => row.url.toLowerCase().includes(wanted)), [rows, wanted]);
  const hosts = useMemo(() => hostsOf(rows), [rows]);
  if (shown.length === 0) {
    return <p className="empty">{rows.length === 0 ? "No page was viewed in this period." : `No page has “${needle.trim()}” in its address.`}</p>;
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
                  {path}
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
