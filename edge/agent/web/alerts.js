// The open alerts, worst first, as they come: one request waits at the feed; what it brings says
// only that the list must be asked for anew, for the pole itself folds records into alerts.

import { pause, Refused } from "./api.js";
import { AlertCard } from "./alert_card.js";
import { lacksPictures } from "./alert_pictures.js";
import { byId, KeyedList, setText } from "./dom.js";
import { say, word } from "./language.js";
import { homeNow_ms, setHomeZone } from "./times.js";

const PAGE = 50;
const SHOWN_MAX = 500; // More than anybody reads; a phone must still move.
const WAIT_S = 25;
const HIDDEN_EVERY_MS = 5000; // Nobody looks: give the connection back between two questions.
const LOOK_EVERY_MS = 10_000;
const MEDIA_EVERY_MS = 3000;
const ALL_EVERY_MS = 60_000;
const LATE_MS = 60_000;
const GONE = 410;

export class AlertsPanel {
  #alerts = null;
  #hasMore = false;
  #limit = PAGE;
  #seq = null; // The newest alert that was ever shown; what is beyond it is news.
  #late = new Map(); // Alert → when this page learnt of it, where that was late.

  /** `onGone(ids)` is told which alerts have left the list. */
  constructor(visit, onGone) {
    this.visit = visit;
    this.onGone = onGone;
    this.note = byId("alerts-note");
    const onChange = () => this.refresh();
    this.list = new KeyedList(byId("alert-list"), (alert) => new AlertCard(alert, visit, onChange));
    const signal = visit.signal;
    byId("more").addEventListener("click", () => this.#showMore(), { signal });
  }

  /** Follow the alerts until the visit ends. */
  async run() {
    const { link, signal } = this.visit;
    const timer = setInterval(() => this.render(), LOOK_EVERY_MS);
    signal.addEventListener("abort", () => clearInterval(timer));
    this.#renew();
    let cursor = null;
    await link.repeat(signal, this.note, async () => {
      cursor ??= await this.#begin();
      try {
        cursor = await this.#waitAfter(cursor);
      } catch (error) {
        if (!(error instanceof Refused && error.status === GONE)) throw error;
        cursor = null; // The log has another life, or went on without us: begin anew.
      }
    });
  }

  /** Ask for the list and show it. */
  async refresh() {
    const { link, signal } = this.visit;
    const path = `/v1/alerts?state=open&limit=${this.#limit}`;
    const { items, more } = await link.ask(path, { signal });
    this.#noteNews(items);
    const shown = new Set(items.map(({ id }) => id));
    const gone = this.#alerts?.filter(({ id }) => !shown.has(id)) ?? [];
    this.#alerts = items;
    this.#hasMore = more;
    this.render();
    // Who looks at the earlier ones may open them anew; the open ones must not wait for that.
    if (gone.length) this.onGone(gone.map(({ id }) => id)).catch(() => {});
  }

  /** Show what is known. */
  render() {
    if (!this.#alerts || this.visit.signal.aborted) return;
    const count = `${this.#alerts.length}${this.#hasMore ? "+" : ""}`;
    this.list.show(this.#alerts.map((alert) => [alert.id, this.#withLate(alert)]));
    setText(this.note, this.#alerts.length ? "" : say("no_alerts"));
    setText(byId("alert-count"), count);
    byId("more").hidden = !this.#hasMore || this.#limit >= SHOWN_MAX;
    document.title = `${this.#alerts.length ? `(${count}) ` : ""}${byId("pole").textContent}`;
  }

  close() {
    this.list.show([]);
    setText(byId("alert-count"), "");
    document.title = "Polewatch";
  }

  /** The place from which to follow; the list is read after it, so that nothing falls between. */
  async #begin() {
    const { link, signal } = this.visit;
    const pole = await link.ask("/v1/pole", { signal });
    setHomeZone(pole.timezone);
    setText(byId("pole"), pole.name ?? pole.id);
    await this.refresh();
    return `${pole.epoch}.${pole.feeds.alerts.head}`;
  }

  async #waitAfter(cursor) {
    const { link, signal } = this.visit;
    const wait_s = document.hidden ? 0 : WAIT_S;
    const path = `/v1/feeds/alerts?after=${cursor}&wait=${wait_s}&limit=100`;
    const page = await link.ask(path, { signal, wait_ms: wait_s * 1000 });
    if (page.items.length) await this.refresh();
    else if (!wait_s) await pause(HIDDEN_EVERY_MS, signal);
    return page.next;
  }

  /** Pictures follow an alert by seconds, and their records lie in another feed. */
  async #renew() {
    const { link, signal } = this.visit;
    let asked_ms = performance.now();
    await link.repeat(signal, this.note, async () => {
      await pause(MEDIA_EVERY_MS, signal);
      const age_ms = performance.now() - asked_ms;
      const isDue = this.#alerts?.some(lacksPictures) && !document.hidden;
      if (signal.aborted || !(isDue || age_ms > ALL_EVERY_MS)) return;
      asked_ms = performance.now();
      await this.refresh();
    });
  }

  #noteNews(items) {
    const news = this.#seq === null ? [] : items.filter((alert) => alert.opened_seq > this.#seq);
    const now_ms = homeNow_ms();
    for (const alert of news) {
      if (now_ms - Date.parse(alert.opened_at) > LATE_MS) this.#late.set(alert.id, now_ms);
    }
    const shown = new Set(items.map(({ id }) => id));
    for (const id of this.#late.keys()) if (!shown.has(id)) this.#late.delete(id);
    this.#seq = items.reduce((seq, alert) => Math.max(seq, alert.opened_seq), this.#seq ?? 0);
    if (news.length) setText(byId("news"), sayNews(news));
  }

  #withLate(alert) {
    const learnt_ms = this.#late.get(alert.id);
    return { ...alert, learnt_at: learnt_ms ? new Date(learnt_ms).toISOString() : null };
  }

  #showMore() {
    this.#limit = Math.min(this.#limit + PAGE, SHOWN_MAX);
    this.refresh().catch(() => {}); // Said by the banner; the button is still there.
  }
}

function sayNews(alerts) {
  if (alerts.length > 1) return say("news_many", { n: alerts.length });
  const [{ severity, rule, camera }] = alerts;
  const words = { severity: word("severity", severity), rule: word("rule", rule.type) };
  return say("news_one", { ...words, camera: camera ?? "" });
}
