// The list of alerts: those that are open, worst first, or all of them as they came.

import { saySearchable } from "./alert_words.js";
import { makeAlertRow } from "./alert_row.js";
import { byId, setText } from "./dom.js";
import { say, word } from "./language.js";
import { compareArrival, isNew, keyOf, matches } from "./order.js";
import { sayRule } from "./alert_words.js";
import { WindowedList } from "./windowed_list.js";

const ROW_REM = 3.3;
const LOOK_EVERY_MS = 10_000;
const OLDER_PAGE = 100;
const OLDER_MAX = 5000;
const LISTS = ["open", "new", "all"];

export class AlertsPanel {
  #which = "open";
  #older = new Map(); // Of the list of all: what was asked for, by key.
  #after = null;
  #asking = 0;

  /** `onChoose(alert, isMeant)` is told of the row that was chosen. */
  constructor(visit, onChoose) {
    this.visit = visit;
    this.note = byId("list-note");
    this.filter = byId("alert-filter");
    this.more = byId("older");
    this.list = new WindowedList(byId("alert-list"), {
      makeRow: makeAlertRow,
      keyOf,
      onChoose,
      height_rem: ROW_REM,
    });
    const { desk, signal } = visit;
    this.filter.addEventListener("input", () => this.render(), { signal });
    this.more.addEventListener("click", () => this.#askOlder(), { signal });
    for (const button of this.#buttons()) {
      button.addEventListener("click", () => this.show(button.dataset.list), { signal });
    }
    desk.addEventListener("alerts", ({ detail }) => this.#take(detail));
    desk.addEventListener("opened", ({ detail }) => this.#announce(detail));
    desk.addEventListener("state", () => this.render());
    const timer = setInterval(() => this.list.render(), LOOK_EVERY_MS);
    signal.addEventListener("abort", () => clearInterval(timer));
  }

  /** Show another list: `open`, `new` or `all`. */
  show(which) {
    this.#which = which;
    this.#older.clear();
    this.#after = null;
    this.#asking += 1;
    this.list.box.scrollTop = 0;
    if (which === "all") this.#askOlder();
    this.render();
  }

  /** Show what is known. */
  render() {
    const { desk } = this.visit;
    if (!desk.station) return;
    const all = this.#which === "all" ? [...this.#older.values()].sort(compareArrival) : desk.sorted();
    const listed = this.#which === "new" ? all.filter(isNew) : all;
    const wanted = this.filter.value.trim();
    const found = wanted ? listed.filter((alert) => matches(wanted, saySearchable(alert))) : listed;
    this.list.show(found);
    this.more.hidden = this.#which !== "all" || this.#after === null;
    this.filter.placeholder = say("filter_alerts");
    setText(this.note, this.#sayNote(listed.length, found.length));
    for (const button of this.#buttons()) {
      setText(button, word("list", button.dataset.list));
      button.setAttribute("aria-pressed", String(button.dataset.list === this.#which));
    }
  }

  close() {
    this.list.close();
    this.filter.value = "";
  }

  #buttons() {
    return LISTS.map((which) => document.querySelector(`[data-list="${which}"]`));
  }

  #sayNote(listed, found) {
    if (found < listed) return say("filtered", { n: found, of: listed });
    if (found || (this.#which !== "all" && !this.visit.desk.hasAll)) return "";
    return say(this.#which === "all" ? "none_at_all" : "no_alerts");
  }

  #take(changed) {
    if (this.#which === "all") {
      for (const alert of changed) this.#older.set(keyOf(alert), alert);
    }
    this.render();
  }

  #announce(alerts) {
    const [{ severity, pole }] = alerts;
    const values = { severity: word("severity", severity), rule: sayRule(alerts[0]), pole };
    const text = alerts.length > 1 ? say("news_many", { n: alerts.length }) : say("news_one", values);
    setText(byId("news"), text);
  }

  async #askOlder() {
    const asking = this.#asking;
    const after = this.#after === null ? "" : `&after=${encodeURIComponent(this.#after)}`;
    const path = `/v1/alerts?state=all&order=newest&limit=${OLDER_PAGE}${after}`;
    const page = await this.visit.desk.ask(path).catch(() => null); // Said by the banner.
    if (asking !== this.#asking) return;
    if (page === null) return void setText(this.note, say("older_failed"));
    for (const alert of page.items) {
      if (!(this.#older.get(keyOf(alert))?.change >= alert.change)) this.#older.set(keyOf(alert), alert);
    }
    this.#after = this.#older.size < OLDER_MAX ? page.next : null;
    this.render();
  }
}
