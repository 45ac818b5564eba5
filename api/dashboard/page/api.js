// The HTTP API: one question at a time, or one as a stream of answers.

const ROOT = new URL("api/v1/", document.baseURI);

/** An answer that is an error, or a server that does not answer (status 0). */
export class Problem extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }

  get needsKey() {
    return this.status === 401;
  }
}

let clockSkew = 0; // the server's clock - ours, ms

/** Now by the server's clock, as far as the Date header tells (whole seconds). */
export function serverNow() {
  return Date.now() + clockSkew;
}

async function request(path, { method = "GET", body, accept = "application/json", signal } = {}) {
  let response;
  try {
    response = await fetch(new URL(path, ROOT), {
      method,
      signal,
      cache: "no-store",
      headers: { Accept: accept, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "unreachable", "Wayfare does not answer");
  }
  const date = Date.parse(response.headers.get("date") ?? "");
  if (date && Math.abs(date - Date.now()) > 2000) clockSkew = date - Date.now();
  else if (date) clockSkew = 0;
  if (response.ok) return response;
  throw await problemOf(response);
}

async function problemOf(response) {
  const told = await response.json().catch(() => null);
  const message = told?.error?.message ?? `Wayfare answered ${response.status}`;
  return new Problem(response.status, told?.error?.code ?? "unknown", message);
}

/** The JSON answer of a request; null where there is none. */
export async function call(path, options) {
  const response = await request(path, options);
  if (response.status === 204) return null;
  try {
    return await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "unreachable", "The answer broke off");
  }
}

function questionPath(project, name) {
  return `projects/${encodeURIComponent(project)}/questions/${name}`;
}

/** The answer to a question. */
export function ask(project, name, question, signal) {
  return call(questionPath(project, name), { method: "POST", body: question, signal });
}

/**
 * Answers to a question as they change. A server that does not stream gives one answer and ends.
 * Yields {answer} for an answer and {} for a sign of life. Throws Problem.
 */
export async function* follow(project, name, question, signal) {
  const response = await request(questionPath(project, name), {
    method: "POST", body: question, signal, accept: "text/event-stream",
  });
  if (!response.headers.get("content-type")?.startsWith("text/event-stream")) {
    yield { answer: await response.json(), isWhole: true };
    return;
  }
  for await (const block of blocks(response.body)) {
    const { event, data } = parsed(block);
    if (event === "error") {
      const { error } = JSON.parse(data);
      throw new Problem(error.code === "unauthorized" ? 401 : 503, error.code, error.message);
    }
    yield event === "answer" && data ? { answer: JSON.parse(data) } : {};
  }
}

/** The blocks of an event stream, each between blank lines. */
async function* blocks(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const parts = (text + value).split(/\r?\n\r?\n/);
      text = parts.pop();
      yield* parts;
    }
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "unreachable", "The connection broke");
  } finally {
    reader.cancel().catch(() => {}); // already broken, or aborted
  }
}

function parsed(block) {
  let event = "message";
  const data = [];
  for (const line of block.split(/\r?\n/)) {
    if (line.startsWith("event:")) event = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
  }
  return { event, data: data.join("\n") };
}
