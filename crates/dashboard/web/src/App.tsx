/** The page: what is looked at comes from the address, and every panel asks for its own. */
import { useEffect, useMemo, useRef } from "react";
import { queryClient } from "./api/queries";
import { LiveProvider } from "./live/Live";
import { Activity } from "./panels/Activity";
import { ChartPanel } from "./panels/ChartPanel";
import { Domain } from "./panels/Domain";
import { LivePanel } from "./panels/LivePanel";
import { Now } from "./panels/Now";
import { Pages } from "./panels/Pages";
import { Segments } from "./panels/Segments";
import { Totals } from "./panels/Totals";
import { Types } from "./panels/Types";
import { useKey } from "./state/key";
import { nameOf } from "./state/period";
import { useView } from "./state/useView";
import { browserZone } from "./state/zone";
import { Filters } from "./ui/Filters";
import { Header } from "./ui/Header";
import { KeyDialog } from "./ui/KeyDialog";
import { Toolbar } from "./ui/Toolbar";

export function App() {
  const view = useView();
  const { period, page, eventType, metric, order, user, domain } = view;
  const zone = view.zone ?? browserZone();
  const filter = useMemo(() => ({ page, eventType }), [page, eventType]);
  const filtered = page !== null || eventType !== null;
  useFreshAnswersForNewKey();
  return (
    <LiveProvider>
      <a className="skip" href="#figures">
        Skip to the figures
      </a>
      <Header />
      <main>
        <div className="controls">
          <Now filtered={filtered} />
          <Toolbar view={view} zone={zone} />
          <Filters filter={filter} />
        </div>
        <p className="hidden" role="status">
          Showing {nameOf(period)}
          {page && `, page ${page}`}
          {eventType && `, type ${eventType}`}
        </p>
        <div id="figures" tabIndex={-1} className="panels">
          <Totals period={period} filter={filter} />
          <ChartPanel period={period} metric={metric} zone={zone} filter={filter} />
          <Pages period={period} order={order} selected={page} eventType={eventType} />
          <Types period={period} page={page} selected={eventType} />
          <LivePanel zone={zone} filtered={filtered} />
          <Segments />
          <Activity period={period} user={user} zone={zone} />
          <Domain domain={domain} />
        </div>
      </main>
      <footer className="bottom">
        <p>Figures are exact, and of this moment.</p>
        <a href="/docs">API</a>
      </footer>
      <KeyDialog />
    </LiveProvider>
  );
}

/** What was answered to another key is not this one's to see. */
function useFreshAnswersForNewKey(): void {
  const { key } = useKey();
  const previous = useRef(key);
  useEffect(() => {
    if (previous.current !== key) {
      previous.current = key;
      void queryClient.resetQueries();
    }
  }, [key]);
}
