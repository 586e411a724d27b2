/** Events as they come in. */
import { memo, useMemo, useState } from "react";
import { ApiError } from "../api/problem";
import type { StoredEvent } from "../api/types";
import { matches, summaryOf, typeLabel } from "../format/event";
import { formatCount, plural } from "../format/number";
import { formatDateTime, formatSeconds } from "../format/time";
import { waitingLimit } from "../live/buffer";
import type { Connection, FeedState } from "../live/feed";
import { useFeed } from "../live/Live";
import { changeView } from "../state/useView";
import { ErrorNote } from "../ui/ErrorNote";
import { Panel } from "../ui/Panel";
import { SkeletonRows } from "../ui/Skeleton";

type Status = Connection | "paused" | "lagged";

/** What weighs most comes first: without a connection nothing else is true. */
function statusOf(state: FeedState): Status {
  if (state.connection !== "live") {
    return state.connection;
  }
  return state.buffer.paused ? "paused" : state.lagging ? "lagged" : "live";
}

function textOf(status: Status, missed: number): string {
  switch (status) {
    case "connecting":
      return "Connecting…";
    case "live":
      return "Live";
    case "reconnecting":
      return "Reconnecting…";
    case "off":
      return "Not connected";
    case "paused":
      return "Paused";
    case "lagged":
      return `Lagged (missed ${formatCount(missed)})`;
  }
}

export function LivePanel({ zone, filtered }: { zone: string; filtered: boolean }) {
  const { feed, state } = useFeed();
  const { buffer, missed } = state;
  const [needle, setNeedle] = useState("");
  const [type, setType] = useState("");
  const status = statusOf(state);
  const types = useMemo(() => [...new Set([...buffer.shown.map((event) => event.event_type), ...(type ? [type] : [])])].sort(), [buffer.shown, type]);
  const shown = buffer.shown.filter((event) => (type === "" || event.event_type === type) && matches(event, needle));
  return (
    <Panel
      title="Live events"
      testId="live"
      note={
        <span className={`live-status live-status-${status}`} role="status" data-testid="live-status">
          <span className="dot" aria-hidden="true" />
          {textOf(status, missed)}
        </span>
      }
      controls={
        <>
          <input type="search" className="input" placeholder="Find events" aria-label="Find in live events" value={needle} onChange={(event) => setNeedle(event.target.value)} />
          <select className="input" aria-label="Type of live events" value={type} onChange={(event) => setType(event.target.value)}>
            <option value="">All types</option>
            {types.map((name) => (
              <option key={name} value={name}>
                {typeLabel(name)}
              </option>
            ))}
          </select>
          <button type="button" className="button" onClick={buffer.paused ? feed.resume : feed.pause}>
            {buffer.paused ? "Resume" : "Pause"}
          </button>
        </>
      }
    >
      {buffer.paused && (
        <p className="live-note">
          {buffer.waitingCount >= waitingLimit ? `${formatCount(waitingLimit)}+ events` : plural(buffer.waitingCount, "event")} came since the pause
        </p>
      )}
      {missed > 0 && <p className="live-note">The stream was too fast to follow: {plural(missed, "event")} left out here. All figures count them.</p>}
      {state.seeding instanceof ApiError && <ErrorNote error={state.seeding} onRetry={() => void feed.seed()} />}
      {shown.length > 0 ? (
        <ol className="live-list" data-testid="live-list" aria-label="Live events, newest first">
          {shown.map((event) => (
            <LiveRow key={event.event_id} event={event} zone={zone} />
          ))}
        </ol>
      ) : (
        <Nothing state={state} narrowed={buffer.shown.length > 0} filtered={filtered} />
      )}
    </Panel>
  );
}

function Nothing({ state, narrowed, filtered }: { state: FeedState; narrowed: boolean; filtered: boolean }) {
  if (narrowed) {
    return <p className="empty">None of the events here fits.</p>;
  }
  if (state.connection === "off") {
    return <ErrorNote error={new ApiError(401, "")} onRetry={() => undefined} />;
  }
  if (state.seeding === "pending") {
    return <SkeletonRows rows={8} />;
  }
  if (state.seeding instanceof ApiError) {
    return null;
  }
  if (filtered) {
    return <p className="empty">Waiting for events that fit the filter…</p>;
  }
  return (
    <div className="empty">
      <p>Waiting for events…</p>
      <p>
        Send one to <code>POST /events</code>, or a visit to <code>POST /visits</code>, and it shows here at once.
      </p>
    </div>
  );
}

const LiveRow = memo(function LiveRow({ event, zone }: { event: StoredEvent; zone: string }) {
  const at = Date.parse(event.timestamp);
  // Two hundred rows pass by on a busy site, and hardly one of them is ever opened.
  const [open, setOpen] = useState(false);
  return (
    <li>
      <details className="live-event" onToggle={(toggle) => setOpen(toggle.currentTarget.open)}>
        <summary>
          <time dateTime={event.timestamp} title={formatDateTime(at, zone)}>
            {formatSeconds(at, zone)}
          </time>
          <span className="live-type">{typeLabel(event.event_type)}</span>
          <span className="live-what" title={summaryOf(event)}>
            {summaryOf(event)}
          </span>
          <span className="live-user">{event.user_id ?? ""}</span>
        </summary>
        {open && (
          <pre tabIndex={0} aria-label="The event as JSON">
            {JSON.stringify(event, null, 2)}
          </pre>
        )}
        {event.user_id !== null && (
          <button type="button" className="link" onClick={() => changeView({ user: event.user_id })}>
            Activity of {event.user_id}
          </button>
        )}
      </details>
    </li>
  );
});
