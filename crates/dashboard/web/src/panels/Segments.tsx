/** How many users are in each segment, and how fresh that is. */
import { useState } from "react";
import { useSegments } from "../api/queries";
import { formatCount, plural } from "../format/number";
import { formatAge } from "../format/time";
import { useTick } from "../state/clock";
import { Answer } from "../ui/Answer";
import { BarRow } from "../ui/BarRow";
import { Panel } from "../ui/Panel";
import { SkeletonRows } from "../ui/Skeleton";

const fewRows = 10;

export function Segments() {
  const segments = useSegments();
  const [all, setAll] = useState(false);
  const countedAt = segments.data?.countedAt ?? null;
  return (
    <Panel title="Segments" testId="segments" note={countedAt === null ? undefined : <Age countedAt={countedAt} />}>
      <Answer question={segments} skeleton={<SkeletonRows rows={8} />}>
        {({ rows }) => {
          if (rows.length === 0) {
            return <p className="empty">No user is in a segment.</p>;
          }
          const greatest = Math.max(1, ...rows.map((row) => row.usersCount));
          return (
            <>
              <table className="table ranked">
                <thead>
                  <tr>
                    <th scope="col">Segment</th>
                    <th scope="col" className="number">
                      Users
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {rows.slice(0, all ? rows.length : fewRows).map((row) => (
                    <tr key={row.title}>
                      <th scope="row">
                        <BarRow share={row.usersCount / greatest} title={row.title}>
                          {row.title}
                        </BarRow>
                      </th>
                      <td className="number">{formatCount(row.usersCount)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
              {rows.length > fewRows && (
                <button type="button" className="button more" aria-expanded={all} onClick={() => setAll(!all)}>
                  {all ? "Show fewer" : `Show all ${plural(rows.length, "segment")}`}
                </button>
              )}
            </>
          );
        }}
      </Answer>
    </Panel>
  );
}

function Age({ countedAt }: { countedAt: number }) {
  const now = useTick(5000);
  return <time dateTime={new Date(countedAt).toISOString()}>counted {formatAge(now - countedAt)}</time>;
}
