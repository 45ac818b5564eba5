// Columns over time: a total, and the part of it that is shown paler. Read by pointer, by arrow keys, or as text.

import { element, keyed, measure, say } from "./elements.js";
import { count } from "./format.js";

/** points: [{key, short, long, total, pale, text, isRunning}]. */
export class Chart {
  constructor(parent, label) {
    this.points = [];
    this.at = -1;
    this.top = element("span", { class: "tick whole" });
    this.middle = element("span", { class: "tick half" });
    this.columns = element("div", { class: "columns" });
    this.names = element("div", { class: "names", "aria-hidden": "true" });
    this.bubble = element("div", { class: "bubble", hidden: true, "aria-hidden": "true" });
    this.plot = element(
      "div",
      {
        class: "plot", role: "slider", tabindex: "0", "aria-label": label, "aria-valuemin": "0",
        on: {
          pointermove: (event) => this.point(event),
          pointerdown: (event) => this.point(event),
          pointerleave: () => this.select(-1),
          blur: () => this.select(-1),
          focus: () => { if (this.plot.matches(":focus-visible")) this.select(this.newest()); },
          keydown: (event) => this.press(event),
        },
      },
      this.top, this.middle, this.columns, this.bubble,
    );
    parent.replaceChildren(this.plot, this.names);
  }

  update(points) {
    this.points = points;
    const most = nice(Math.max(1, ...points.map((each) => each.total)));
    say(this.top, count(most));
    say(this.middle, most % 2 ? "" : count(most / 2));
    this.middle.hidden = most % 2 === 1;
    keyed(this.columns, points, (each) => each.key, column, (node, each) => fill(node, each, most));
    for (const [index, node] of [...this.columns.children].entries()) fill(node, points[index], most);
    const wide = every(points.length, 9), narrow = every(points.length, 5);
    keyed(this.names, points, (each) => each.key, () => element("span"), () => {});
    for (const [index, node] of [...this.names.children].entries()) {
      say(node, index % wide === 0 || index % narrow === 0 ? points[index].short : "");
      node.classList.toggle("narrow", index % narrow === 0);
      node.classList.toggle("wide", index % wide === 0);
    }
    this.plot.setAttribute("aria-valuemax", String(Math.max(0, points.length - 1)));
    this.select(this.at, true);
  }

  newest() {
    const running = this.points.findIndex((each) => each.isRunning);
    return running === -1 ? this.points.length - 1 : running;
  }

  select(at, isSame = false) {
    if (at === this.at && !isSame) return;
    this.at = at < this.points.length ? at : -1;
    const point = this.points[this.at];
    for (const [index, node] of [...this.columns.children].entries()) node.classList.toggle("at", index === this.at);
    this.bubble.hidden = !point;
    const spoken = point ?? this.points[this.newest()];
    this.plot.setAttribute("aria-valuenow", String(Math.max(0, point ? this.at : this.newest())));
    this.plot.setAttribute("aria-valuetext", spoken ? `${spoken.long}: ${spoken.text}` : "nothing");
    if (!point) return;
    this.bubble.replaceChildren(element("strong", {}, point.long), element("span", {}, point.text));
    const middle = (this.at + 0.5) / this.points.length;
    measure(this.bubble, "--at", middle);
    this.bubble.dataset.side = middle < 0.25 ? "start" : middle > 0.75 ? "end" : "middle";
  }

  point(event) {
    const box = this.columns.getBoundingClientRect();
    const at = Math.floor(((event.clientX - box.left) / box.width) * this.points.length);
    this.select(Math.max(0, Math.min(this.points.length - 1, at)));
  }

  press(event) {
    const last = this.points.length - 1;
    const now = this.at === -1 ? this.newest() : this.at;
    const to = { ArrowLeft: now - 1, ArrowDown: now - 1, ArrowRight: now + 1, ArrowUp: now + 1, Home: 0, End: last }[event.key];
    if (event.key === "Escape") this.select(-1);
    if (to === undefined) return;
    event.preventDefault();
    this.select(Math.max(0, Math.min(last, to)));
  }
}

function column() {
  return element("div", {}, element("i"), element("b"));
}

function fill(node, point, most) {
  const [pale, full] = node.children;
  measure(pale, "--height", point.pale / most);
  measure(full, "--height", (point.total - point.pale) / most);
  node.classList.toggle("running", point.isRunning);
}

/** The least of 1, 2, 4, 6, 8 x 10^k ... that holds a number, so that the scale moves seldom. */
function nice(number) {
  const power = 10 ** Math.floor(Math.log10(number));
  return [1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10].map((each) => each * power).find((each) => each >= number && Number.isInteger(each))
    ?? 10 * power;
}

/** Every how many columns a name has room, with at most `most` names. */
function every(length, most) {
  return [1, 2, 3, 4, 6, 7, 12, 14, 24, 30, 60, 90].find((each) => length / each <= most) ?? Math.ceil(length / most);
}
