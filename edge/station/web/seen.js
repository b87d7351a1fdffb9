// Tells the station which alerts somebody who can act has had before his eyes: on the screen for a
// second, in a tab that can be seen.

import { keyOf } from "./order.js";

const LOOK_EVERY_MS = 500;
const LONG_ENOUGH_MS = 1000;
const BATCH_MAX = 100;

export class SeenWatch {
  #since = new Map(); // Alert → when it came into sight, performance.now().
  #told = new Set();
  #isTelling = false;

  /** `inView()` gives the alerts that are on the screen. */
  constructor({ desk, signal, may }, inView) {
    this.desk = desk;
    this.inView = inView;
    if (!may("ack")) return;
    const timer = setInterval(() => this.#look(performance.now()), LOOK_EVERY_MS);
    signal.addEventListener("abort", () => clearInterval(timer));
  }

  #look(now_ms) {
    const isSeen = document.visibilityState === "visible" && !this.desk.link.lostAt;
    const unseen = isSeen ? this.inView().filter(({ seen, state }) => !seen && state === "open") : [];
    const alerts = new Map(unseen.map((alert) => [keyOf(alert), alert]));
    for (const key of [...this.#since.keys()]) if (!alerts.has(key)) this.#since.delete(key);
    for (const key of alerts.keys()) if (!this.#since.has(key)) this.#since.set(key, now_ms);
    const due = [...alerts].filter(
      ([key]) => !this.#told.has(key) && now_ms - this.#since.get(key) >= LONG_ENOUGH_MS,
    );
    if (due.length && !this.#isTelling) this.#tell(due.slice(0, BATCH_MAX));
  }

  async #tell(due) {
    this.#isTelling = true;
    for (const [key] of due) this.#told.add(key);
    const alerts = due.map(([, { pole, id }]) => ({ pole, id }));
    try {
      await this.desk.ask("/v1/seen", { method: "POST", body: { alerts } });
    } catch {
      for (const [key] of due) this.#told.delete(key); // Said by the banner; told again later.
    }
    this.#isTelling = false;
  }
}
