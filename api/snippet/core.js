// The tracker: pages, calls, consent, ids, engaged time, and a queue that survives failures.
//
//   <script async src="https://HOST/wayfare.js" data-key="WRITE KEY"></script>
//
//   call -> event -> queue -- 200 ms, one request at a time --> POST /v1/b -> 200: forgotten
//                      |  `- page hidden: beacon                   `-------> else: kept in localStorage, tried again
//                      `- before consent: waits here, in memory alone
//
// The other parts are functions that get `house`: what of this they may use. Parts in files of their own come by `load`.
function core(...parts) {
  const script = document.currentScript || document.querySelector("script[data-key]");
  const options = script.dataset;
  const beside = (file) => new URL("wayfare." + file, script.src).href;
  const load = (part, ...given) => import(beside(part + ".js")).then((module) => module.default(...given), () => {});
  const name = options.name || "wayfare"; // of the global object and of all that is stored: one a project
  const key = options.key || script.src.split("/v1/")[1]?.split("/")[0];
  const url = (options.host || new URL(script.src).origin) + "/v1/b";
  const MOST_EVENTS = 200, MOST_CHARACTERS = 15e3, YEAR = 34e6, IDLE_MS = 3e4, SECOND = 1e3;
  const early = window[name];
  if (!key || early?.key) return; // loaded twice
  window[name] = early || [];

  const fresh = () =>
    [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => (byte + 256).toString(16).slice(1)).join("");
  const listen = (target, kinds, heard) =>
    kinds.split(" ").forEach((kind) => target.addEventListener(kind, heard, { capture: true, passive: true }));

  // -- what is stored: in localStorage and one cookie, in memory where these are shut, full or not allowed yet

  let memory = {}; // what is stored is not here: other tabs change it there
  const tab = Math.random();
  const OF_TAB = "way"; // the one item that each tab has of its own
  const area = (item) => (item === OF_TAB ? sessionStorage : localStorage);
  const kept = (item) => {
    try {
      return area(item).getItem(name + "." + item);
    } catch {}
  };
  const read = (item) => memory[item] ?? (granted() && kept(item));
  // Both give whether it is stored now, or nothing has to be.
  const store = (item, value) => {
    try {
      area(item)[value ? "setItem" : "removeItem"](name + "." + item, value);
      return true;
    } catch {}
  };
  const write = (item, value) => !(memory[item] = granted() && store(item, value) ? undefined : value);
  const stored = () => {
    try {
      return Object.keys(localStorage)
        .filter((item) => item.startsWith(name + "."))
        .map((item) => item.slice(name.length + 1));
    } catch {
      return [];
    }
  };
  const cookie = (item) => {
    try {
      return document.cookie.split("; ").find((each) => each.startsWith(item + "="))?.split("=")[1];
    } catch {}
  };
  const bake = (item, value, seconds, domain) => {
    try {
      document.cookie =
        `${item}=${value};path=/;max-age=${seconds};samesite=lax` +
        (domain ? ";domain=" + domain : "") + (/s:/.test(location.protocol) ? ";secure" : "");
    } catch {}
  };
  let domain = options.domain;
  const widest = () => {
    // A browser refuses cookies for public suffixes: the first domain that takes one is the site's. Remembered, since
    // each try waits for another process. An address has no domain.
    const labels = location.hostname.split(".");
    for (let i = labels.length - 2; i >= 0 && isNaN(labels.at(-1)); i--) {
      const tried = labels.slice(i).join(".");
      bake(name + "_try", 1, 9, tried);
      if (cookie(name + "_try")) {
        bake(name + "_try", "", 0, tried);
        write("domain", tried);
        return tried;
      }
    }
    return "";
  };

  let device;
  const keep = (id, seconds = YEAR) => {
    domain ??= read("domain") || widest();
    bake(name + "_id", id, seconds, domain);
    if (options.cookie === "server") load("cookie", { name, id, seconds, domain, beside, read, write, granted });
  };
  const deviceId = () => {
    if (!granted()) return;
    const id = cookie(name + "_id") || read("id") || device || fresh();
    if (id !== device) {
      device = id;
      keep(id);
      write("id", id);
    }
    return id;
  };
  const become = (id) => {
    if (granted()) keep((device = id));
    write("id", id);
  };
  // Prototype.js and its like have arrays and dates tell themselves as texts of JSON, which they are told in then.
  const json = (value) =>
    JSON.stringify(value, function (item, told) {
      const own = this[item];
      return Array.isArray(own) ? own : told;
    });
  const date = () => new Date().toISOString();
  const parse = (text) => {
    try {
      return JSON.parse(text) || {};
    } catch {
      return {};
    }
  };
  const user = () => parse(read("user"));

  // -- consent: "1", "0", or "" while nobody has said anything and it was asked to wait; stored with its purposes

  const signals =
    ("gpc" in options && navigator.globalPrivacyControl) || ("dnt" in options && navigator.doNotTrack === "1");
  const asks = options.consent;
  let said;
  const granted = () => said === "1";
  const isCookieless = () => said === "" && /cookieless/.test(asks); // sent, but with no id and nothing stored
  const stance = () => {
    if (!granted()) return { state: "unknown" };
    const purposes = read("consent")?.slice(1);
    return purposes && { state: "granted", purposes: parse(purposes) };
  };
  // What is stored says it, or this page has been told no, or nobody has said anything. Gives whether that is new.
  const isNews = () => {
    const before = said;
    said = "1"; // as nothing else is read from storage
    said = read("consent")?.[0] || (before === "0" || signals ? "0" : asks === undefined ? "1" : "");
    return said !== before;
  };
  isNews();
  const heed = () => isNews() && (granted() ? begun() : forget()); // another tab, or the page after this one

  // What waited goes, and is stored. Other tabs hear of it when the id is there already.
  const begun = (text) => {
    Object.entries(memory).forEach((each) => write(...each));
    deviceId();
    if (text) write("consent", text);
    queue = [...held, ...queue];
    held = [];
    queue.forEach((event) => {
      event.anonymousId ||= deviceId();
      event.context.consent = stance();
    });
    adopt();
  };
  // A withdrawal that nobody could hear: all that is kept of him, until it is heard.
  const LAST = "consent.last";
  const farewell = () => {
    const last = kept(LAST);
    if (last) post(body([parse(last)])).then((answer) => answer.ok && store(LAST), () => {});
  };
  // All but what he said: other tabs read that.
  const forget = () => {
    queue = [];
    held = [];
    device = undefined;
    [...stored(), OF_TAB].forEach((item) => /^consent/.test(item) || store(item));
    memory = {};
  };
  const consent = (given, evidence) => {
    const purposes = given === true || !given ? { analytics: !!given } : given;
    const text = +!!purposes.analytics + json(purposes);
    if (granted() && read("consent") === text) return;
    const changed = (state) =>
      put("track", { event: "Consent Changed", properties: { ...purposes, method: "call", ...evidence } },
        { context: { consent: { state, purposes } } });
    if (purposes.analytics) {
      said = "1";
      begun(text);
      changed("granted");
    } else {
      if (granted()) {
        changed("denied");
        queue = [...queue.splice(-1), ...queue]; // before what could not be sent until now, which may be too much
        fails = 0;
        depart();
        keep("", 0);
        store(LAST, queue[0] && json(queue[0]));
      }
      forget();
      said = "0";
      // Where it was not asked first, or pages are told without consent, the next page has to know.
      store("consent", /undefined|cookieless/.test(asks) && text);
    }
  };

  // -- the queue

  let queue = [], flying = [], fails = 0, timer = 0, sequence = 0;
  let held = []; // who he is: nothing that may be told without consent
  const maySend = () => granted() || isCookieless();
  const batch = () => {
    let size = 0;
    return queue.filter((event) => (size += json(event).length) < MOST_CHARACTERS || event === queue[0]);
  };
  const body = (events) => json({ writeKey: key, sentAt: date(), batch: events });
  // A text needs no preflight; browsers keep 64 kB alive.
  const post = (text) =>
    fetch(url, { method: "POST", body: text, credentials: "omit", keepalive: text.length < 2e4 });
  // Only while sending fails: what is on its way arrives, as it outlives the page. The newest half, or the half of that,
  // where there is no room. Gives nothing where nothing is kept.
  let isSaved;
  const save = () => {
    if (!fails && !isSaved) return;
    const rest = fails ? [...flying, ...queue].slice(-MOST_EVENTS) : [];
    while (!write("q." + tab, rest[0] ? json(rest) : "") && rest[0]) rest.splice(0, (rest.length + 1) / 2);
    return (isSaved = rest[0]);
  };
  const soon = (ms) => (timer ||= setTimeout(flush, ms));
  const flush = async () => {
    timer = clearTimeout(timer); // of no value
    look(); // where an earlier visit was scrolled to
    if (!maySend() || flying[0] || !queue[0]) return;
    flying = batch();
    queue = queue.slice(flying.length);
    const text = body(flying);
    let wait = SECOND;
    try {
      const answer = await post(text);
      if (/^2|400|413/.test(answer.status)) wait = fails = 0; // what is refused will be again
      else wait = SECOND * answer.headers.get("retry-after") || SECOND;
    } catch {}
    if (wait) {
      if (maySend()) queue = [...flying, ...queue];
      timer = clearTimeout(timer);
      soon(Math.max(wait, Math.min(3e5, SECOND * 2 ** fails++) * (0.5 + Math.random())));
    }
    flying = [];
    save();
    if (queue[0]) soon(0);
  };
  // The page may be gone after this.
  const depart = () => {
    if (!maySend()) return;
    if (!navigator.onLine) fails ||= 1;
    const left = fails && queue; // the page may come back: what is sent again then is known by its ids
    // One failure may be this leaving itself, which breaks off what is on its way.
    while (queue[0] && !(fails > 1 && save()) && navigator.sendBeacon(url, body(batch()))) queue = queue.slice(batch().length);
    if (queue[0]) fails ||= 1;
    queue = left || queue;
    save();
  };
  // What pages before this one could not send. Another tab may send it too: it is recognised by its ids.
  const adopt = () => {
    stored().filter((item) => item.startsWith("q.") && item !== "q." + tab).forEach((left) => {
      queue = [...Object.values(parse(read(left))), ...queue].slice(-MOST_EVENTS);
      fails ||= 1;
      save();
      store(left);
    });
    soon(200);
  };

  // -- events

  const put = (type, fields, given) => {
    if (said === "0") return;
    settle();
    const { id, group } = isCookieless() ? {} : user();
    let event;
    try {
      // As it is now, whatever the page does to its objects.
      event = JSON.parse(json({
        type,
        messageId: fresh(),
        anonymousId: deviceId(),
        userId: id,
        timestamp: date(),
        sequence: sequence++,
        ...fields,
        ...given,
        context: {
          page: { ...here, title: document.title },
          groupId: group,
          library: { name: "wayfare.js" },
          consent: stance(),
          ...given?.context,
        },
      }));
    } catch (error) {
      return console.warn(error); // it holds itself, or a BigInt: no JSON
    }
    (isCookieless() && /^[ig]/.test(type) ? held : queue).push(event);
    if (queue.length > 2e3) queue.shift(); // a page may tell much in a row
    if (fails) save();
    soon(200);
  };
  // Segment's calls leave out what they don't have: ([category], [name], [properties], [options], [callback]).
  const told = (given) => {
    given.filter((each) => typeof each === "function").forEach((each) => setTimeout(each));
    return [
      given.filter((each) => each !== "" && /string|number/.test(typeof each)),
      ...given.filter((each) => typeof each === "object").map((each) => each ?? undefined),
    ];
  };
  const known = (type, field, remembered) => (...given) => {
    const [[id], traits, more] = told(given);
    if (id !== undefined) write("user", json({ ...user(), [remembered]: id }));
    put(type, { [field]: id ?? user()[remembered], traits }, more);
  };
  const track = (event, ...given) => {
    const [, properties, more] = told(given);
    put("track", { event, properties }, more);
    onEvent.forEach((each) => each(event));
  };
  const page = (...given) => {
    const [words, properties, more] = told(given);
    uncounted(); // this call is the page that would have been counted by itself
    put("page", { name: words.pop(), category: words.pop(), properties }, more);
    counted();
  };
  const reset = () => {
    write("user");
    become(fresh());
  };

  // -- pages by themselves: loads, History, hash routes (#/ and #!), the back/forward cache

  let here = {}, place, pending = 0, arrived, referrer = document.referrer;
  const where = () => {
    const { pathname, hash, search } = location;
    return [/^#!?\//.test(hash) ? pathname.replace(/\/$/, "") + hash.replace(/^#!?/, "") : pathname, search];
  };
  const uncounted = () => (pending = clearTimeout(pending));
  const settle = () => {
    if (!pending) return;
    uncounted();
    put("page", { timestamp: arrived });
    counted();
  };
  const onPage = [], onEvent = [], onLeave = []; // what parts do then
  let isNew;
  const counted = () => {
    if (isNew) onPage.forEach((each) => each());
    isNew = false;
  };
  const visit = (isWhole) => {
    const [path, search] = where();
    if (place?.[0] === path && (!isWhole || place[1] === search)) {
      place[1] = search; // replaced: filters and the like
      return;
    }
    if (place && (isWhole || !pending)) { // else the page before was replaced before anybody saw it: no page
      leave(true);
      referrer = here.url;
    }
    here = { url: location.href, path, referrer };
    place = [path, search];
    arrived = date();
    isNew = true;
    bottom = engaged = 0;
    hasLeft = atEnd = NaN;
    beat = FIRST_BEAT;
    // The title often comes after the address.
    if (options.page !== "off") pending ||= setTimeout(settle, 50);
  };

  // -- engaged time: visible, with the focus, and something moved in the last 30 s

  const FIRST_BEAT = SECOND * (options.beat || 10); // "off": not a number, so never reached
  let engaged = 0, seen = 0, isActive = false, moved = 0, beat, bottom = 0, hasLeft;
  let atEnd; // engaged time after the end was seen; not a number before
  const now = () => performance.now();
  const look = () => (bottom = Math.max(bottom, scrollY + innerHeight));
  // Not asked while a page loads: the browser would have to lay it out there and then.
  const scrolled = () => Math.min(100, Math.round((100 * look()) / document.documentElement.scrollHeight));
  const took = () => {
    const ms = Math.round(engaged);
    engaged = 0;
    return ms;
  };
  const tick = () => {
    const at = now();
    const ms = isActive && Math.min(at - seen, 2 * SECOND); // a machine that slept was not read from
    engaged += ms;
    atEnd += ms;
    if (seen && scrolled() > 99) atEnd ||= 0;
    seen = at;
    isActive = !document.hidden && document.hasFocus() && at - moved < IDLE_MS;
    if (engaged >= beat) {
      beat = 3 * FIRST_BEAT;
      put("track", { event: "heartbeat", properties: { engaged_ms: took() } });
    }
  };
  const leave = (forGood) => {
    settle();
    if (forGood) onLeave.forEach((each) => each());
    tick();
    if ((engaged < 1 && hasLeft) || options.beat === "off") return;
    hasLeft = true;
    put("track", {
      event: "page_leave",
      properties: { engaged_ms: took(), scroll_percent: scrolled(), read_to_end: atEnd > SECOND },
    });
  };

  // -- data-wf-event="Name" data-wf-any-property="value", on what is clicked or a form that is submitted

  // What it happened in, from the inside out, through shadow roots that are open.
  const inside = (happened, selector) => happened.composedPath().find((each) => each.matches?.(selector));
  const isPrivate = (happened) => inside(happened, "[data-wf-private]");
  const declared = (happened) => {
    const element = inside(happened, "[data-wf-event]");
    if (!element || isPrivate(happened) || (element.localName === "form") !== (happened.type === "submit")) return;
    const properties = {};
    for (const [item, value] of Object.entries(element.dataset))
      if (/^wf[A-Z]/.test(item) && item !== "wfEvent")
        properties[item.slice(2).replace(/[A-Z]/g, (letter) => "_" + letter.toLowerCase()).slice(1)] = value;
    track(element.dataset.wfEvent, properties);
  };

  const api = {
    key, track, page, reset, consent,
    identify: known("identify", "userId", "id"),
    group: known("group", "groupId", "group"),
    push: (...calls) => calls.forEach(([call, ...given]) => api[call]?.(...given)),
    ready: (call) => call(),
    on: () => api, // Segment's, without a meaning here
    user: () => ({ id: () => user().id, anonymousId: deviceId }),
  };

  const begin = () => {
    let calls = Array.isArray(window[name]) ? window[name] : [];
    window[name] = api;
    if (name === "wayfare" && Array.isArray((window.analytics ||= []))) {
      calls = calls.concat(window.analytics);
      window.analytics = api;
    }
    if (granted()) adopt();
    farewell();
    const wanted = (part) => !options.auto || options.auto.includes(part);
    const isOwn = (host) => host === location.hostname || (domain && host.endsWith("." + domain));
    const house = {
      api, name, key, options, onPage, onEvent, onLeave,
      beside, load, fresh, listen, read, write, parse, granted, deviceId, become, wanted, isOwn, inside, isPrivate,
      track, now, here: () => here,
    };
    parts.forEach((part) => part(house));
    visit(true);
    if (calls.some((each) => each[0] === "page")) uncounted();
    api.push(...calls);

    if (options.spa !== "off") {
      ["pushState", "replaceState"].forEach((call, isReplaced) => {
        const original = history[call];
        history[call] = function (...given) { // stays the browser's own where the page has frozen it
          original.apply(this, given);
          visit(!isReplaced);
        };
      });
      listen(window, "popstate hashchange", visit);
    }
    listen(window, "pageshow", (shown) => {
      if (!shown.persisted) return;
      heed();
      place = ["", ""]; // out of the back/forward cache: seen again
      hasLeft = true;
      visit(true);
    });
    listen(window, "scroll", look);
    listen(document, "pointermove pointerdown keydown scroll touchmove wheel", () => (moved = now()));
    listen(window, "focus blur", tick);
    listen(document, "click submit", declared);
    listen(window, "online", () => (farewell(), flush()));
    listen(window, "storage", heed);
    listen(document, "visibilitychange", () => {
      tick();
      if (document.hidden) {
        leave();
        depart();
      }
    });
    listen(window, "pagehide", () => {
      leave(true);
      isActive = false;
      depart();
    });
    moved = now();
    tick();
    setInterval(tick, SECOND);
    if (/tcf|google/.test(asks)) load("consent", asks, consent);
  };
  if (document.prerendering) listen(document, "prerenderingchange", begin);
  else begin();
}
