// What visitors do without a call: links that lead elsewhere, downloads, forms, clicks in anger, in vain, into an error.
//
// Addresses lose their query; of forms only names are told, never what was typed; nothing inside `data-wf-private`.
function autocapture({ options, wanted, track, listen, now, isOwn, inside, isPrivate, onLeave }) {
  const FILES = /\.(pdf|zip|docx?|xlsx?|pptx?|csv|txt|rtf|epub|mp[34]|wav|mov|avi|gz|7z|rar|dmg|exe|msi|apk|pkg|deb|rpm|iso)$/i;
  const named = (element) =>
    element.localName + (element.id && "#" + element.id) +
    (element.classList[0] ? "." + element.classList[0] : "");

  // -- links

  const followed = (happened) => {
    const link = inside(happened, "a[*|href],area[href]");
    if (!link || isPrivate(happened) || happened.button > 1) return;
    const to = link.href.baseVal ? new URL(link.href.baseVal, document.baseURI) : link; // in an SVG image it is a text
    const url = /^http/.test(to.protocol) ? to.origin + to.pathname : "";
    const file = (link.download || url).match(FILES);
    if (file || link.hasAttribute("download")) { // also what a script has made: blob: and data:
      if (wanted("downloads")) track("File Downloaded", { url, extension: (file?.[1] || "").toLowerCase() });
    } else if (url && !isOwn(to.hostname) && wanted("links")) track("Outbound Link Clicked", { url, host: to.host });
  };
  listen(document, "click auxclick", followed);

  // -- forms: started, field by field, then submitted or abandoned

  const forms = new Map(); // form -> name of the field touched last; none: a script has read the whole form since
  // Attributes: a field called `id` or `action` stands in the place of the form's own property.
  const about = (form) => {
    const told = (attribute) => form.getAttribute(attribute) || "";
    return { form: told("id") || told("name") || new URL(told("action"), location).pathname };
  };
  const touched = (happened) => {
    const target = inside(happened, "*");
    const form = target.form;
    if (!form || isPrivate(happened)) return;
    if (!forms.has(form)) track("Form Started", about(form));
    const field = target.name || target.id || target.type;
    forms.set(form, field);
    hear(form.getRootNode()); // of these events a shadow root lets out the first alone
    // One event for every field: only where it is named.
    if (happened.type === "change" && options.auto?.includes("fields"))
      track("Form Field Left", { ...about(form), field });
  };
  const submitted = (happened) => {
    if (isPrivate(happened)) return;
    const form = inside(happened, "form");
    forms.delete(form);
    track("Form Submitted", about(form));
  };
  // form.submit() and what is sent by fetch tell of no submission, but the form is read for them.
  const taken = ({ target }) => forms.has(target) && forms.set(target);
  const hear = (root) => {
    listen(root, "input change", touched);
    listen(root, "submit", submitted);
    listen(root, "formdata", taken);
  };
  const left = () => {
    forms.forEach((field, form) =>
      track("Form " + (field ? "Abandoned" : "Submitted"), { ...about(form), last_field: field }));
    forms.clear();
  };
  if (wanted("forms")) {
    hear(document);
    onLeave.push(left);
  }

  // -- rage: three clicks in a second at one spot, four where they select a text; dead: a button that changes nothing; error: one right after a click

  const [rage, dead, errors] = "rage dead errors".split(" ").map((part) => wanted("clicks") || wanted(part));
  let clicks = [], last, lively = 0, most;
  const failed = (happened) => {
    if (!last || happened.timeStamp - last.at > 1e3 || happened.target.tagName) return; // an image that is not there
    track("Error Clicked", { element: last.element, error: (happened.error || happened.reason)?.name });
    last = 0;
  };
  const alive = () => (lively = now());
  const clicked = (happened) => {
    const { clientX: x, clientY: y, timeStamp: at } = happened;
    const target = inside(happened, "*");
    last = 0;
    if (!target || isPrivate(happened)) return;
    last = { element: named(target), at };
    if (!happened.detail) return alive(); // made by a key, or by a script: as a choice of files behind a button
    clicks = [...clicks.filter((each) => at - each.at < 1e3 && Math.hypot(x - each.x, y - each.y) < 30), { x, y, at }];
    if (clicks.length < 4) most = 3 + !!getSelection().toString(); // three select a paragraph
    if (rage && clicks.length === most) track("Rage Clicked", { element: last.element });
    const button = inside(happened, "button,[role=button],input[type=button],a[href='#'],a:not([href])");
    if (!dead || !button || button.disabled || clicks.length > 1) return;
    const before = location.href;
    const focused = document.activeElement;
    const watch = new MutationObserver(alive);
    happened.composedPath().forEach((each) => // the document, and shadow roots
      each.nodeType > 8 &&
        watch.observe(each, { subtree: true, childList: true, attributes: true, characterData: true }));
    setTimeout(() => {
      watch.disconnect();
      // Without the focus: another window came, or a choice of files.
      if (lively < at && location.href === before && document.activeElement === focused && document.hasFocus())
        track("Dead Clicked", { element: named(button) });
    }, 1500);
  };
  if (dead) listen(window, "scroll submit visibilitychange input pagehide", alive);
  listen(document, "click", clicked);
  if (errors) listen(window, "error unhandledrejection", failed);
}
