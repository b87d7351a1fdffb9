// What the station has told: the alerts that are open, the poles, and what is wrong with itself.
// One request waits for news of both; a browser has six connections to one address.

import { pause, Refused } from "./api.js";
import { compareAlerts, isNew, keyOf } from "./order.js";
import { setHomeTime, setHomeZone } from "./times.js";

const WAIT_S = 25;
const FIRST_PAGE = 200; // Shown at once; the others follow.
const PAGE = 500;
const ALERTS_MAX = 5000; // More than anybody reads, some 15 MB; up to a page more for a while.
const DONE_MAX = 5000;
const FROM_START = { state: "new", after: null };
const GONE = 410;
const TRIED_AGAIN_MS = 2000;
const CLOCK_EVERY_MS = 300_000; // The clock of a desk's computer may be set while it runs.

/**
 * Events: `alerts` (detail: the alerts that have changed), `opened` (detail: those that have
 * become new), `poles`, `state`.
 */
export class Desk extends EventTarget {
  station = null;
  counts = {};
  fault = null;
  alerts = new Map(); // What is open; where that is too much, the first of the list.
  poles = new Map();
  #change = null;
  #polesChange = null;
  #begun_ms = 0;
  #clock_ms = 0; // When the station's time was told last, performance.now().
  #walk = FROM_START; // Where the list is read on: new ones first; null: all are here.
  #reading = 0; // The beginning whose list is being read.
  #life = 0; // Counts beginnings, so that what was asked before the last one is not taken.
  #gone = new Map(); // Alert that is done → its last change: a page asked for earlier may have it.

  constructor({ link, signal }) {
    super();
    this.link = link;
    this.signal = signal;
  }

  /** Follow the station until the visit ends; `note` shows what it refuses. */
  async run(note) {
    await this.link.repeat(this.signal, note, async () => {
      try {
        if (this.#change === null) await this.#begin();
        await this.#wait();
      } catch (error) {
        if (!(error instanceof Refused && error.status === GONE)) throw error;
        this.#change = null; // The station's store is another one, or older: begin anew.
        await pause(TRIED_AGAIN_MS, this.signal);
      }
    });
  }

  /** Whether every open alert is here. */
  get hasAll() {
    return this.#walk === null;
  }

  /** How many more the station has, `open` or `new`; not told while the first ones come. */
  beyond(which) {
    if (this.#room() > 0) return 0;
    const held = which === "new" ? this.#countNew() : this.alerts.size;
    return Math.max(0, this.counts[which] - held);
  }

  /** The open alerts, worst first. */
  sorted() {
    return [...this.alerts.values()].sort(compareAlerts);
  }

  /** Ask for something of the station. */
  ask(path, options = {}) {
    return this.link.ask(path, { signal: this.signal, ...options });
  }

  /** Take over an alert as an answer has it; its newest state is the one that counts. */
  take(alert) {
    if (this.#keep(alert)) this.#tell([alert], []);
  }

  async #begin() {
    const [station, page, poles] = await Promise.all([
      this.ask("/v1/station"),
      this.#askPage(FROM_START, FIRST_PAGE),
      this.ask("/v1/poles"),
    ]);
    this.station = station;
    this.#begun_ms = Date.parse(station.at);
    this.#life += 1;
    this.#setClock(station);
    this.fault = station.fault;
    this.alerts.clear();
    this.#gone.clear();
    this.#takePoles(poles.items, true);
    this.#polesChange = poles.change;
    this.#change = page.change;
    this.counts = page.counts;
    this.#walk = follow(FROM_START, page);
    const kept = this.#keepAll(page.items);
    this.dispatchEvent(new Event("state"));
    this.#tell(kept, []);
    this.#readOn();
  }

  /** Read on while there is room; what changes meanwhile comes as news. */
  async #readOn() {
    const life = this.#life;
    if (this.#reading === life) return;
    this.#reading = life;
    while (this.#room() > 0 && !this.signal.aborted) {
      const walk = this.#walk;
      try {
        const page = await this.#askPage(walk, PAGE);
        if (life !== this.#life) return;
        if (walk === this.#walk) this.#walk = follow(walk, page);
        this.#tell(this.#keepAll(page.items), []);
      } catch (error) {
        if (error instanceof Refused && error.status === GONE) return void (this.#change = null);
        await pause(TRIED_AGAIN_MS, this.signal);
        if (life !== this.#life) return;
      }
    }
    this.#reading = 0;
    this.dispatchEvent(new Event("state"));
  }

  #askPage({ state, after }, limit) {
    const place = after === null ? "" : `&after=${encodeURIComponent(after)}`;
    return this.ask(`/v1/alerts?state=${state}&limit=${limit}${place}`);
  }

  /** How many more are to be read: what is known makes room for what is new. */
  #room() {
    if (this.hasAll) return 0;
    return ALERTS_MAX - (this.#walk.state === "new" ? this.#countNew() : this.alerts.size);
  }

  #countNew() {
    let count = 0;
    for (const alert of this.alerts.values()) if (isNew(alert)) count += 1;
    return count;
  }

  #setClock(station) {
    setHomeTime(station.at);
    setHomeZone(station.timezone);
    this.#clock_ms = performance.now();
  }

  async #wait() {
    if (performance.now() - this.#clock_ms > CLOCK_EVERY_MS) {
      this.#setClock(await this.ask("/v1/station"));
    }
    const faulty = this.fault === null ? 0 : 1; // It may have changed since that was told.
    const known = `after=${this.#change}&poles=${this.#polesChange}&faulty=${faulty}`;
    const news = await this.ask(`/v1/news?${known}&wait=${WAIT_S}`, { wait_ms: WAIT_S * 1000 });
    if (news.change < this.#change) return void (this.#change = null);
    this.#takePoles(news.poles, false);
    this.#polesChange = news.poles_change;
    const opened = news.alerts.filter((alert) => this.#isNews(alert));
    const kept = this.#keepAll(news.alerts);
    this.#change = news.change;
    this.counts = news.counts;
    if (this.fault !== (news.fault ?? null)) {
      this.fault = news.fault ?? null;
      this.dispatchEvent(new Event("state"));
    }
    if (news.alerts.length) this.#tell(kept, opened); // The counts have changed in any case.
    if (this.#room() > 0) this.#readOn();
  }

  #isNews(alert) {
    const known = this.alerts.get(keyOf(alert));
    if (known) return isNew(alert) && !isNew(known); // It is worse than what somebody acknowledged.
    const isGone = this.#gone.has(keyOf(alert));
    return isNew(alert) && !isGone && Date.parse(alert.received_at) >= this.#begun_ms;
  }

  /** Keep alerts; those that are news. What stands behind the most that are held goes. */
  #keepAll(alerts) {
    const kept = alerts.filter((alert) => this.#keep(alert));
    if (this.alerts.size > ALERTS_MAX + PAGE) {
      for (const alert of this.sorted().slice(ALERTS_MAX)) this.alerts.delete(keyOf(alert));
      this.#walk = { ...FROM_START }; // Some that went stand before where reading had come to.
    }
    return kept;
  }

  /** Keep an alert's newest state; false where it is known already. */
  #keep(alert) {
    const key = keyOf(alert);
    const known = this.alerts.get(key)?.change ?? this.#gone.get(key) ?? 0;
    if (known >= alert.change) return false;
    if (alert.state === "open") {
      this.#gone.delete(key);
      this.alerts.set(key, alert);
    } else {
      this.alerts.delete(key);
      this.#gone.delete(key);
      this.#gone.set(key, alert.change);
      if (this.#gone.size > DONE_MAX) this.#gone.delete(this.#gone.keys().next().value);
    }
    return true;
  }

  #takePoles(poles, isWhole) {
    if (isWhole) this.poles.clear();
    for (const pole of poles) this.poles.set(pole.name, pole);
    if (poles.length || isWhole) this.dispatchEvent(new Event("poles"));
  }

  #tell(changed, opened) {
    this.dispatchEvent(new CustomEvent("alerts", { detail: changed }));
    if (opened.length) this.dispatchEvent(new CustomEvent("opened", { detail: opened }));
  }
}

/** Where a walk goes on after a page; null: nowhere. */
function follow({ state }, { next }) {
  if (next !== null) return { state, after: next };
  return state === "new" ? { state: "open", after: null } : null;
}
