/** What users did in each window of four hours. */
import { useEffect, useState, type FormEvent } from "react";
import { useActivity } from "../api/queries";
import type { ActivityRow } from "../api/types";
import { formatCount } from "../format/number";
import { formatClock, formatDateTime } from "../format/time";
import type { Period } from "../state/period";
import { changeView } from "../state/useView";
import { Answer } from "../ui/Answer";
import { Panel } from "../ui/Panel";
import { SkeletonRows } from "../ui/Skeleton";

export function Activity({ period, user, zone }: { period: Period; user: string | null; zone: string }) {
  const activity = useActivity(period, user);
  return (
    <Panel title="User activity" testId="activity" note="by 4-hour window" controls={<UserSearch user={user} />}>
      <Answer question={activity} skeleton={<SkeletonRows rows={8} />}>
        {({ pages }) => {
          const rows = pages.flatMap((page) => page.metrics);
          if (rows.length === 0) {
            return (
              <p className="empty">
                {user ? `No activity of “${user}” in this period.` : "No activity in this period."} Windows are computed once they are over.
              </p>
            );
          }
          return (
            <>
              <div className="scroll activity-scroll" tabIndex={0} role="region" aria-label="User activity, rows">
                <ActivityTable rows={rows} zone={zone} searched={user !== null} />
              </div>
              {activity.hasNextPage && (
                <button type="button" className="button more" disabled={activity.isFetchingNextPage} onClick={() => void activity.fetchNextPage()}>
                  {activity.isFetchingNextPage ? "Loading…" : "Load more"}
                </button>
              )}
            </>
          );
        }}
      </Answer>
    </Panel>
  );
}

function UserSearch({ user }: { user: string | null }) {
  const [text, setText] = useState(user ?? "");
  useEffect(() => setText(user ?? ""), [user]);
  const search = (event: FormEvent) => {
    event.preventDefault();
    changeView({ user: text.trim() || null });
  };
  return (
    <form role="search" aria-label="Users" className="inline-form" onSubmit={search}>
      <input
        type="search"
        className="input"
        placeholder="User id"
        aria-label="User id"
        maxLength={255}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          if (event.target.value === "") {
            changeView({ user: null });
          }
        }}
      />
      <button type="submit" className="button">
        Search
      </button>
    </form>
  );
}

function ActivityTable({ rows, zone, searched }: { rows: ActivityRow[]; zone: string; searched: boolean }) {
  return (
    <table className="table">
      <thead>
        <tr>
          <th scope="col">User</th>
          <th scope="col">Window</th>
          <th scope="col" className="number">
            Events
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={`${row.window_start_at} ${row.user_id}`}>
            <th scope="row" className="cell-cut">
              {searched ? (
                row.user_id
              ) : (
                <button type="button" className="link plain" title={`Only ${row.user_id}`} onClick={() => changeView({ user: row.user_id })}>
                  {row.user_id}
                </button>
              )}
            </th>
            <td className="muted nowrap">
              {formatDateTime(Date.parse(row.window_start_at), zone)}–{formatClock(Date.parse(row.window_end_at), zone)}
            </td>
            <td className="number">{formatCount(row.event_count)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
