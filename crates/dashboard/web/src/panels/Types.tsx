/** Events by type, with their shares. A click narrows the whole dashboard to one. */
import { useSummary } from "../api/queries";
import { typeLabel } from "../format/event";
import { formatCount, formatPercent } from "../format/number";
import type { Period } from "../state/period";
import { changeView } from "../state/useView";
import { Answer } from "../ui/Answer";
import { BarRow } from "../ui/BarRow";
import { Panel } from "../ui/Panel";
import { SkeletonRows } from "../ui/Skeleton";

interface Props {
  period: Period;
  page: string | null;
  selected: string | null;
}

export function Types({ period, page, selected }: Props) {
  // Not narrowed by type: the others stay in sight, to go over to.
  const summary = useSummary("current", period, { page, eventType: null });
  return (
    <Panel title="Events by type" testId="types" note={page ? "Only page views belong to a page" : undefined}>
      <Answer question={summary} skeleton={<SkeletonRows rows={6} />}>
        {({ events_by_type: counts, total_events: total }) => {
          const rows = Object.entries(counts).sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
          const greatest = rows[0]?.[1] ?? 1;
          if (rows.length === 0) {
            return <p className="empty">No events in this period.</p>;
          }
          return (
            <table className="table ranked">
              <thead>
                <tr>
                  <th scope="col">Type</th>
                  <th scope="col" className="number">
                    Events
                  </th>
                  <th scope="col" className="number">
                    Share
                  </th>
                </tr>
              </thead>
              <tbody>
                {rows.map(([type, count]) => {
                  const active = type === selected;
                  return (
                    <tr key={type} className={active ? "row-active" : selected ? "row-dimmed" : ""}>
                      <th scope="row">
                        <BarRow
                          share={count / greatest}
                          title={type}
                          filter={{
                            label: `Filter by type ${typeLabel(type)}`,
                            active,
                            onToggle: () => changeView({ eventType: active ? null : type }),
                          }}
                        >
                          {typeLabel(type)}
                        </BarRow>
                      </th>
                      <td className="number">{formatCount(count)}</td>
                      <td className="number muted">{formatPercent((count / total) * 100)}</td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          );
        }}
      </Answer>
    </Panel>
  );
}
