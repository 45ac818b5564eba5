// Left again at once: back on the page before, within 7 s. Told of every page, with when it came.
function backs({ read, write, track }, { path, referrer }, time, kind) {
  const QUICK_MS = 7e3;
  // The way of this tab: the page before, this one, and when it came. It outlives the pages of a site.
  const [before, last, at] = JSON.parse(read("way") || "[]");
  if (path === last) return;
  const isInside = referrer.startsWith(location.origin) || kind === "back_forward"; // no new arrival
  if (path === before && time - at < QUICK_MS && isInside) track("Quick Back", { from: last, after_ms: time - at });
  write("way", JSON.stringify([last, path, time]));
}
