/** Stands where an answer will be, in about its shape, so that nothing jumps when it comes. */

export function Skeleton({ className = "" }: { className?: string }) {
  return <span className={`skeleton ${className}`} aria-hidden="true" />;
}

export function SkeletonRows({ rows = 8 }: { rows?: number }) {
  return (
    <div className="skeleton-rows">
      <span className="hidden" role="status">
        Loading…
      </span>
      {Array.from({ length: rows }, (_, index) => (
        <Skeleton key={index} className={`skeleton-row skeleton-row-${index % 4}`} />
      ))}
    </div>
  );
}
