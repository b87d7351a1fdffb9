// The list of all alerts as they came: asked for page by page, of one pole or site if its name is
// what the filter says, and up to a day if one is chosen.

import { compareArrival, keyOf } from "./order.js";
import { endOfDay } from "./zone.js";

const PAGE = 100;
const ALERTS_MAX = 5000; // More than anybody reads; a name or a day finds what is older.

export class Earlier {
  #alerts = new Map();
  #after = null;
  #last = null; // Where the pages have come to.
  #asking = 0; // Counts beginnings: what was asked before the last one is of no use.
  #limits = "";
  #state = "told";

  constructor(desk) {
    this.desk = desk;
  }

  /** Whether there is more to be asked for. */
  get hasMore() {
    return this.#after !== null;
  }

  /** `asking`, `failed` or `told`: how it went with what was asked for last. */
  get state() {
    return this.#state;
  }

  /** The alerts that are known, the newest first. */
  sorted() {
    return [...this.#alerts.values()].sort(compareArrival);
  }

  forget() {
    this.#asking += 1;
    this.#alerts.clear();
    this.#after = null;
    this.#limits = "";
    this.#state = "told";
  }

  /** Take news over; of alerts that are not known only those that stand before what is. */
  take(changed) {
    for (const alert of changed) {
      const isNext = this.#limits === "" && !this.#isBeyond(alert);
      if (isNext || this.#alerts.has(keyOf(alert))) this.#keep(alert);
    }
    if (this.#alerts.size <= ALERTS_MAX + PAGE) return;
    for (const alert of this.sorted().slice(ALERTS_MAX)) this.#alerts.delete(keyOf(alert));
    this.#after = null; // It stands behind what has just gone.
  }

  /** Begin anew where other limits are wanted than before; false where they are the same. */
  async look(filter, day, isForced = false) {
    const limits = this.#limitsOf(filter, day);
    if (limits === this.#limits && !isForced) return false;
    this.forget();
    this.#limits = limits;
    await this.more();
    return true;
  }

  /** Ask for the next page. */
  async more() {
    const asking = this.#asking;
    const after = this.#after === null ? "" : `&after=${encodeURIComponent(this.#after)}`;
    this.#state = "asking";
    const path = `/v1/alerts?state=all&order=newest&limit=${PAGE}${this.#limits}${after}`;
    const page = await this.desk.ask(path).catch((error) => {
      if (asking === this.#asking) this.#state = "failed";
      throw error;
    });
    if (asking !== this.#asking) return;
    this.#state = "told";
    for (const alert of page.items) this.#keep(alert);
    this.#last = page.items.at(-1) ?? this.#last;
    this.#after = this.#alerts.size < ALERTS_MAX ? page.next : null;
  }

  #limitsOf(filter, day) {
    const wanted = filter.trim().toLowerCase();
    const isIt = (name) => name?.toLowerCase() === wanted;
    const pole = [...this.desk.poles.values()].find(({ name }) => isIt(name));
    const site = this.desk.station?.sites?.find(isIt);
    const until = day ? endOfDay(day, this.desk.station.timezone) : null;
    const limits = [];
    if (pole) limits.push(`&pole=${encodeURIComponent(pole.name)}`);
    else if (site) limits.push(`&site=${encodeURIComponent(site)}`);
    if (until) limits.push(`&until=${encodeURIComponent(until)}`);
    return limits.join("");
  }

  /** Whether an alert comes with a page that nobody has asked for yet. */
  #isBeyond(alert) {
    return this.hasMore && compareArrival(this.#last, alert) < 0;
  }

  #keep(alert) {
    const key = keyOf(alert);
    if (!(this.#alerts.get(key)?.change >= alert.change)) this.#alerts.set(key, alert);
  }
}
