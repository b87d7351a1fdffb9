// How alerts were answered: seen, acknowledged, resolved, per shift and day; false alarms by rule.

import { Refused } from "./api.js";
import { saySpan } from "./alert_pane.js";
import { cut } from "./alert_words.js";
import { make, setText } from "./dom.js";
import { say, word } from "./language.js";
import { homeNow_ms } from "./times.js";

const DAY_MS = 86_400_000;
const SPANS_DAYS = [1, 7, 30];
const TABLES = ["shift", "day", "rule", "person"];
const TIMES = ["seen", "acked", "resolved"];
const ROWS_MAX = 60;

export class StatisticsPanel {
  #days = SPANS_DAYS[0];
  #tables = new Map();
  #asking = 0;

  constructor(panel, visit) {
    this.panel = panel;
    this.visit = visit;
    this.spans = make("div", { class: "segments", role: "group" });
    this.note = make("p", { class: "note", role: "status" });
    this.tables = make("div", { class: "tables" });
    panel.replaceChildren(this.spans, this.note, this.tables);
  }

  /** Ask anew whenever the panel is opened. */
  open() {
    this.#ask();
  }

  /** Show what was last told. */
  render() {
    const buttons = SPANS_DAYS.map((days) => {
      const onclick = () => this.#choose(days);
      const isOn = String(days === this.#days);
      return make("button", { type: "button", "aria-pressed": isOn, onclick }, say("last_days", { n: days }));
    });
    this.spans.replaceChildren(...buttons);
    const nodes = [...this.#tables].map(([by, table]) => this.#makeTable(by, table));
    this.tables.replaceChildren(...nodes);
  }

  close() {
    this.#asking += 1;
    this.panel.replaceChildren();
  }

  #choose(days) {
    this.#days = days;
    this.#tables.clear();
    this.#ask();
  }

  async #ask() {
    const asking = (this.#asking += 1);
    this.render();
    setText(this.note, say("loading"));
    const tables = this.visit.may("admin") ? TABLES : TABLES.slice(0, -1);
    const told = new Map();
    try {
      for (const by of tables) {
        told.set(by, await this.visit.desk.ask(this.#path(by)));
        if (asking !== this.#asking) return;
      }
      this.#tables = told;
      setText(this.note, say("statistics_how"));
    } catch (error) {
      const detail = error instanceof Refused ? error.detail : "";
      if (asking !== this.#asking) return;
      this.#tables.clear();
      setText(this.note, say("statistics_failed", { detail }));
    }
    if (asking === this.#asking) this.render();
  }

  #path(by, format = "json") {
    const until_ms = homeNow_ms();
    const since = new Date(until_ms - this.#days * DAY_MS).toISOString();
    const until = new Date(until_ms + 60_000).toISOString();
    return `/v1/stats?since=${encodeURIComponent(since)}&until=${encodeURIComponent(until)}&by=${by}&format=${format}`;
  }

  #makeTable(by, { rows = [], total }) {
    const heads = ["alerts", ...TIMES, "false_alarms"].map((key) => make("th", { scope: "col" }, word("column", key)));
    const head = make("tr", {}, make("th", { scope: "col" }, word("by", by)), ...heads);
    const shown = by === "shift" || by === "day" ? rows.slice(-ROWS_MAX).reverse() : rows.slice(0, ROWS_MAX);
    const lines = shown.map((row) => makeLine(sayKey(by, row.key), row));
    if (total && rows.length > 1) lines.push(makeLine(say("total"), total, "total"));
    const csv = make("a", { href: this.#path(by, "csv"), download: `polewatch-${by}.csv` }, "CSV");
    const caption = make("caption", {}, word("by", by), " ", csv);
    return make("table", {}, caption, make("thead", {}, head), make("tbody", {}, ...lines));
  }
}

function sayKey(by, key) {
  if (by === "person") return key || say("nobody");
  if (by !== "rule") return key;
  const [type, name = ""] = key.split(/\/(.*)/s);
  if (type === "system") return word("system", name);
  return type === "station" ? word("own", name) : cut(`${word("rule", type)} · ${name}`);
}

function makeLine(name, row, kind = "") {
  const cells = [row.alerts, ...TIMES.map((what) => sayTimes(row, what)), sayFalse(row)];
  return make("tr", { class: kind }, make("th", { scope: "row" }, name), ...cells.map((text) => make("td", {}, String(text))));
}

/** The middle time, and the one that nine of ten keep; how many wait still. */
function sayTimes(row, what) {
  const median_s = row[`${what}_median_s`];
  const waiting = row[`${what}_not_yet`] ? say("not_yet", { n: row[`${what}_not_yet`] }) : "";
  if (median_s === null || median_s === undefined) return waiting || "–";
  return `${saySpan(median_s * 1000)} / ${saySpan(row[`${what}_p90_s`] * 1000)} ${waiting}`.trim();
}

function sayFalse({ false_share }) {
  return false_share === null || false_share === undefined ? "–" : `${Math.round(false_share * 100)} %`;
}
