// The page: what is looked at, and who is told when it changes.
//
// What is looked at stands in the address (#project=shop&range=7d&customer=...), so it can be kept, shared and gone back to.

import { ask, call, serverNow } from "./api.js";
import { CustomerSheet } from "./customer.js";
import { element, keyed, part, say } from "./elements.js";
import { Feed, FEED_QUESTION } from "./feed.js";
import { DEFAULT_DEFINITION, Figures, isDefinition } from "./figures.js";
import { clock, duration, moment, sentence } from "./format.js";
import { FunnelPanel } from "./funnel.js";
import { JourneysPanel } from "./journeys.js";
import { Live, Refresher } from "./live.js";
import { asked } from "./periods.js";

const RANGES = ["today", "24h", "7d", "30d", "all"];
const QUIET_REFRESH = 10_000; // time passes also while nothing arrives
const FOLLOW_UPS = [1000, 3000, 6000]; // facts may be written a moment after the event that moved them
const BEHIND = 120_000; // from then on it is said that the figures are late

let session = null;
let view = null;
let live = null;
let until = null; // data_until, ms
let stay = new AbortController(); // ends when the page rests

const address = () => new URLSearchParams(location.hash.slice(1));

/** The address with these changes; null takes a part out. */
function addressWith(changes) {
  const next = address();
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) next.delete(name);
    else next.set(name, value);
  }
  return `#${next}`;
}

const customerAddress = (id) => addressWith({ customer: id });

const figures = new Figures({
  onDefinition: (name) => go({ bounce: name === DEFAULT_DEFINITION ? null : name }),
  onEmpty: (isEmpty) => welcome(isEmpty),
  onAnswer: note,
});
const funnel = new FunnelPanel({ onChoice: (name) => go({ funnel: name }), onRetry: () => refreshers.funnel.restart() });
const journeys = new JourneysPanel({ customerAddress, onRetry: () => refreshers.journeys.restart() });
const feed = new Feed({ customerAddress, onRetry: () => live?.retry() });
const sheet = new CustomerSheet({ onClose: () => { if (address().has("customer")) go({ customer: null }); } });

const refreshers = {
  figures: new Refresher(work((signal) => figures.refresh(view, signal))),
  funnel: new Refresher(work((signal) => funnel.refresh(view, signal)), { least: 2500 }),
  journeys: new Refresher(work((signal) => journeys.refresh(view, signal)), { least: 2000 }),
  rejects: new Refresher(work(countRejects), { least: 2000 }),
};

/** A panel's work: a key that is needed opens the door, other problems the panel itself or the live state tells. */
function work(run) {
  return async (signal) => {
    try {
      await run(signal);
    } catch (error) {
      if (error.name === "AbortError") return;
      if (error.needsKey) openDoor();
      else if (error.status === undefined) throw error;
    }
  };
}

async function countRejects(signal) {
  const { question } = asked("24h");
  const answer = await ask(view.project.name, "rejected", { ...question, newest: 0 }, signal);
  feed.countRejected(answer.result.count);
}

function go(changes) {
  location.hash = addressWith(changes);
}

/** Looks at what the address says. */
function look() {
  const wanted = address();
  const project = session.projects.find((each) => each.name === wanted.get("project")) ?? session.projects[0];
  const range = RANGES.includes(wanted.get("range")) ? wanted.get("range") : RANGES[0];
  const definition = isDefinition(wanted.get("bounce") ?? "") ? wanted.get("bounce") : DEFAULT_DEFINITION;
  const next = { project, range, definition, funnel: wanted.get("funnel"), extent: null };
  const before = view;
  view = next;
  part("project").value = project.name;
  for (const input of part("ranges").querySelectorAll("input")) input.checked = input.value === range;
  if (before?.project !== project) lookAtProject();
  if (before?.project !== project || before.range !== range) lookAtRange();
  else {
    view.extent = before.extent;
    if (before.definition !== definition) refreshers.figures.restart();
    if (before.funnel !== view.funnel) refreshers.funnel.restart();
  }
  const customer = wanted.get("customer");
  if (customer && !(sheet.isOpen && sheet.id === customer)) sheet.open(view, customer);
  if (!customer) sheet.close();
}

function lookAtProject() {
  live?.stop();
  showState({ state: "connecting" });
  until = null;
  feed.forget();
  say(part("foot-zone"), `Times and days in ${view.project.zone}`);
  document.title = session.projects.length > 1 ? `${view.project.name} – Wayfare` : "Wayfare";
  live = new Live(view.project.name, "recent", FEED_QUESTION, {
    onAnswer: (answer) => {
      note(answer);
      feed.show(view, answer);
      refresh();
      for (const wait of FOLLOW_UPS) setTimeout(refresh, wait);
    },
    onState: showState,
    onKeyNeeded: openDoor,
  });
  refreshers.rejects.restart();
}

async function lookAtRange() {
  for (const panel of [figures, funnel, journeys]) panel.forget();
  const current = view;
  if (current.range === "all") current.extent = await extentOf(current.project.name).catch(() => null);
  if (view !== current) return;
  for (const name of ["figures", "funnel", "journeys"]) refreshers[name].restart();
}

function refresh() {
  if (!view) return;
  for (const refresher of Object.values(refreshers)) refresher.request();
}

/** {first, last} of all events, ms; null where there are none. */
async function extentOf(project) {
  const query = new URLSearchParams({ from: "1970-01-01", sample: "0" });
  const { signal } = stay;
  const { result } = await call(`projects/${encodeURIComponent(project)}/catalogue?${query}`, { signal });
  if (result.events.length === 0) return null;
  return {
    first: Math.min(...result.events.map((each) => each.first_at)),
    last: Math.max(...result.events.map((each) => each.last_at)),
  };
}

/** Where the range is empty: how to send a first event, or where the data is. */
async function welcome(isEmpty) {
  const box = part("welcome");
  if (!isEmpty) {
    box.hidden = true;
    return;
  }
  const current = view;
  const extent = await extentOf(current.project.name).catch(() => undefined);
  if (view !== current || extent === undefined) return;
  box.hidden = false;
  if (extent) {
    const text = `No session in this range. The newest event is of ${moment(extent.last, current.project.zone)}.`;
    box.replaceChildren(element("p", {}, text), element("a", { class: "button", href: addressWith({ range: "all" }) }, "Show all"));
    return;
  }
  const command = `curl -u WRITE_KEY: ${location.origin}/v1/track -H 'Content-Type: application/json' \\\n  -d '{"event": "Hello", "anonymousId": "me"}'`;
  box.replaceChildren(
    element("p", {}, "Nothing has arrived yet. Send a first event, with a key of ", element("code", {}, "wayfare key create site"), ":"),
    element("pre", { tabindex: "0" }, command));
}

/** Notes how far the facts go. */
function note(answer) {
  if (answer.data_until !== null && (until === null || answer.data_until > until)) until = answer.data_until;
  showUntil();
}

function showUntil() {
  const node = part("until");
  if (!view || until === null) {
    say(node, "");
    return;
  }
  const lag = Math.max(0, serverNow() - until);
  const late = lag < 60_000 ? `${Math.round(lag / 1000)} s` : duration(Math.round(lag / 60_000) * 60_000);
  say(node, `Complete until ${lag < 86_400_000 ? clock(until, view.project.zone) : moment(until, view.project.zone)}, ${late} ago`);
  node.classList.toggle("late", lag > BEHIND);
}

function showState({ state, seconds, problem }) {
  part("state").dataset.state = state;
  say(part("state-text"), { connecting: "Connecting", live: "Live", waiting: "Not connected" }[state]);
  part("banner").hidden = state !== "waiting";
  if (state !== "waiting") return;
  say(part("banner-text"), `${sentence(problem.message)} The figures stand still.`);
  say(part("banner-countdown"), `Trying again in ${seconds} s.`);
}

/** Nothing is asked any more, and what is asked is given up. */
function rest() {
  live?.stop();
  live = null;
  view = null;
  for (const refresher of Object.values(refreshers)) refresher.stop();
  stay.abort();
  stay = new AbortController();
  sheet.close();
}

function openDoor() {
  rest();
  for (const name of ["page", "foot", "sign-out", "project-picker", "ranges", "banner", "state", "until"]) part(name).hidden = true;
  part("door").hidden = false;
  part("key").focus();
}

function openPage(found) {
  if (found.needs_key) {
    openDoor();
    return;
  }
  session = found;
  if (session.projects.length === 0) {
    showState({ state: "waiting", seconds: 5, problem: { message: "There is no project yet: `wayfare project create` makes one" } });
    setTimeout(start, 5000);
    return;
  }
  part("banner").hidden = true;
  keyed(part("project"), session.projects, (each) => each.name, (each) => element("option", { value: each.name }, each.name));
  part("door").hidden = true;
  for (const name of ["page", "foot", "ranges", "state", "until"]) part(name).hidden = false;
  part("project-picker").hidden = session.projects.length === 1;
  part("sign-out").hidden = !session.signed_in;
  look();
}

async function start() {
  try {
    openPage(await call("session"));
  } catch (error) {
    if (error.status === undefined) throw error;
    showState({ state: "waiting", seconds: 3, problem: error });
    setTimeout(start, 3000);
  }
}

part("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const input = part("key");
  say(part("sign-in-error"), "");
  try {
    const found = await call("session", { method: "POST", body: { key: input.value } });
    input.value = "";
    openPage(found);
  } catch (error) {
    if (error.status === undefined) throw error;
    say(part("sign-in-error"), sentence(error.message));
    input.select();
  }
});
part("sign-out").addEventListener("click", async () => {
  rest(); // a question on its way would be refused
  try {
    await call("session", { method: "DELETE" });
  } catch (error) {
    if (error.status === undefined) throw error;
    start(); // still signed in
    return;
  }
  location.hash = "";
  openDoor();
});
part("project").addEventListener("change", (event) => go({ project: event.target.value, funnel: null, customer: null }));
part("ranges").addEventListener("change", (event) => go({ range: event.target.value }));
part("retry").addEventListener("click", () => live?.retry());
part("skip").addEventListener("click", (event) => {
  event.preventDefault(); // what is looked at stands in the address
  part("figures").focus();
});
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-customer]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault(); // its address was made before something else was chosen
  go({ customer: link.dataset.customer });
});
addEventListener("hashchange", () => { if (view) look(); });
setInterval(showUntil, 1000);
setInterval(() => { if (!document.hidden) refresh(); }, QUIET_REFRESH);

start();
