// A panel of the page: loading, empty, failed, or shown; and what was shown stays while a newer answer is awaited.

import { element } from "./elements.js";
import { sentence } from "./format.js";

/** What stands in a panel's body. `content` is kept across failures, and a failure says itself above it. */
export class Panel {
  /** onRetry: what its button does. */
  constructor(body, onRetry) {
    Object.assign(this, { body, onRetry });
    this.content = null;
    this.loading();
  }

  loading() {
    this.content = null;
    const lines = [0, 1, 2, 3].map(() => element("span"));
    this.body.replaceChildren(element("div", { class: "skeleton", role: "status", "aria-label": "Loading" }, ...lines));
  }

  /** The node to fill; `make()` builds it where something else stood there. */
  shown(make) {
    if (!this.content) {
      this.content = make();
      this.body.replaceChildren(this.content);
    }
    this.body.querySelector(":scope > .failed")?.remove();
    return this.content;
  }

  empty(text, ...more) {
    this.content = null;
    const told = this.body.querySelector(":scope > .empty > p");
    if (told?.textContent === text && this.body.children.length === 1) return;
    this.body.replaceChildren(element("div", { class: "empty" }, element("p", {}, text), ...more));
  }

  failed(problem) {
    if (problem.needsKey) return;
    this.body.querySelector(":scope > .failed")?.remove();
    const again = element("button", { type: "button", class: "quiet", on: { click: this.onRetry } }, "Try again");
    const told = element("div", { class: "failed", role: "alert" }, element("p", {}, sentence(problem.message)), again);
    if (this.content) this.body.prepend(told);
    else this.body.replaceChildren(told);
  }
}
