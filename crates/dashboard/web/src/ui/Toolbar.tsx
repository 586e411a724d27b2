/** What the page is of: the period, the zone it is told in, and what it is narrowed to. */
import { useState } from "react";
import { anchorNow, advanceAnchor, useAnchor } from "../state/clock";
import { formatSpan } from "../format/time";
import { isRelative, relativePeriods, spanOf } from "../state/period";
import { formatView, type View } from "../state/url";
import { changeView } from "../state/useView";
import { browserZone, zones } from "../state/zone";
import { CustomPeriod } from "./CustomPeriod";
import { Segmented } from "./Segmented";

const options = [...relativePeriods.map((value) => ({ value: value as string, label: value })), { value: "custom", label: "Custom" }];

export function Toolbar({ view, zone }: { view: View; zone: string }) {
  const [choosing, setChoosing] = useState(false);
  const { period } = view;
  // Going back, or on to something else, ends the choice; only another zone may be picked in the midst of it.
  const place = formatView({ ...view, zone: null });
  const [chosenAt, setChosenAt] = useState(place);
  if (chosenAt !== place) {
    setChosenAt(place);
    setChoosing(false);
  }
  useAnchor(); // The span shown moves along with the figures.
  const choose = (kind: string) => {
    if (isRelative(kind)) {
      setChoosing(false);
      advanceAnchor();
      changeView({ period: { kind } });
    } else {
      setChoosing(true);
    }
  };
  const span = spanOf(period, anchorNow());
  return (
    <>
      <div className="toolbar">
        <Segmented label="Period" options={options} value={choosing ? "custom" : period.kind} onChange={choose} />
        <ZoneSelect zone={zone} />
      </div>
      {choosing || period.kind === "custom" ? (
        <CustomPeriod
          key={period.kind === "custom" ? `${period.from} ${period.to} ${zone}` : zone}
          span={span}
          zone={zone}
          onChoose={(chosen) => {
            setChoosing(false);
            changeView({ period: { kind: "custom", ...chosen } });
          }}
        />
      ) : null}
      <p className="span-text">{formatSpan(span, zone)}</p>
    </>
  );
}

function ZoneSelect({ zone }: { zone: string }) {
  const own = browserZone();
  return (
    <select
      className="input zone"
      aria-label="Time zone"
      value={zone}
      onChange={(event) => changeView({ zone: event.target.value === own ? null : event.target.value })}
    >
      {zones(own, zone).map((name) => (
        <option key={name} value={name}>
          {name.replaceAll("_", " ")}
        </option>
      ))}
    </select>
  );
}
