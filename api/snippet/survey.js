// One question on the page and a scale of answers, in a shadow root: neither takes the other's styles.
//
// The site's style sheet can set, on `wayfare-survey`: --wf-accent, --wf-on-accent, --wf-back, --wf-text, --wf-font.
function survey(asked, track, onLeave, onEnd) {
  const SCALES = { csat: [1, 5], nps: [0, 10], ces: [1, 7] };
  const STYLE = `
    :host { all: initial; position: fixed; bottom: 16px; z-index: 2147483000; max-width: calc(100vw - 32px);
      font: 16px/1.4 var(--wf-font, system-ui, sans-serif); --back: var(--wf-back, #fff); --text: var(--wf-text, #1b1b1b);
      --accent: var(--wf-accent, var(--own-accent)); --on-accent: var(--wf-on-accent, var(--own-on-accent)); }
    @media (prefers-color-scheme: dark) { :host { --back: var(--wf-back, #1f1f1f); --text: var(--wf-text, #f2f2f2); } }
    [role=dialog] { box-sizing: border-box; width: 400px; max-width: 100%; padding: 16px; border-radius: 8px;
      border: 1px solid color-mix(in srgb, var(--text) 60%, var(--back)); background: var(--back); color: var(--text);
      box-shadow: 0 4px 24px rgb(0 0 0 / .25); }
    fieldset { border: 0; margin: 0; padding: 0; }
    legend, .thanks { font-weight: 600; padding: 0 32px 12px 0; }
    .scale { display: flex; gap: 4px; }
    .scale label { flex: 1; position: relative; min-width: 24px; }
    .scale input { position: absolute; inset: 0; opacity: 0; margin: 0; width: 100%; height: 100%; cursor: pointer; }
    .scale span { display: block; text-align: center; padding: 8px 0; border: 1px solid currentColor; border-radius: 4px; }
    .scale input:checked + span { background: var(--accent); color: var(--on-accent); }
    .scale input:focus-visible + span, button:focus-visible, textarea:focus-visible
      { outline: 3px solid var(--accent); outline-offset: 2px; }
    .ends { display: flex; justify-content: space-between; gap: 16px; font-size: 14px; padding-top: 4px; }
    .comment { display: block; padding-top: 12px; }
    textarea { box-sizing: border-box; width: 100%; font: inherit; color: inherit; background: inherit;
      border: 1px solid currentColor; border-radius: 4px; padding: 8px; margin-top: 4px; }
    button { font: inherit; border-radius: 4px; cursor: pointer; min-height: 32px; }
    .send { margin-top: 12px; padding: 8px 16px; border: 1px solid transparent;
      background: var(--accent); color: var(--on-accent); }
    .close { position: absolute; top: 8px; right: 8px; width: 32px; border: 0; background: none; color: inherit; }
    .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
    [hidden] { display: none; }
    @media (forced-colors: active) { .scale input:checked + span { outline: 3px solid Highlight; } }`;
  const [least, most] = SCALES[asked.kind];
  const host = document.createElement("wayfare-survey");
  host.dataset.wfPrivate = ""; // its clicks and its form are told as a survey
  const root = host.attachShadow({ mode: "open" });
  const make = (tag, set = {}, ...inside) => {
    const element = document.createElement(tag);
    for (const [attribute, value] of Object.entries(set)) if (value !== undefined) element.setAttribute(attribute, value);
    element.append(...inside);
    return element;
  };
  const sheet = new CSSStyleSheet(); // a style element would need the page's leave
  sheet.replaceSync(STYLE);
  root.adoptedStyleSheets = [sheet];
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(asked.accent.slice(at, at + 2), 16));
  host.style.setProperty("--own-accent", asked.accent);
  host.style.setProperty("--own-on-accent", red * 0.3 + green * 0.59 + blue * 0.11 > 140 ? "#000" : "#fff");
  host.style.setProperty(asked.side, "16px");

  const scores = Array.from({ length: most - least + 1 }, (_, at) => least + at);
  const words = { [least]: asked.low, [most]: asked.high };
  const choices = scores.map((score) => {
    const label = words[score] ? `${score}, ${words[score]}` : undefined;
    const choice = make("input", { type: "radio", name: "score", value: score, "aria-label": label });
    return make("label", {}, choice, make("span", { "aria-hidden": label && "true" }, String(score)));
  });
  const comment = make("textarea", { id: "comment", rows: 3, maxlength: 1000 });
  const more = make("div", { class: "comment", hidden: "" }, make("label", { for: "comment" }, asked.comment), comment);
  const send = make("button", { class: "send", hidden: "" }, asked.send);
  const close = make("button", { class: "close", type: "button", "aria-label": asked.close }, "\u00d7");
  const ends = make("div", { class: "ends", "aria-hidden": "true" }, make("span", {}, asked.low), make("span", {}, asked.high));
  const form = make("form", {},
    make("fieldset", {}, make("legend", { id: "asked" }, asked.question), make("div", { class: "scale" }, ...choices), ends),
    more, send);
  const status = make("div", { role: "status", class: "unseen" });
  const dialog = make("div", { role: "dialog", "aria-labelledby": "asked" }, form, close);
  root.append(dialog, status);

  let score, came, isDone = false;
  const about = { survey: asked.name, kind: asked.kind };
  const end = () => {
    if (root.activeElement) came?.focus?.();
    host.remove();
    onEnd();
  };
  // An answer once chosen counts, whether it is sent, closed or left.
  const answer = () => {
    if (isDone) return false;
    isDone = true;
    if (score === undefined) track("Survey Dismissed", about);
    else
      track("Survey Answered", { ...about, score, scale_min: least, scale_max: most, comment: comment.value || undefined },
        { context: { channel: "survey" } });
    return score !== undefined;
  };
  const thank = () => {
    if (!answer()) return end();
    form.replaceWith(make("div", { class: "thanks", id: "asked" }, asked.thanks));
    status.textContent = asked.thanks;
    close.focus();
    setTimeout(end, 5e3);
  };
  form.addEventListener("change", ({ target }) => {
    if (target.name !== "score") return;
    score = +target.value;
    send.hidden = false;
    more.hidden = !asked.comment;
  });
  form.addEventListener("submit", (submitted) => {
    submitted.preventDefault();
    thank();
  });
  close.addEventListener("click", () => {
    answer();
    end();
  });
  root.addEventListener("focusin", ({ relatedTarget }) => (came ||= relatedTarget));
  root.addEventListener("keydown", (pressed) => {
    pressed.stopPropagation();
    if (pressed.key === "Escape") close.click();
  });
  onLeave.push(() => {
    if (host.isConnected && score !== undefined) answer();
  });

  document.body.append(host);
  track("Survey Shown", about);
  // A reader of screens hears of what changes, not of what is there already. The focus stays where it was.
  setTimeout(() => (status.textContent = asked.question), 200);
}
