// Numbers, money, durations, times and names as people read them.

const LOCALE = "en-GB";
const whole = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat(LOCALE, { notation: "compact", maximumSignificantDigits: 4 });
const DAY = 86_400_000;

export const NONE = "–";

/** 12,345, and from ten millions on 12.35M. */
export function count(number) {
  if (number === null || number === undefined) return NONE;
  return Math.abs(number) < 10_000_000 ? whole.format(number) : compact.format(number);
}

/** 0.1234 -> 12.3 %; always one decimal, so that it does not jump. */
export function percent(share) {
  if (share === null || share === undefined) return NONE;
  const tenths = (share * 100).toFixed(1);
  return `${share > 0 && tenths === "0.0" ? "<0.1" : tenths}\u202f%`;
}

/** Millionths of a currency's unit. */
export function money(micros, currency, { cents = true } = {}) {
  const amount = micros / 1e6;
  const digits = cents && Math.abs(amount) < 1000 ? 2 : 0;
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  try {
    return new Intl.NumberFormat(LOCALE, { style: "currency", currency, ...options }).format(amount);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return `${new Intl.NumberFormat(LOCALE, options).format(amount)} ${currency}`.trim(); // no currency of ISO 4217
  }
}

/** Two units at most: 850 ms, 42 s, 3 min 12 s, 2 h 5 min, 3 d 4 h. */
export function duration(ms) {
  if (ms === null || ms === undefined) return NONE;
  if (ms > 0 && ms < 1000) return `${Math.round(ms)}\u00a0ms`;
  const units = [["d", DAY], ["h", 3_600_000], ["min", 60_000], ["s", 1000]];
  let rest = Math.round(ms / 1000) * 1000;
  const first = units.findIndex(([, size]) => rest >= size);
  if (first === -1) return "0\u00a0s";
  const told = [];
  for (const [name, size] of units.slice(first, first + 2)) {
    if (rest >= size) told.push(`${Math.floor(rest / size)}\u00a0${name}`);
    rest %= size;
  }
  return told.join(" ");
}

const formats = new Map();

function format(zone, options) {
  const key = zone + JSON.stringify(options);
  if (!formats.has(key)) {
    formats.set(key, new Intl.DateTimeFormat(LOCALE, { timeZone: zone, hourCycle: "h23", ...options }));
  }
  return formats.get(key);
}

/** For the datetime attribute. */
export function isoTime(ms) {
  return new Date(ms).toISOString();
}

/** 14:03:27 in the zone. Times are ms. */
export function clock(time, zone) {
  return format(zone, { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(time);
}

/** 14:03 today, else 12 May 14:03, with the year where it is another one. */
export function moment(time, zone, now = Date.now()) {
  const day = { year: "numeric", month: "short", day: "numeric" };
  const at = format(zone, { hour: "2-digit", minute: "2-digit" }).format(time);
  if (format(zone, day).format(time) === format(zone, day).format(now)) return at;
  const year = format(zone, { year: "numeric" });
  const sameYear = year.format(time) === year.format(now);
  return `${format(zone, { day: "numeric", month: "short", ...(sameYear ? {} : { year: "numeric" }) }).format(time)}, ${at}`;
}

/** Tuesday 12 May 2026 at 14:03:27. */
export function longMoment(time, zone) {
  const options = { weekday: "long", day: "numeric", month: "long", year: "numeric" };
  return `${format(zone, options).format(time)} at ${clock(time, zone)}`;
}

/** {short, long} names of a period by its start, ms. Days, weeks and months start at 0:00 UTC, whatever their zone. */
export function periodName(start, by, zone) {
  if (by === "hour") {
    const at = format(zone, { hour: "2-digit", minute: "2-digit" });
    const day = format(zone, { weekday: "short", day: "numeric", month: "short" }).format(start);
    return { short: at.format(start), long: `${day}, ${at.format(start)} to ${at.format(start + 3_600_000)}` };
  }
  if (by === "month") {
    return {
      short: format("UTC", { month: "short", year: "2-digit" }).format(start),
      long: format("UTC", { month: "long", year: "numeric" }).format(start),
    };
  }
  const day = format("UTC", { weekday: "long", day: "numeric", month: "long", year: "numeric" }).format(start);
  return {
    short: format("UTC", { day: "numeric", month: "short" }).format(start),
    long: by === "week" ? `week from ${day}` : day,
  };
}

const NAMES = {
  ai_assistant: "AI assistant", sms: "SMS", ad: "Ad", app: "App", web: "Web", email: "E-mail", direct: "Direct",
};

/** organic_search -> Organic search; a channel or stage may be any word of a sender. */
export function named(word) {
  if (!word) return "Unknown";
  if (Object.hasOwn(NAMES, word)) return NAMES[word];
  const spaced = word.replaceAll("_", " ");
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

/** The first digits of an id: enough to tell two apart by eye. */
export function short(id) {
  return id.slice(0, 6);
}

/** A message of the API as a sentence. */
export function sentence(text) {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

/** "1 session", "2 sessions". */
export function plural(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}
