// The periods of a range, also those in which nothing happened: the API answers with those that have sessions.

const QUARTER = 900_000, HOUR = 3_600_000, DAY = 86_400_000;

const partFormats = new Map();

function local(ms, zone) {
  if (!partFormats.has(zone)) {
    partFormats.set(zone, new Intl.DateTimeFormat("en-CA", {
      timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
    }));
  }
  const parts = Object.fromEntries(partFormats.get(zone).formatToParts(ms).map(({ type, value }) => [type, value]));
  return { date: `${parts.year}-${parts.month}-${parts.day}`, minute: parts.minute };
}

/** How a range is asked: the fields of a question, and by which period its chart goes. `extent`: {first, last} of all data, ms. */
export function asked(range, extent) {
  if (range === "today" || range === "24h") return { question: { last: range }, by: "hour" };
  if (range !== "all") return { question: { last: range }, by: "day" };
  const span = extent ? extent.last - extent.first : 0;
  const by = span < 2 * DAY ? "hour" : span < 92 * DAY ? "day" : span < 730 * DAY ? "week" : "month";
  return { question: { from: null, to: null }, by };
}

/** Starts of the periods, ms, in time: of the whole range, or for "all" from the first to the last of `found`. */
export function periodStarts(range, by, zone, now, found) {
  if (range === "today") return hours(...dayAround(now, zone), zone);
  if (range === "24h") {
    const end = Math.ceil((now + 1) / HOUR) * HOUR;
    return hours(end - 24 * HOUR, end, zone);
  }
  if (range !== "all") {
    const today = Date.parse(`${local(now, zone).date}T00:00:00Z`);
    const length = Number.parseInt(range, 10);
    return Array.from({ length }, (_, index) => today - (length - 1 - index) * DAY);
  }
  if (found.length === 0) return [];
  const first = Math.min(...found), last = Math.max(...found);
  if (by === "hour") return hours(first, last + 1, zone);
  const starts = [];
  for (let at = first; at <= last; at = next(at, by)) starts.push(at);
  return starts;
}

/** The start of a period as the API names it, ms: 2026-05-12 (as if it were UTC), or 2026-05-12T14:00:00+0200. */
export function startOf(period) {
  return Date.parse(period.includes("T") ? period.replace(/([+-]\d\d)(\d\d)$/, "$1:$2") : `${period}T00:00:00Z`);
}

/** Whether a period that starts so holds `now`. */
export function holds(start, by, zone, now) {
  if (by === "hour") return start <= now && now < start + HOUR;
  const today = Date.parse(`${local(now, zone).date}T00:00:00Z`);
  return start <= today && today < next(start, by);
}

function next(start, by) {
  if (by === "day") return start + DAY;
  if (by === "week") return start + 7 * DAY;
  const date = new Date(start);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
}

/** Starts of the zone's hours in [from, to): offsets of zones come in quarters of an hour. */
function hours(from, to, zone) {
  const starts = [];
  for (let at = Math.ceil(from / QUARTER) * QUARTER; at < to; at += QUARTER) {
    if (local(at, zone).minute === "00") {
      starts.push(at);
      at += HOUR - QUARTER;
    }
  }
  return starts;
}

/** [start, end) of the zone's day that holds a time. */
function dayAround(now, zone) {
  const { date } = local(now, zone);
  let start = Math.floor(now / QUARTER) * QUARTER, end = start + QUARTER;
  while (local(start - QUARTER, zone).date === date) start -= QUARTER;
  while (local(end, zone).date === date) end += QUARTER;
  return [start, end];
}
