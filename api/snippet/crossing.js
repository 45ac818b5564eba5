// From one of the site's own domains to another: the link, or the form, carries the device's id (see leading.js).
//
//   a.test --click--> b.test/?wayfare_id=ID.TIME.SUM --> ID is the device's on b.test too
//
// It holds for two minutes and in this browser alone, so that a link which is passed on makes nobody of two. It is in
// the link only while the click is followed, and taken off the address before the page is counted.
function crossing(house) {
  const { isOwn } = house;
  const LASTS_MS = 12e4;
  const domains = house.options.domains?.split(" ") || [];
  const parameter = house.name + "_id";
  const sum = (text) => {
    let value = 7;
    for (const letter of text + navigator.userAgent + navigator.language)
      value = (Math.imul(value, 31) + letter.charCodeAt()) >>> 0;
    return value.toString(36);
  };
  const isOurs = (host) => domains.some((each) => ("." + host).endsWith("." + each));
  house.isOwn = (host) => isOwn(host) || isOurs(host);
  const dressed = (link) => {
    const to = new URL(link, location);
    if (!isOurs(to.hostname) || isOwn(to.hostname) || !house.granted()) return link;
    const text = house.deviceId() + "." + Date.now().toString(36);
    to.searchParams.set(parameter, text + "." + sum(text));
    return to.href;
  };
  const arrived = () => {
    const at = new URL(location);
    const text = at.searchParams.get(parameter);
    if (!text) return;
    at.searchParams.delete(parameter);
    history.replaceState(history.state, "", at);
    const [id, time, check] = text.split(".");
    const age = Date.now() - parseInt(time, 36);
    if (/^[0-9a-f]{32}$/.test(id) && Math.abs(age) < LASTS_MS && sum(id + "." + time) === check) house.become(id);
  };
  house.api.link = dressed; // for scripts that lead to another domain
  if (!domains[0]) return;
  arrived();
  house.load("leading", house, dressed, parameter);
}
