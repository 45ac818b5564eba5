// What leads from a page to another of the site's domains takes the device's id along: links, also in images, and forms.
// The page has its own addresses back when they have been followed.
function leading({ listen, inside }, dressed, parameter) {
  const plain = (text) => {
    try {
      return new URL(text, document.baseURI).href;
    } catch {
      return ""; // no address
    }
  };
  const lend = (element, attribute, value) => {
    const own = element.getAttribute(attribute);
    element.setAttribute(attribute, value);
    setTimeout(() => element.getAttribute(attribute) === value && element.setAttribute(attribute, own));
  };
  const followed = (happened) => {
    const link = inside(happened, "a[*|href],area[href]");
    if (!link) return;
    const attribute = link.hasAttribute("href") ? "href" : "xlink:href"; // as SVG has it
    const from = plain(link.getAttribute(attribute));
    if (/^http/.test(from) && dressed(from) !== from) lend(link, attribute, dressed(from));
  };
  const submitted = (happened) => {
    const form = inside(happened, "form"), button = happened.submitter;
    const told = (word) =>
      button?.hasAttribute("form" + word) ? [button, "form" + word] : form.hasAttribute(word) && [form, word];
    const given = (word) => told(word) && told(word)[0].getAttribute(told(word)[1]);
    const from = plain(given("action") || "");
    const to = /^http/.test(from) ? dressed(from) : from;
    if (to === from) return;
    if (/^post$/i.test(given("method"))) return lend(...told("action"), to);
    const field = document.createElement("input"); // an address's own query is none of what GET sends
    field.type = "hidden";
    field.name = parameter;
    field.value = new URL(to).searchParams.get(parameter);
    form.append(field);
    setTimeout(() => field.remove());
  };
  listen(document, "click auxclick", followed);
  listen(document, "submit", submitted);
}
