/** How a figure compares to the period before: in words for those who hear it, with an arrow for those who see it. */
import { changeOf, formatPercent } from "../format/number";

interface Props {
  current: number;
  previous: number;
  /** The figure before, and of when, as text: "1,204 in the 7 days before". */
  before: string;
}

export function Delta({ current, previous, before }: Props) {
  const change = changeOf(current, previous);
  switch (change.kind) {
    case "up":
    case "down":
      return (
        <span className={`delta delta-${change.kind}`} title={before}>
          <span aria-hidden="true">{change.kind === "up" ? "↑" : "↓"}</span>
          <span className="hidden">{change.kind === "up" ? "up " : "down "}</span>
          {formatPercent(change.percent)}
        </span>
      );
    case "new":
      return (
        <span className="delta delta-up" title={before}>
          new
        </span>
      );
    case "same":
    case "none":
      return (
        <span className="delta" title={before}>
          no change
        </span>
      );
  }
}
