/** What the page is narrowed to, in plain sight and easy to undo. */
import type { Filter } from "../api/requests";
import { typeLabel } from "../format/event";
import type { View } from "../state/url";
import { changeView } from "../state/useView";
import { CloseIcon } from "./icons";

/** The button that was pressed is gone with its chip: the focus goes on to what it changed. */
function clear(change: Partial<View>): void {
  changeView(change);
  document.getElementById("figures")?.focus({ preventScroll: true });
}

export function Filters({ filter }: { filter: Filter }) {
  if (filter.page === null && filter.eventType === null) {
    return null;
  }
  return (
    <ul className="chips" aria-label="Filters">
      {filter.page !== null && <Chip name="Page" value={filter.page} onClear={() => clear({ page: null })} />}
      {filter.eventType !== null && <Chip name="Type" value={typeLabel(filter.eventType)} onClear={() => clear({ eventType: null })} />}
    </ul>
  );
}

function Chip({ name, value, onClear }: { name: string; value: string; onClear: () => void }) {
  return (
    <li className="chip" data-testid="filter-chip">
      <span className="chip-name">{name}</span>
      <span className="chip-value" title={value}>
        {value}
      </span>
      <button type="button" aria-label={`Clear the filter ${name} ${value}`} title="Clear" onClick={onClear}>
        <CloseIcon />
      </button>
    </li>
  );
}
