// Sessions and bounce: the figures of the range, and its columns over time.

import { ask, serverNow } from "./api.js";
import { Chart } from "./chart.js";
import { element, part, say } from "./elements.js";
import { count, duration, money, NONE, percent, periodName, plural, sentence } from "./format.js";
import { asked, holds, periodStarts, startOf } from "./periods.js";

const DEFINITIONS = {
  engaged: ["Engaged, as GA4", "neither 10 s engaged, nor a conversion, nor a second view"],
  no_interaction: ["No interaction, as PostHog", "one view, no interaction, under 10 s"],
  single_page: ["Single page", "one view and no interaction"],
  single_event: ["Single event", "one event"],
};

export const DEFAULT_DEFINITION = "engaged";

export function isDefinition(name) {
  return Object.hasOwn(DEFINITIONS, name);
}

/** The card of figures. `view`: what is looked at; `onDefinition(name)`: the reader wants another bounce. */
export class Figures {
  constructor({ onDefinition, onEmpty, onAnswer }) {
    Object.assign(this, { onEmpty, onAnswer });
    this.numbers = new Map();
    for (const [key, label] of [
      ["sessions", "Sessions"], ["customers", "Customers"], ["bounce", "Bounce rate"],
      ["conversions", "Conversions"], ["value", "Value"], ["duration", "Mean session"],
    ]) {
      const number = element("dd", { id: `figure-${key}` }, NONE);
      this.numbers.set(key, number);
      part("figures-numbers").append(element("div", {}, element("dt", {}, label), number));
    }
    this.chart = new Chart(part("chart"), "Sessions over time");
    this.select = part("definition");
    for (const [name, [label]] of Object.entries(DEFINITIONS)) this.select.append(element("option", { value: name }, label));
    this.select.addEventListener("change", () => onDefinition(this.select.value));
  }

  /** Another range or project: what stands there is no longer true. */
  forget() {
    for (const number of this.numbers.values()) say(number, NONE);
    this.chart.update([]);
    part("figures-problem").hidden = true;
    part("figures").setAttribute("aria-busy", "true");
  }

  async refresh(view, signal) {
    try {
      await this.ask(view, signal);
      part("figures-problem").hidden = true;
    } catch (error) {
      if (error.name === "AbortError" || error.needsKey) throw error;
      say(part("figures-problem"), sentence(error.message));
      part("figures-problem").hidden = false;
      throw error;
    }
  }

  async ask(view, signal) {
    const { question, by } = asked(view.range, view.extent);
    const [sessions, bounce] = await Promise.all([
      ask(view.project.name, "sessions", question, signal),
      ask(view.project.name, "bounce", { ...question, definition: view.definition, by }, signal),
    ]);
    part("figures").removeAttribute("aria-busy");
    this.onAnswer(bounce);
    this.show(view, sessions.result, bounce, by);
    this.onEmpty(sessions.result.total.sessions === 0);
  }

  show(view, { total, currency }, bounce, by) {
    const told = {
      sessions: count(total.sessions),
      customers: count(total.customers),
      bounce: percent(bounce.result.total.rate),
      conversions: count(total.conversions),
      value: money(total.value_micros, currency, { cents: false }),
      duration: duration(total.mean_duration_ms),
    };
    for (const [key, text] of Object.entries(told)) say(this.numbers.get(key), text);
    this.select.value = view.definition;
    const version = bounce.definitions[`bounce.${view.definition}`];
    say(part("definition-note"), `${DEFINITIONS[view.definition][1]} (version ${version ?? 1})`);
    this.chart.update(points(view, bounce.result.rows, by));
  }
}

function points(view, rows, by) {
  const zone = view.project.zone, now = serverNow();
  const found = new Map(rows.map((row) => [startOf(row.period), row]));
  const starts = new Set([...periodStarts(view.range, by, zone, now, [...found.keys()]), ...found.keys()]);
  return [...starts].sort((one, other) => one - other).map((start) => {
    const row = found.get(start) ?? { sessions: 0, bounced: 0, rate: null };
    const names = periodName(start, by, zone);
    const bounced = row.rate === null ? "" : `, ${count(row.bounced)} bounced (${percent(row.rate)})`;
    return {
      key: String(start), ...names, total: row.sessions, pale: row.bounced, isRunning: holds(start, by, zone, now),
      text: `${plural(row.sessions, "session")}${bounced}`,
    };
  });
}
