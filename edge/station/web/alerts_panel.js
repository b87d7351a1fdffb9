// The list of alerts: those that are open, worst first, or all of them as they came.

import { makeAlertRow } from "./alert_row.js";
import { sayRule, saySearchable } from "./alert_words.js";
import { byId, setText } from "./dom.js";
import { Earlier } from "./earlier.js";
import { say, word } from "./language.js";
import { isNew, keyOf, matches } from "./order.js";
import { WindowedList } from "./windowed_list.js";

const ROW_REM = 3.3;
const LOOK_EVERY_MS = 10_000;
const WRITTEN_MS = 400; // After the last key in the filter it is asked for.
const LISTS = ["open", "new", "all"];

export class AlertsPanel {
  #which = "open";
  #timer = null;

  /** `onChoose(alert, isMeant)` is told of the row that was chosen. */
  constructor(visit, onChoose) {
    this.visit = visit;
    this.note = byId("list-note");
    this.filter = byId("alert-filter");
    this.more = byId("older");
    this.beyond = byId("beyond");
    this.day = byId("up-to");
    this.earlier = new Earlier(visit.desk);
    this.list = new WindowedList(byId("alert-list"), {
      makeRow: makeAlertRow,
      keyOf,
      onChoose,
      height_rem: ROW_REM,
    });
    const { desk, signal } = visit;
    this.filter.addEventListener("input", () => this.#filtered(), { signal });
    this.day.addEventListener("change", () => this.#look(), { signal });
    this.more.addEventListener("click", () => this.#try(this.earlier.more()), { signal });
    for (const button of this.#buttons()) {
      button.addEventListener("click", () => this.show(button.dataset.list), { signal });
    }
    desk.addEventListener("alerts", ({ detail }) => this.#take(detail), { signal });
    desk.addEventListener("opened", ({ detail }) => this.#announce(detail), { signal });
    desk.addEventListener("state", () => this.render(), { signal });
    const timer = setInterval(() => this.list.render(), LOOK_EVERY_MS);
    signal.addEventListener("abort", () => clearInterval(timer));
  }

  /** Show another list: `open`, `new` or `all`. */
  show(which) {
    this.#which = which;
    this.day.value = "";
    this.earlier.forget();
    this.list.box.scrollTop = 0;
    if (which === "all") this.#look(true);
    this.render();
  }

  /** Show what is known. */
  render() {
    const { desk } = this.visit;
    if (!desk.station) return;
    const isAll = this.#which === "all";
    const all = isAll ? this.earlier.sorted() : desk.sorted();
    const listed = this.#which === "new" ? all.filter(isNew) : all;
    const wanted = this.filter.value.trim();
    const found = wanted ? listed.filter((alert) => matches(wanted, saySearchable(alert))) : listed;
    this.list.show(found);
    this.more.hidden = !isAll || !this.earlier.hasMore;
    const beyond = isAll ? 0 : desk.beyond(this.#which);
    setText(this.beyond, beyond ? say("beyond", { n: beyond }) : "");
    byId("day-line").hidden = !isAll;
    this.filter.placeholder = say("filter_alerts");
    setText(this.note, this.#sayNote(listed.length, found.length));
    for (const button of this.#buttons()) {
      setText(button, word("list", button.dataset.list));
      button.setAttribute("aria-pressed", String(button.dataset.list === this.#which));
    }
  }

  close() {
    clearTimeout(this.#timer);
    this.earlier.forget();
    this.list.close();
    this.filter.value = "";
    setText(this.beyond, "");
  }

  #buttons() {
    return LISTS.map((which) => document.querySelector(`[data-list="${which}"]`));
  }

  #sayNote(listed, found) {
    const { state } = this.earlier;
    if (this.#which === "all" && state !== "told") return say(state === "asking" ? "loading" : "older_failed");
    if (found < listed) return say("filtered", { n: found, of: listed });
    if (found || (this.#which !== "all" && !this.visit.desk.hasAll)) return "";
    return say(this.#which === "all" ? "none_at_all" : "no_alerts");
  }

  #take(changed) {
    if (this.#which === "all") this.earlier.take(changed);
    this.render();
  }

  #announce(alerts) {
    const [{ severity, pole }] = alerts;
    const values = { severity: word("severity", severity), rule: sayRule(alerts[0]), pole };
    const text = alerts.length > 1 ? say("news_many", { n: alerts.length }) : say("news_one", values);
    setText(byId("news"), text);
  }

  #filtered() {
    this.render();
    clearTimeout(this.#timer);
    if (this.#which === "all") this.#timer = setTimeout(() => this.#look(), WRITTEN_MS);
  }

  #look(isForced = false) {
    this.#try(this.earlier.look(this.filter.value, this.day.value, isForced));
  }

  async #try(asking) {
    this.render();
    await asking.catch(() => {}); // Its note says so.
    if (!this.visit.signal.aborted) this.render();
  }
}
