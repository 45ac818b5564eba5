// Building the page. Whatever comes from events is hostile, so text is only ever set as text.

/** An element with properties and children; strings become text nodes. Handlers: {on: {click: f}}. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "on") for (const [event, handler] of Object.entries(value)) made.addEventListener(event, handler);
    else if (key === "data") Object.assign(made.dataset, value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** The element of index.html with this id. */
export function part(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no #${id}`);
  return found;
}

/** Sets text where it differs, so that what did not change is not touched. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Makes the children of `list` those of `items`, keeping the nodes whose key stays: what is open stays open, and
 * what moves keeps its place in the reading order. `make(item)` builds a node, `update(node, item)` brings one up to date.
 */
export function keyed(list, items, key, make, update = () => {}) {
  const present = new Map([...list.children].map((node) => [node.dataset.key, node]));
  let before = list.firstElementChild;
  for (const item of items) {
    const name = key(item);
    let node = present.get(name);
    if (node) {
      present.delete(name);
      update(node, item);
    } else {
      node = make(item);
      node.dataset.key = name;
    }
    if (node === before) before = before.nextElementSibling;
    else list.insertBefore(node, before);
  }
  for (const gone of present.values()) gone.remove();
}

/** A share from 0 to 1 as a custom property: the style attribute is closed by the page's policy, this is not. */
export function measure(node, name, share) {
  node.style.setProperty(name, String(Math.max(0, Math.min(1, share || 0))));
}
