// How soon a page was there, how much it jumped, how fast it answered: LCP, CLS, INP and TTFB as web-vitals defines them.
//
//   load ----------------------------------> hidden or left: one event; another one if it grows after that
//   TTFB .. LCP until the first input         CLS: the worst second-long burst; INP: of 50 interactions the worst
function vitals({ fresh, listen, now, track, onLeave, here }) {
  const [navigation = {}] = performance.getEntriesByType("navigation");
  const activated = navigation.activationStart || 0; // a page made ahead begins when it is shown
  let page, id, kind, lcp, cls, inp, ttfb, burst, longest, told;
  let hiddenAt = 1 / 0; // what is painted later nobody waited for
  const begin = (how) => {
    page = here();
    id = fresh();
    kind = how;
    lcp = inp = ttfb = undefined;
    cls = 0;
    burst = { value: 0, first: 0, last: 0 };
    longest = new Map();
    told = "";
  };

  const painted = (entry) => {
    if (entry.startTime < hiddenAt) lcp = Math.max(0, entry.startTime - activated);
  };
  const shifted = ({ startTime: at, value, hadRecentInput }) => {
    if (hadRecentInput) return;
    if (at - burst.last > 1e3 || at - burst.first > 5e3) burst = { value: 0, first: at, last: at };
    burst.value += value;
    burst.last = at;
    cls = Math.max(cls, burst.value);
  };
  let firstCount = 0;
  const answered = ({ interactionId, duration }) => {
    if (!interactionId) return;
    longest.set(interactionId, Math.max(duration, longest.get(interactionId) || 0));
    const sorted = [...longest].sort((one, other) => other[1] - one[1]);
    sorted.slice(10).forEach(([each]) => longest.delete(each));
    const count = Math.max(longest.size, (performance.interactionCount || 0) - firstCount);
    inp = sorted[Math.min(sorted.length - 1, Math.floor(count / 50))][1];
  };

  const watched = [];
  const watch = (type, seen, more) => {
    if (!PerformanceObserver.supportedEntryTypes.includes(type)) return;
    const observer = new PerformanceObserver((list) => list.getEntries().forEach(seen));
    observer.observe({ type, buffered: true, ...more });
    watched.push(() => observer.takeRecords().forEach(seen));
  };
  const round = (value, unit = 1) => (value === undefined ? value : Math.round(value / unit) * unit);
  const tell = () => {
    watched.forEach((take) => take());
    const found = { lcp_ms: round(lcp), cls: +cls.toFixed(4), inp_ms: round(inp), ttfb_ms: round(ttfb) };
    const text = JSON.stringify(found);
    if (told === text) return;
    told = text;
    track("web_vitals", { ...found, navigation: kind, load_id: id }, { context: { page: { ...page } } });
  };

  begin(activated ? "prerender" : navigation.type || "navigate");
  const sent = navigation.responseStart;
  if (sent > 0 && sent <= now()) ttfb = Math.max(0, sent - activated);
  const hidden = performance.getEntriesByType("visibility-state").find(
    (entry) => entry.name === "hidden" && entry.startTime >= activated
  );
  if (hidden && !activated) hiddenAt = hidden.startTime;
  watch("largest-contentful-paint", painted);
  watch("layout-shift", shifted);
  watch("event", answered, { durationThreshold: 40 });
  watch("first-input", answered);
  // On the window: heard before the tracker sends the last of what it has on the document.
  // The browser ends LCP at a click, a key or a scroll by itself, but not behind a page that nobody sees.
  listen(window, "visibilitychange", (changed) => {
    if (document.visibilityState !== "hidden") return;
    hiddenAt = Math.min(hiddenAt, changed.timeStamp);
    tell();
  });
  onLeave.push(tell);
  listen(window, "pageshow", (shown) => {
    if (!shown.persisted) return;
    firstCount = performance.interactionCount || 0;
    begin("back-forward-cache");
    ttfb = 0;
    requestAnimationFrame(() => requestAnimationFrame(() => (lcp = now() - shown.timeStamp)));
  });
}
