// Alerts that are done with, for who wants to look one up or take a verdict back. They are asked
// for only once somebody opens the list, page by page, in the pole's order: worst first.

import { AlertCard } from "./alert_card.js";
import { byId, KeyedList, setText } from "./dom.js";
import { say } from "./language.js";

const PAGE = 50;
const SHOWN_MAX = 500; // As of the open ones: a phone must still move.
const SEVERITIES = ["critical", "major", "minor", "info"];

export class EarlierAlerts {
  #alerts = new Map();
  #after = null; // Where the next page goes on; null before the first and after the last.
  #opening = 0; // Counts how often the list was opened or closed: late answers are of no use.
  #isAsked = false;

  constructor(visit) {
    this.visit = visit;
    this.node = byId("earlier");
    this.note = byId("earlier-note");
    this.more = byId("earlier-more");
    const makeCard = ({ id }) => new AlertCard({ id }, visit, () => this.take([id]));
    this.list = new KeyedList(byId("earlier-list"), makeCard);
    const { signal } = visit;
    this.node.addEventListener("toggle", () => this.#toggle(), { signal });
    this.more.addEventListener("click", () => this.#ask(), { signal });
  }

  /** Ask for these alerts again: they left the list of open ones, or somebody judged them anew. */
  async take(ids) {
    if (!this.node.open) return;
    const { link, signal } = this.visit;
    for (const id of ids) {
      const alert = await link.ask(`/v1/alerts/${encodeURIComponent(id)}`, { signal });
      if (alert.state === "done") this.#alerts.set(id, alert);
    }
    this.render();
  }

  /** Show what is known. */
  render() {
    if (!this.node.open || this.visit.signal.aborted) return;
    const alerts = [...this.#alerts.values()].sort(compare);
    this.list.show(alerts.map((alert) => [alert.id, alert]));
    if (this.#isAsked) setText(this.note, alerts.length ? "" : say("none_earlier"));
    this.more.hidden = this.#after === null || alerts.length >= SHOWN_MAX;
  }

  close() {
    this.node.open = false;
    this.#forget();
  }

  #toggle() {
    this.#forget();
    if (this.node.open) this.#ask();
  }

  #forget() {
    this.#opening += 1;
    this.#alerts.clear();
    this.#after = null;
    this.#isAsked = false;
    this.list.show([]);
    setText(this.note, "");
    this.more.hidden = true;
  }

  /** Show the next ones; what the pole lists among them that is open stands above already. */
  async #ask() {
    const opening = this.#opening;
    const isOver = () => opening !== this.#opening;
    const enough = Math.min(this.#alerts.size + PAGE, SHOWN_MAX);
    this.more.disabled = true;
    try {
      do {
        const page = await this.#askPage();
        if (isOver()) return;
        this.#take(page);
      } while (this.#after !== null && this.#alerts.size < enough);
      this.#isAsked = true;
    } catch {
      if (!isOver()) setText(this.note, say("earlier_failed"));
    }
    if (isOver()) return;
    this.more.disabled = false;
    this.render();
  }

  #askPage() {
    const after = this.#after === null ? "" : `&after=${encodeURIComponent(this.#after)}`;
    const { link, signal } = this.visit;
    return link.ask(`/v1/alerts?state=all&limit=${PAGE}${after}`, { signal });
  }

  #take({ items, next }) {
    for (const alert of items) if (alert.state === "done") this.#alerts.set(alert.id, alert);
    this.#after = next;
  }
}

function compare(one, other) {
  const ranks = [one, other].map(({ severity }) => SEVERITIES.indexOf(severity));
  return ranks[0] - ranks[1] || other.opened_seq - one.opened_seq;
}
