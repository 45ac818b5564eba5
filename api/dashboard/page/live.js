// Staying up to date: one stream for the whole page tells that something arrived; the panels then ask again.
//
// One, because a browser opens only six connections to a server, for all its tabs together.

import { Problem, follow } from "./api.js";

const FIRST_WAIT = 1000, LONGEST_WAIT = 30_000;
const SILENCE = 50_000; // the server says something at least every 15 s
const POLL = 2000; // where it does not stream

/** Follows one question until stopped, and connects again whenever the connection is lost. */
export class Live {
  /** onAnswer(answer), onState({state: connecting | live | waiting, seconds, problem}), onKeyNeeded(). */
  constructor(project, name, question, { onAnswer, onState, onKeyNeeded }) {
    Object.assign(this, { project, name, question, onAnswer, onState, onKeyNeeded });
    this.lifetime = new AbortController();
    this.wake = () => {};
    const again = () => this.retry();
    addEventListener("online", again, { signal: this.lifetime.signal });
    document.addEventListener("visibilitychange", () => this.look(), { signal: this.lifetime.signal });
    this.run();
  }

  stop() {
    this.lifetime.abort();
    this.connection?.abort();
    this.wake();
  }

  /** Now, instead of after the wait. */
  retry() {
    this.wake();
  }

  /** A page that nobody looks at holds no connection. */
  look() {
    if (document.hidden) this.connection?.abort();
    else this.wake();
  }

  async run() {
    const { signal } = this.lifetime;
    let failures = 0;
    while (!signal.aborted) {
      if (document.hidden) {
        await this.sleep(null);
        continue;
      }
      try {
        let isWhole = false;
        for await (const told of this.connect()) {
          failures = 0;
          isWhole = Boolean(told.isWhole);
          if (told.answer) this.onAnswer(told.answer);
        }
        if (!isWhole) throw new Problem(0, "ended", "The connection ended");
        await this.sleep(POLL);
      } catch (error) {
        if (signal.aborted) return;
        if (error.name === "AbortError" && document.hidden) continue;
        const problem = error.name === "AbortError" ? new Problem(0, "silent", "Wayfare has gone silent") : error;
        if (!(problem instanceof Problem)) throw error;
        if (problem.needsKey) return this.onKeyNeeded();
        await this.countDown(Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** failures), problem);
        failures += 1;
      }
    }
  }

  async *connect() {
    this.connection = new AbortController();
    const { signal } = this.connection;
    let silence = setTimeout(() => this.connection.abort(), SILENCE);
    let isFirst = true;
    try {
      for await (const told of follow(this.project, this.name, this.question, signal)) {
        clearTimeout(silence);
        silence = setTimeout(() => this.connection.abort(), SILENCE);
        if (isFirst) this.onState({ state: "live" });
        isFirst = false;
        yield told;
      }
    } finally {
      clearTimeout(silence);
    }
  }

  async countDown(wait, problem) {
    const jittered = wait * (0.8 + Math.random() * 0.4); // so that many pages do not come back in one moment
    const until = Date.now() + jittered;
    let woken = false;
    while (!woken && Date.now() < until && !this.lifetime.signal.aborted) {
      this.onState({ state: "waiting", seconds: Math.max(1, Math.round((until - Date.now()) / 1000)), problem });
      woken = await this.sleep(Math.min(1000, until - Date.now()));
    }
    if (!this.lifetime.signal.aborted) this.onState({ state: "connecting", problem });
  }

  /** True where something woke it before the time was over; `null` waits for that alone. */
  sleep(ms) {
    return new Promise((resolve) => {
      const timer = ms === null ? 0 : setTimeout(() => resolve(false), ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}

/**
 * Runs an asynchronous `work(signal)` whenever asked to, never twice at once and never more often than it is worth:
 * after each run it rests four times as long as the run took.
 */
export class Refresher {
  constructor(work, { least = 1500, most = 30_000 } = {}) {
    Object.assign(this, { work, least, most });
    this.running = null;
    this.isWanted = false;
    this.timer = 0;
  }

  /** Soon; what is running is let finish first. */
  request() {
    this.isWanted = true;
    if (!this.running && !this.timer) this.start();
  }

  /** Now, and what is running does not count any more: it was asked something else. */
  restart() {
    this.stop();
    this.start();
  }

  stop() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.isWanted = false;
    this.running?.abort();
    this.running = null;
  }

  async start() {
    const run = new AbortController();
    this.running = run;
    this.isWanted = false;
    const begin = performance.now();
    try {
      await this.work(run.signal);
    } finally {
      if (this.running === run) {
        this.running = null;
        const rest = Math.min(this.most, Math.max(this.least, 4 * (performance.now() - begin)));
        this.timer = setTimeout(() => {
          this.timer = 0;
          if (this.isWanted) this.start();
        }, rest);
      }
    }
  }
}
