// The newest journeys: the way of each through the channels, its stage, value and duration.

import { ask } from "./api.js";
import { element, keyed, part, say } from "./elements.js";
import { count, duration, isoTime, longMoment, moment, money, named, NONE, percent, plural } from "./format.js";
import { Panel } from "./panel.js";
import { asked } from "./periods.js";

const SHOWN = 12;
const FIRST_CHIPS = 2, LAST_CHIPS = 4;
const STATES = { converted: "converted", open: "open", ended: "ended" };

export class JourneysPanel {
  /** customerAddress(id): the address that opens a customer; onRetry(): ask again. */
  constructor({ customerAddress, onRetry }) {
    this.customerAddress = customerAddress;
    this.panel = new Panel(part("journeys-body"), onRetry);
    this.isConverted = false;
    part("journeys-filter").addEventListener("change", (event) => {
      this.isConverted = event.target.value === "converted";
      onRetry();
    });
  }

  forget() {
    this.panel.loading();
    say(part("journeys-note"), "");
  }

  async refresh(view, signal) {
    try {
      const { question } = asked(view.range, view.extent);
      const chosen = { newest: SHOWN, newest_converted: this.isConverted };
      this.show(view, await ask(view.project.name, "journeys", { ...question, ...chosen }, signal));
    } catch (error) {
      if (error.name === "AbortError") throw error;
      this.panel.failed(error);
      throw error;
    }
  }

  show(view, { result }) {
    const rate = result.journeys ? ` (${percent(result.converted / result.journeys)})` : "";
    const counts = `${plural(result.journeys, "journey")}, ${count(result.converted)} converted${rate}`;
    say(part("journeys-note"), result.journeys ? counts : "");
    if (result.newest.length === 0) {
      const what = result.journeys ? "No journey that began in this range has converted." : "No journey began in this range.";
      this.panel.empty(what);
      return;
    }
    const table = this.panel.shown(makeTable);
    const make = (journey) => makeRow(this.customerAddress(journey.customer), journey.customer);
    const update = (row, journey) => updateRow(row, journey, result.currency, view.project.zone);
    keyed(table.tBodies[0], result.newest, (journey) => journey.id, (journey) => {
      const row = make(journey);
      update(row, journey);
      return row;
    }, update);
  }
}

function makeTable() {
  const names = ["Way", "Stage", "Value", "Lasted", "Last seen"];
  return element("table", { role: "table" },
    element("thead", { role: "rowgroup" },
      element("tr", { role: "row" }, ...names.map((name) => element("th", { scope: "col", role: "columnheader" }, name)))),
    element("tbody", { role: "rowgroup" }));
}

function makeRow(address, customer) {
  const cell = (name, ...children) => element("td", { class: name, role: "cell" }, ...children);
  return element("tr", { role: "row" },
    cell("way", element("a", { href: address, data: { customer } }, element("ol", { class: "chips" }))),
    cell("stage", element("span", { class: "stage-name" }), element("span", { class: "outcome" })),
    cell("value"),
    cell("lasted"),
    cell("seen", element("time")));
}

function updateRow(row, journey, currency, zone) {
  const [way, stage, value, lasted, seen] = row.children;
  fillChips(way.querySelector(".chips"), journey);
  say(stage.children[0], named(journey.stage));
  say(stage.children[1], STATES[journey.state] ?? journey.state);
  stage.dataset.state = journey.state;
  say(value, journey.value_micros ? money(journey.value_micros, currency) : "");
  say(lasted, journey.last_at > journey.started_at ? duration(journey.last_at - journey.started_at) : NONE);
  const time = seen.firstElementChild;
  time.dateTime = isoTime(journey.last_at);
  time.title = longMoment(journey.last_at, zone);
  say(time, moment(journey.last_at, zone));
}

/** The channels in order; repeats are counted, and of a long way the beginning and the end are shown. */
export function fillChips(list, { path, state }) {
  const runs = [];
  for (const channel of path) {
    if (runs.at(-1)?.channel === channel) runs.at(-1).times += 1;
    else runs.push({ channel, times: 1 });
  }
  const hidden = runs.length - FIRST_CHIPS - LAST_CHIPS;
  const chips = runs.map(({ channel, times }) => ({ text: times > 1 ? `${named(channel)} × ${times}` : named(channel) }));
  if (hidden > 1) chips.splice(FIRST_CHIPS, hidden, { text: `${hidden} more`, isGap: true });
  if (chips.length && state === "converted") chips.at(-1).isGoal = true;
  const keys = chips.map((chip, index) => ({ ...chip, key: `${index} ${chip.isGap ?? ""} ${chip.isGoal ?? ""} ${chip.text}` }));
  keyed(list, keys, (chip) => chip.key, (chip) =>
    element("li", { class: chip.isGap ? "gap" : chip.isGoal ? "goal" : undefined }, chip.text));
}
