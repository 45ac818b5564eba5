// What arrives: events and rejects, the newest first, as the server streams them.

import { element, keyed, part, say } from "./elements.js";
import { clock, count, isoTime, longMoment, money, named, short } from "./format.js";
import { Panel } from "./panel.js";

export const FEED_QUESTION = { last: "24h", newest: 50 };
const SHOWN = 60;

export class Feed {
  /** customerAddress(id): the address that opens the customer of a device. */
  constructor({ customerAddress, onRetry }) {
    this.customerAddress = customerAddress;
    this.panel = new Panel(part("feed-body"), onRetry);
    this.filter = "all";
    this.isPaused = false;
    this.isHeld = false; // somebody points at it or reads in it: it must not move away
    this.known = null; // keys shown, null before the first answer
    part("feed-filter").addEventListener("change", (event) => {
      this.filter = event.target.value;
      this.known = null;
      this.draw();
    });
    this.pause = part("feed-pause");
    this.pause.addEventListener("click", () => {
      this.isPaused = !this.isPaused;
      this.pause.setAttribute("aria-pressed", String(this.isPaused));
      this.draw();
    });
    const body = part("feed-body");
    const hold = (isHeld) => () => {
      this.isHeld = isHeld;
      this.draw();
    };
    body.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse") hold(true)(); });
    body.addEventListener("pointerleave", hold(false));
    body.addEventListener("focusin", (event) => { if (event.target.matches(":focus-visible")) hold(true)(); });
    body.addEventListener("focusout", hold(false));
  }

  forget() {
    this.answer = null;
    this.known = null;
    this.panel.loading();
    say(part("rejected-count"), "");
  }

  show(view, answer) {
    Object.assign(this, { view, answer });
    this.draw();
  }

  /** How many were rejected in the range, which may be more than the feed holds. */
  countRejected(number) {
    say(part("rejected-count"), number ? count(number) : "");
  }

  items() {
    const { events, rejected } = this.answer.result;
    const marked = rejected.map((each) => ({ ...each, isReject: true }));
    const chosen = this.filter === "rejected" ? marked : [...events, ...marked];
    chosen.sort((one, other) => other.received_at - one.received_at);
    return chosen.slice(0, SHOWN);
  }

  draw() {
    if (!this.answer) return;
    const items = this.items();
    const isStill = (this.isPaused || this.isHeld) && this.known !== null;
    const news = this.known ? items.filter((item) => !this.known.has(keyOf(item))).length : 0;
    say(this.pause, this.isPaused ? (news ? `Resume, ${count(news)} new` : "Resume") : isStill && news ? `${count(news)} new` : "Pause");
    if (isStill) return;
    if (items.length === 0) {
      this.panel.empty(this.filter === "rejected" ? "Nothing was rejected in the last 24 hours." : "Nothing arrived in the last 24 hours.");
      this.known = new Set();
      return;
    }
    const list = this.panel.shown(() => element("ol", { class: "feed", tabindex: "0", "aria-label": "What arrived, the newest first" }));
    const fresh = this.known;
    keyed(list, items, keyOf, (item) => {
      const row = item.isReject ? this.reject(item) : this.event(item);
      if (fresh) row.classList.add("new");
      return row;
    });
    this.known = new Set(items.map(keyOf));
  }

  event(item) {
    const name = item.type === "track" ? item.event : named(item.event); // of any other call: its type
    const detail = item.path || item.title || item.host;
    const value = item.value_micros ? money(item.value_micros, item.currency || this.view.project.currency) : "";
    return element("li", {},
      element("a",
        {
          class: "row", href: this.customerAddress(item.device), data: { customer: item.device },
          "aria-label": `${name} ${detail}, open its customer`,
        },
        this.time(item.received_at),
        element("span", { class: "what" },
          element("strong", {}, name), detail ? element("span", { class: "detail" }, detail) : null,
          value ? element("span", { class: "worth" }, value) : null),
        element("span", { class: "from" }, item.is_bot ? "Bot" : named(item.channel)),
        element("code", { class: "who", title: `device ${item.device}` }, short(item.device))));
  }

  reject(item) {
    const where = item.field ? `${item.field}: ` : "";
    return element("li", { class: "reject" },
      element("details", {},
        element("summary", { class: "row" },
          this.time(item.received_at),
          element("span", { class: "what" },
            element("strong", {}, `Rejected: ${named(item.reason).toLowerCase()}`), element("span", { class: "detail" }, where + item.message)),
          element("span", { class: "from" }, item.source)),
        element("pre", { tabindex: "0", "aria-label": "as it was sent" }, pretty(item.payload))));
  }

  time(at) {
    const zone = this.view.project.zone;
    return element("time", { datetime: isoTime(at), title: longMoment(at, zone) }, clock(at, zone));
  }
}

function keyOf(item) {
  return `${item.isReject ? "x" : ""}${item.received_at} ${item.device} ${item.message_id}`;
}

function pretty(payload) {
  try {
    return JSON.stringify(JSON.parse(payload), null, 2);
  } catch {
    return payload; // rejected because it was no JSON, or cut
  }
}

