// What visitors do without a call: links that lead elsewhere, downloads, forms, clicks in anger, in vain, into an error.
//
// Addresses lose their query; of forms only names are told, never what was typed; nothing inside `data-wf-private`.
function autocapture({ options, wanted, track, listen, isOwn, isPrivate, onLeave }) {
  const FILES = /\.(pdf|zip|docx?|xlsx?|pptx?|csv|txt|rtf|epub|mp[34]|wav|mov|avi|gz|7z|rar|dmg|exe|msi|apk|pkg|deb|rpm|iso)$/i;
  const named = (element) =>
    element.tagName.toLowerCase() + (element.id ? "#" + element.id : "") +
    (element.classList[0] ? "." + element.classList[0] : "");

  // -- links

  const followed = ({ target, button }) => {
    const link = target.closest?.("a[href],area[href]");
    if (!link || isPrivate(link) || button > 1) return;
    const url = /^http/.test(link.protocol) ? link.origin + link.pathname : "";
    const file = (link.download || url).match(FILES);
    if (file || link.hasAttribute("download")) { // also what a script has made: blob: and data:
      if (wanted("downloads")) track("File Downloaded", { url, extension: (file?.[1] || "").toLowerCase() });
    } else if (url && !isOwn(link.hostname) && wanted("links")) track("Outbound Link Clicked", { url, host: link.host });
  };
  listen(document, "click auxclick", followed);

  // -- forms: started, field by field, then submitted or abandoned

  const forms = new Map(); // form -> name of the field touched last; none: a script has read the whole form since
  // Attributes: a field called `id` or `action` stands in the place of the form's own property.
  const about = (form) => {
    const [id, name, action] = "id name action".split(" ").map((each) => form.getAttribute(each));
    return { form: id || name || new URL(action || "", location).pathname };
  };
  const touched = ({ target, type }) => {
    const form = target.form;
    if (!form || isPrivate(target)) return;
    if (!forms.has(form)) track("Form Started", about(form));
    const field = target.name || target.id || target.type;
    forms.set(form, field);
    // One event for every field: only where it is named.
    if (type === "change" && options.auto?.includes("fields")) track("Form Field Left", { ...about(form), field });
  };
  const left = () => {
    forms.forEach((field, form) =>
      track("Form " + (field ? "Abandoned" : "Submitted"), { ...about(form), last_field: field }));
    forms.clear();
  };
  if (wanted("forms")) {
    listen(document, "input change", touched);
    listen(document, "submit", ({ target }) => {
      if (isPrivate(target)) return;
      forms.delete(target);
      track("Form Submitted", about(target));
    });
    // form.submit() and what is sent by fetch tell of no submission, but the form is read for them.
    listen(document, "formdata", ({ target }) => forms.has(target) && forms.set(target));
    onLeave.push(left);
  }

  // -- rage: three clicks in a second at one spot; dead: a button that changes nothing; error: one right after a click

  const [rage, dead, errors] = "rage dead errors".split(" ").map((part) => wanted("clicks") || wanted(part));
  let clicks = [], last, calm;
  const failed = (happened) => {
    if (!last || happened.timeStamp - last.at > 1e3 || happened.target.tagName) return; // an image that is not there
    track("Error Clicked", { element: last.element, error: (happened.error || happened.reason)?.name });
    last = 0;
  };
  const clicked = ({ target, clientX: x, clientY: y, timeStamp: at, detail }) => {
    last = 0;
    if (isPrivate(target)) return;
    last = { element: named(target), at };
    if (!detail) return calm?.(); // made by a key, or by a script: as a choice of files behind a button
    clicks = [...clicks.filter((each) => at - each.at < 1e3 && Math.hypot(x - each.x, y - each.y) < 30), { x, y, at }];
    if (rage && clicks.length === 3) track("Rage Clicked", { element: last.element });
    const button = target.closest("button,[role=button],input[type=button],a[href='#'],a:not([href])");
    if (!dead || !button || button.disabled || clicks.length > 1) return;
    const before = location.href;
    const focused = document.activeElement;
    const watch = new MutationObserver(alive);
    const stop = new AbortController();
    const timer = setTimeout(() => {
      // Without the focus: another window came, or a choice of files.
      if (location.href === before && document.activeElement === focused && document.hasFocus())
        track("Dead Clicked", { element: named(button) });
      alive();
    }, 1500);
    calm = alive;
    function alive() {
      clearTimeout(timer);
      watch.disconnect();
      stop.abort();
    }
    watch.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
    "scroll submit visibilitychange input pagehide".split(" ").forEach((kind) =>
      window.addEventListener(kind, alive, { capture: true, signal: stop.signal }));
  };
  if (rage || dead || errors) listen(document, "click", clicked);
  if (errors) listen(window, "error unhandledrejection", failed);
}
