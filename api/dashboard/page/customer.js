// One customer, in a sheet beside the page: who it is, what it amounts to, its journeys and its timeline.

import { call } from "./api.js";
import { element, keyed, part, say } from "./elements.js";
import { clock, count, duration, isoTime, longMoment, moment, money, named, NONE, plural, short } from "./format.js";
import { fillChips } from "./journeys.js";
import { Panel } from "./panel.js";

const PAGE = 60;
const KINDS = { user: "user id", email: "e-mail", phone: "phone number", vendor: "vendor id" };

export class CustomerSheet {
  constructor({ onClose }) {
    this.sheet = part("customer");
    this.panel = new Panel(part("customer-body"), () => this.load());
    this.sheet.addEventListener("close", () => {
      this.asking?.abort();
      onClose();
    });
    part("customer-close").addEventListener("click", () => this.sheet.close());
    this.sheet.addEventListener("click", (event) => {
      if (event.target === this.sheet) this.sheet.close(); // the backdrop
    });
  }

  get isOpen() {
    return this.sheet.open;
  }

  open(view, id) {
    Object.assign(this, { view, id });
    this.events = [];
    say(part("customer-title"), "Customer");
    this.panel.loading();
    if (!this.sheet.open) this.sheet.showModal();
    this.load();
  }

  close() {
    if (this.sheet.open) this.sheet.close();
  }

  /** The profile and the newest page of the timeline, or the page before what is there. */
  async load(before) {
    this.asking?.abort();
    const { signal } = (this.asking = new AbortController());
    const query = new URLSearchParams({ limit: String(PAGE), ...(before ? { before } : {}) });
    try {
      const path = `projects/${encodeURIComponent(this.view.project.name)}/customers/${encodeURIComponent(this.id)}?${query}`;
      const profile = await call(path, { signal });
      this.events = before ? [...this.events, ...profile.timeline] : profile.timeline;
      this.show(profile);
    } catch (error) {
      if (error.name === "AbortError") return;
      if (error.status === 404) this.panel.empty("Nothing more is known of this customer yet. A moment after the event, it is here.");
      else this.panel.failed(error);
    }
  }

  show(profile) {
    say(part("customer-title"), titleOf(profile));
    const body = this.panel.shown(makeBody);
    const [stage, numbers, who, journeys, timeline, more] = body.children;
    say(stage, `${named(profile.stage)}, id ${profile.id}`);
    this.showNumbers(numbers, profile);
    showPairs(who.lastElementChild, identity(profile));
    this.showJourneys(journeys, profile);
    this.showTimeline(timeline.lastElementChild, profile.currency);
    more.hidden = !profile.next;
    more.firstElementChild.onclick = () => this.load(profile.next);
  }

  showNumbers(list, profile) {
    const zone = this.view.project.zone;
    const seen = (at) => (at === null ? NONE : moment(at, zone));
    showPairs(list, [
      ["Sessions", count(profile.sessions)],
      ["Conversions", count(profile.conversions)],
      ["Value", money(profile.value_micros, profile.currency)],
      ["Events", count(profile.events)],
      ["First seen", seen(profile.first_at)],
      ["Last seen", seen(profile.last_at)],
    ]);
  }

  showJourneys(section, { journeys }) {
    section.hidden = journeys.length === 0;
    keyed(section.lastElementChild, journeys, (journey) => journey.id,
      (journey) => this.showJourney(element("li", {}, element("ol", { class: "chips" }), element("p", { class: "aside" })), journey),
      (node, journey) => this.showJourney(node, journey));
  }

  showJourney(node, journey) {
    fillChips(node.firstElementChild, journey);
    const worth = journey.value_micros ? `, ${money(journey.value_micros, this.view.project.currency)}` : "";
    const lasted = journey.last_at > journey.started_at ? `, ${duration(journey.last_at - journey.started_at)}` : "";
    say(node.lastElementChild, `${moment(journey.started_at, this.view.project.zone)}${lasted}${worth}`);
    return node;
  }

  /** The events, put together by the session that holds them. */
  showTimeline(list, currency) {
    const visits = [];
    for (const event of this.events) {
      const last = visits.at(-1);
      if (event.session && last?.session === event.session) last.events.push(event);
      else visits.push({ key: event.session ?? `${event.at} ${event.message_id}`, session: event.session, events: [event] });
    }
    keyed(list, visits, (visit) => visit.key,
      (visit) => this.showVisit(makeVisit(), visit, currency), (node, visit) => this.showVisit(node, visit, currency));
  }

  showVisit(node, visit, currency) {
    const zone = this.view.project.zone;
    const [head, list] = node.children;
    const first = visit.events.at(-1), newest = visit.events[0];
    const came = first.acquisition ? `, ${named(first.acquisition).toLowerCase()}` : "";
    say(head.firstElementChild, visit.session ? `Session${came}` : named(first.channel));
    say(head.lastElementChild, moment(first.at, zone) + (newest.at > first.at ? `, ${duration(newest.at - first.at)}` : ""));
    keyed(list, visit.events, (event) => `${event.at} ${event.message_id}`, (event) => {
      const worth = event.value_micros ? money(event.value_micros, event.currency || currency) : "";
      return element("li", {},
        element("time", { datetime: isoTime(event.at), title: longMoment(event.at, zone) }, clock(event.at, zone)),
        element("span", { class: "what" },
          element("strong", {}, event.type === "track" ? event.event : named(event.event)), element("span", { class: "detail" }, event.path || event.title || event.campaign),
          worth ? element("span", { class: "worth" }, worth) : null));
    });
    return node;
  }
}

function makeBody() {
  const section = (title, list) => element("section", {}, element("h3", {}, title), list);
  return element("div", { class: "profile" },
    element("p", { class: "aside" }),
    element("dl", { class: "numbers" }),
    section("Known as", element("dl", { class: "pairs" })),
    section("Journeys", element("ul", { class: "ways" })),
    section("Timeline", element("ol", { class: "visits" })),
    element("p", { class: "more" }, element("button", { type: "button", class: "quiet" }, "Show earlier events")));
}

function makeVisit() {
  return element("li", {}, element("h4", {}, element("span"), element("span", { class: "aside" })), element("ol"));
}

function showPairs(list, pairs) {
  const keys = pairs.map(([name, text], index) => ({ key: `${index} ${name}`, name, text }));
  const update = (node, pair) => say(node.lastElementChild, pair.text);
  keyed(list, keys, (pair) => pair.key, (pair) => element("div", {}, element("dt", {}, pair.name), element("dd", {}, pair.text)), update);
}

function titleOf({ traits, user_ids, kind, id }) {
  const name = [traits.name, traits.email, user_ids[0]].find((each) => typeof each === "string" && each.trim());
  return name ? name.slice(0, 80) : `${kind === "device" ? "Visitor" : "Customer"} ${short(id)}`;
}

/** What is known of who it is: ids as sent, traits, then how many of each kind of identifier. */
function identity({ user_ids, group_ids, traits, identifiers }) {
  const told = [];
  if (user_ids.length) told.push(["User id", user_ids.join(", ")]);
  if (group_ids.length) told.push(["Account", group_ids.join(", ")]);
  for (const [name, value] of Object.entries(traits).slice(0, 20)) {
    told.push([named(name), (typeof value === "string" ? value : JSON.stringify(value)).slice(0, 200)]);
  }
  const kinds = new Map();
  for (const { kind } of identifiers) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  told.push(["Identifiers", [...kinds].map(([kind, number]) => plural(number, KINDS[kind] ?? kind)).join(", ")]);
  return told;
}
