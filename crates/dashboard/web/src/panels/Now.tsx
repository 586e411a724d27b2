/** Visitors now: how many different people did something in the last five minutes. */
import { ApiError } from "../api/problem";
import { formatCount } from "../format/number";
import { useFeed } from "../live/Live";
import { ErrorBoundary } from "../ui/ErrorBoundary";
import { Skeleton } from "../ui/Skeleton";

export function Now({ filtered }: { filtered: boolean }) {
  return (
    <section className="now" aria-label="Visitors now" data-testid="now">
      <ErrorBoundary>
        <NowFigure filtered={filtered} />
      </ErrorBoundary>
    </section>
  );
}

function NowFigure({ filtered }: { filtered: boolean }) {
  const { feed, state } = useFeed();
  const { seeding, now, nowExact, connection } = state;
  if (connection === "off" || (seeding instanceof ApiError && seeding.isAboutKey)) {
    return (
      <p className="now-text">
        <span className="dot dot-stale" aria-hidden="true" />– visitors now
      </p>
    );
  }
  if (seeding instanceof ApiError && now === 0) {
    return (
      <p className="now-text">
        Visitors now: <span role="status">{seeding.message}</span>{" "}
        <button type="button" className="link" onClick={() => void feed.seed()}>
          Try again
        </button>
      </p>
    );
  }
  const stale = connection === "reconnecting" || seeding instanceof ApiError;
  return (
    <p className="now-text" title="Different users with an event in the last 5 minutes">
      <span className={stale ? "dot dot-stale" : "dot"} aria-hidden="true" />
      {seeding === "pending" ? (
        <Skeleton className="skeleton-now" />
      ) : (
        <strong className="now-count" data-testid="now-count">
          {formatCount(now)}
          {nowExact ? "" : "+"}
        </strong>
      )}{" "}
      {now === 1 ? "visitor" : "visitors"} now{filtered ? ", filtered" : ""}
      {stale && <span className="muted"> (reconnecting)</span>}
    </p>
  );
}
