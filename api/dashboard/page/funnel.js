// One funnel: a saved one, else the most frequent events one after the other.

import { ask, call } from "./api.js";
import { element, keyed, measure, part, say } from "./elements.js";
import { count, duration, named, percent, plural } from "./format.js";
import { Panel } from "./panel.js";
import { asked } from "./periods.js";

const FREQUENT = ""; // the choice that is no saved funnel
const MOST_STEPS = 4;
const NO_STEPS = new Set(["identify", "group", "alias"]); // calls that say who, not what

export class FunnelPanel {
  constructor({ onChoice, onRetry }) {
    this.panel = new Panel(part("funnel-body"), onRetry);
    this.choice = part("funnel-choice");
    this.choice.addEventListener("change", () => onChoice(this.choice.value));
  }

  forget() {
    this.panel.loading();
  }

  async refresh(view, signal) {
    try {
      const saved = await savedFunnels(view.project.name, signal);
      this.offer(saved, view.funnel);
      const { question } = asked(view.range, view.extent);
      const name = this.choice.value;
      const steps = name === FREQUENT ? await frequentEvents(view.project.name, question, signal) : null;
      if (steps && steps.length < 2) {
        this.panel.empty("A funnel needs two kinds of events. It appears as soon as they have arrived.");
        return;
      }
      const funnel = steps ? { steps: steps.map(stepOf) } : { saved: name };
      const answer = await ask(view.project.name, "funnel", { ...question, ...funnel }, signal);
      this.show(answer);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      this.panel.failed(error);
      throw error;
    }
  }

  /** The choices; the one asked for, else the first saved one. */
  offer(saved, wanted) {
    const names = [...saved, FREQUENT];
    keyed(this.choice, names, (name) => name, (name) => element("option", { value: name }, name || "Most frequent events"));
    const chosen = names.includes(wanted) ? wanted : names[0];
    if (this.choice.value !== chosen) this.choice.value = chosen;
    this.choice.parentElement.hidden = names.length === 1;
  }

  show({ result, warnings }) {
    const body = this.panel.shown(() => element("div", {},
      element("p", { class: "summary" }, element("strong"), element("span")),
      element("ol", { class: "steps" }),
      element("ul", { class: "warnings" })));
    const [summary, steps, told] = body.children;
    say(summary.firstElementChild, percent(result.rate));
    const half = result.convert_ms ? `, half of them within ${duration(result.convert_ms.p50)}` : "";
    say(summary.lastElementChild, `${count(result.converted)} of ${plural(result.entered, "customer")}${half}`);
    const indexed = result.steps.map((step, index) => ({ ...step, index, isFirst: index === 0 }));
    keyed(steps, indexed, (step) => `${step.index} ${step.label}`, makeStep, updateStep);
    for (const [index, node] of [...steps.children].entries()) updateStep(node, indexed[index]);
    keyed(told, warnings, (text) => text, (text) => element("li", {}, text));
  }
}

function makeStep(step) {
  return element("li", {},
    element("p", { class: "drop", hidden: step.isFirst }),
    element("p", { class: "step" },
      element("span", { class: "step-name", title: step.events.join(", ") }, step.label),
      element("span", { class: "step-count" }),
      element("span", { class: "step-rate" })),
    element("div", { class: "bar" }, element("i")));
}

function updateStep(node, step) {
  const [drop, line, bar] = node.children;
  const pace = step.median_step_ms === null ? "" : `, median ${duration(step.median_step_ms)}`;
  say(drop, step.isFirst ? "" : `${percent(step.step_rate)} went on${pace}; ${count(step.dropped)} left`);
  say(line.children[1], count(step.count));
  say(line.children[2], percent(step.rate));
  measure(bar, "--share", step.rate);
}

/** Names of the saved funnels. */
async function savedFunnels(project, signal) {
  const { funnels } = await call(`projects/${encodeURIComponent(project)}/funnels`, { signal });
  return funnels.map((funnel) => funnel.name);
}

/** {name, type} of the most frequent events of the range, the most frequent first: what many do comes before what few do. */
async function frequentEvents(project, question, signal) {
  const query = new URLSearchParams({ sample: "0" });
  if (question.last) query.set("last", question.last);
  else query.set("from", "1970-01-01"); // a query that names no range is about the last 30 days
  const { result } = await call(`projects/${encodeURIComponent(project)}/catalogue?${query}`, { signal });
  return result.events.filter((event) => !NO_STEPS.has(event.type)).slice(0, MOST_STEPS);
}

function stepOf({ name, type }) {
  return { events: [name], label: type === "track" ? "" : named(name) };
}
