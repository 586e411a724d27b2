// Footfall's tracker. One tag counts a site's page views, from any site:
//
//   <script defer src="https://stats.example/tracker.js"></script>
//
// Its optional attributes: data-key (a key that may ingest), data-endpoint (where the service is, if not beside this
// file), data-user (who the visitor is), data-auto="off" (no page views but those that the page tracks).
//
// Pages may call footfall.track(type, properties), footfall.identify(user) (nobody: forgets), footfall.optOut() and
// footfall.optIn(). To call them before this file is loaded, which then makes up for it in that order:
//
//   window.footfall ||= ["track", "identify", "optOut", "optIn"].reduce(
//     (stub, name) => ({ ...stub, [name]: (...given) => stub.q.push([name, ...given]) }),
//     { q: [] },
//   );
//
// Lines of comment are left out where this is served, and nothing else is changed.
// All in a block, whose names are its own, and whose failures the page never notices.
footfall: try {
  const script = document.currentScript;
  const early = window.footfall;
  if (!script || (early?.optIn && !early.q) || !/^http/.test(location)) break footfall;
  const { key, endpoint = "", auto, user } = script.dataset;
  const service = new URL(endpoint.replace(/[^/]$/, "$&/") + "events", script.src || location.href);
  if (key) service.searchParams.set("key", key);

  const OURS = "footfall.";
  const OFF = OURS + "off";
  const VISITOR = OURS + "visitor";
  const USER = OURS + "user";
  const EVENT = OURS + "event.";

  // Used by its properties, as any object. Where it is blocked, or from when it is full, this page remembers for itself.
  let store = {};
  try {
    store = localStorage || store;
  } catch {}
  const disk = store;
  const put = (name, value) => {
    try {
      store[name] = value;
    } catch {
      (store = { ...store })[name] = value;
    }
    return value;
  };
  const drop = (name) => delete disk[name] && delete store[name];
  const ours = (start) => Object.keys(store).filter((name) => !name.indexOf(start));
  const off = () => navigator.doNotTrack == 1 || navigator.globalPrivacyControl || store[OFF];
  const clear = () => ours(OURS).forEach((name) => name == OFF || drop(name));

  // crypto.randomUUID is missing where the page is not secure. The address of a blob ends in a random UUID everywhere.
  const uuid = () => crypto.randomUUID?.() ?? URL.createObjectURL(new Blob()).slice(-36);

  // An entry for each event, so that tabs never write the same one. Oldest first; what is too old or too much goes.
  const queue = () => {
    let room = 2e5;
    return ours(EVENT)
      .sort()
      .reverse()
      .filter(
        (name, at) =>
          ((room -= store[name].length) > 0 && at < 100 && name.split(".")[2] > new Date() - 864e5) || !drop(name),
      )
      .reverse();
  };
  // What may go at once: browsers keep no more than 64 KiB alive when a page goes, and a character takes up to 3. What was
  // tried last comes last: where no answer can be read, the oldest would be in the way of all others for ever.
  const tried = [];
  const batch = () => {
    let room = 2e4;
    const names = (off() ? [] : queue())
      .sort((a, b) => tried.lastIndexOf(a) - tried.lastIndexOf(b))
      .filter((name, at) => (room -= store[name].length + 1) > 0 || !at);
    return [names, names[0] && `[${names.map((name) => store[name])}]`];
  };

  let known = user;
  let last, sent, busy, timer;
  let from = document.referrer;
  let delay = 0;

  const flush = async () => {
    timer = clearTimeout(timer);
    const [names, body] = batch();
    if (busy || !body) return;
    busy = true;
    sent = body;
    tried.push(...names);
    let pause = 1;
    try {
      // A string is text/plain, which needs no preflight. Redirected, this may become a GET, whose 200 says nothing.
      const { status, headers } = await fetch(service, {
        method: "POST",
        body,
        keepalive: body.length < 2e4,
        credentials: "omit",
        redirect: "error",
        signal: AbortSignal.timeout?.(3e4),
      });
      // Stored, or never to be. Anything else may pass: a wrong key, a service that moves, a proxy's bad hour.
      pause = !/2..|4(00|13|22)/.test(status) && (headers.get("retry-after") * 1e3 || 1);
    } catch {}
    busy = false;
    if (pause) {
      sent = 0;
      delay = Math.min(delay * 2 || 1e3, 3e5);
      // An event that was made meanwhile has set it: one that is left would try again at once.
      clearTimeout(timer);
      timer = setTimeout(flush, Math.min(Math.max(pause, delay), 36e5) * (1 + Math.random() / 4));
    } else {
      names.forEach(drop);
      delay = 0;
      flush();
    }
  };
  // Nobody hears whether a beacon arrived, so its events stay queued: their ids make them count once.
  const leave = () => {
    const [names, body] = batch();
    if (body && body != sent && navigator.sendBeacon?.(service, new Blob([body], { type: "text/plain" }))) {
      sent = body;
      tried.push(...names);
    }
  };

  const shown = (act) => (document.prerendering ? document.addEventListener("prerenderingchange", act) : act());
  const page = () => location.href.split("#")[0];
  // The page must never notice that something failed here.
  const safe = (act) => (...given) => {
    try {
      act(...given);
    } catch {}
  };
  const record = safe((event_type, properties) => {
    if (off()) return;
    const event_id = uuid();
    const timestamp = new Date();
    const user_id = known || store[USER] || store[VISITOR] || put(VISITOR, uuid());
    if (event_type == "page_view") {
      const { title } = document;
      properties = { page: page(), title, screen_width: screen.width, language: navigator.language, ...properties };
    }
    const event = JSON.stringify({ event_id, user_id, event_type, timestamp, properties });
    if (event.length < 4e4) put(EVENT + +timestamp + "." + event_id, event);
    queue();
    timer ||= setTimeout(flush);
  });
  const view = () => {
    if (auto == "off" || off() || page() == last) return;
    last = page();
    record("page_view", { referrer: from });
    from = last;
  };
  // After what the page does at the moment: its title is set then, and a redirection is over.
  const soon = () => setTimeout(shown, 0, view);

  const api = (window.footfall = {
    track: (...event) => shown(() => record(...event)),
    identify: safe((id) => {
      known = id ? "" + id : "";
      drop(USER);
      if (id && !off()) put(USER, known);
    }),
    optOut: safe(() => {
      clear();
      put(OFF, 1);
    }),
    optIn: safe(() => {
      drop(OFF);
      shown(view);
    }),
  });

  for (const name of ["pushState", "replaceState"]) {
    const plain = history[name];
    history[name] = function (...given) {
      const seen = page() == last && location.pathname;
      const result = plain.apply(this, given);
      // Sites clean their address, and write what is searched for into it: what was seen is still the same page.
      if (name > "r" && seen == location.pathname) last = page();
      soon();
      return result;
    };
  }
  addEventListener("popstate", soon);
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted) last = "";
    soon();
  });
  addEventListener("pagehide", leave);
  addEventListener("visibilitychange", () => document.hidden && leave());
  addEventListener("online", flush);

  if (off()) clear();
  // Before the first view, which is by whom they identified, if at all.
  early?.q?.forEach(([name, ...given]) => api[name]?.(...given));
  shown(() => {
    view();
    flush();
  });
} catch {}
