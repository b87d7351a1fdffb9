// Whether the server can be reached. Everything that the page asks goes through here, so that a lost
// connection is noticed by whoever asks first, said once, and tried again in one place.

import { ask, pause, Refused, Unreachable } from "./api.js";
import { setText } from "./dom.js";
import { say } from "./language.js";

const RETRY_MS = [500, 1000, 2000, 5000];
const AFTER_REFUSAL_MS = 3000;

/** Events: `lost`, `back`, and `denied` when the session has ended. */
export class Link extends EventTarget {
  lostAt = null;
  #waiting = [];
  #nudge = null;

  constructor() {
    super();
    addEventListener("offline", () => this.#lose());
    addEventListener("online", () => this.#nudge?.abort());
    document.addEventListener("visibilitychange", () => this.#nudge?.abort());
  }

  /** Ask as `ask` of api.js does, and note what came of it. */
  async ask(path, options) {
    try {
      const found = await ask(path, options);
      this.#regain();
      return found;
    } catch (error) {
      this.note(error);
      throw error;
    }
  }

  /** Draw the conclusions from what went wrong with a request. */
  note(error) {
    if (error instanceof Unreachable) this.#lose();
    if (error instanceof Refused) this.#regain();
    if (error instanceof Refused && error.status === 401) this.dispatchEvent(new Event("denied"));
  }

  /**
   * Do work again and again; what the server refuses is said by `note` and tried again later, and so
   * is what it can't answer, which the banner says.
   */
  async repeat(signal, note, work) {
    while (!signal.aborted) {
      await this.#untilUp();
      try {
        if (!signal.aborted) await work();
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof Refused || error instanceof Unreachable)) throw error;
        if (error instanceof Refused) setText(note, say("refused", { detail: error.detail }));
        if (!this.lostAt) await pause(AFTER_REFUSAL_MS, signal);
      }
    }
  }

  #untilUp() {
    return this.lostAt ? new Promise((resolve) => this.#waiting.push(resolve)) : null;
  }

  #lose() {
    if (this.lostAt) return;
    this.lostAt = new Date();
    this.dispatchEvent(new Event("lost"));
    this.#tryAgain();
  }

  #regain() {
    if (!this.lostAt) return;
    this.lostAt = null;
    this.dispatchEvent(new Event("back"));
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  async #tryAgain() {
    for (let tries = 0; this.lostAt; tries += 1) {
      this.#nudge = new AbortController();
      await pause(RETRY_MS[Math.min(tries, RETRY_MS.length - 1)], this.#nudge.signal);
      await this.ask("/v1/session").catch(() => null); // What came of it is noted already.
    }
  }
}
