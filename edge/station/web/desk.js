// What the station has told: the alerts that are open, the poles, and what is wrong with itself.
// One request waits for news of both; a browser has six connections to one address.

import { pause, Refused } from "./api.js";
import { compareAlerts, isNew, keyOf } from "./order.js";
import { setHomeTime, setHomeZone } from "./times.js";

const WAIT_S = 25;
const FIRST_PAGE = 200; // Shown at once; the others follow.
const PAGE = 500;
const GONE = 410;
const TRIED_AGAIN_MS = 2000;
const CLOCK_EVERY_MS = 300_000; // The clock of a desk's computer may be set while it runs.

/**
 * Events: `alerts` (detail: the alerts that have changed), `opened` (detail: those that are new
 * here), `poles`, `state`.
 */
export class Desk extends EventTarget {
  station = null;
  counts = {};
  fault = null;
  alerts = new Map();
  poles = new Map();
  hasAll = false;
  #change = null;
  #polesChange = null;
  #begun_ms = 0;
  #clock_ms = 0; // When the station's time was told last, performance.now().
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
      this.ask(`/v1/alerts?state=open&limit=${FIRST_PAGE}`),
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
    this.counts = page.counts ?? station.counts ?? {};
    const kept = page.items.filter((alert) => this.#keep(alert));
    this.hasAll = page.next === null;
    this.dispatchEvent(new Event("state"));
    this.#tell(kept, []);
    if (!this.hasAll) this.#readOn(page.next);
  }

  /** Read the pages after the first; what changes meanwhile comes as news. */
  async #readOn(next) {
    const life = this.#life;
    for (let after = next; after !== null && !this.signal.aborted; ) {
      const path = `/v1/alerts?state=open&limit=${PAGE}&after=${encodeURIComponent(after)}`;
      try {
        const page = await this.ask(path);
        if (life !== this.#life) return;
        this.#tell(page.items.filter((alert) => this.#keep(alert)), []);
        after = page.next;
      } catch (error) {
        if (error instanceof Refused && error.status === GONE) return void (this.#change = null);
        await pause(TRIED_AGAIN_MS, this.signal);
      }
    }
    this.hasAll = true;
    this.dispatchEvent(new Event("state"));
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
    const path = `/v1/news?after=${this.#change}&poles=${this.#polesChange}&wait=${WAIT_S}`;
    const news = await this.ask(path, { wait_ms: WAIT_S * 1000 });
    if (news.change < this.#change) return void (this.#change = null);
    this.#takePoles(news.poles, false);
    this.#polesChange = news.poles_change;
    const opened = news.alerts.filter((alert) => this.#isNews(alert));
    const kept = news.alerts.filter((alert) => this.#keep(alert));
    this.#change = news.change;
    this.counts = news.counts ?? this.counts;
    if (this.fault !== (news.fault ?? null)) {
      this.fault = news.fault ?? null;
      this.dispatchEvent(new Event("state"));
    }
    if (kept.length || opened.length) this.#tell(kept, opened);
  }

  #isNews(alert) {
    const isKnown = this.alerts.has(keyOf(alert)) || this.#gone.has(keyOf(alert));
    return isNew(alert) && !isKnown && Date.parse(alert.received_at) >= this.#begun_ms;
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
      this.#gone.set(key, alert.change);
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
