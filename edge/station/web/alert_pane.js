// The chosen alert: what, where, when, its pictures, what was done, and what else its pole tells.

import { Actions } from "./actions.js";
import { marksOf, sayPlace, sayRule, sayStatus, tellWhole } from "./alert_words.js";
import { showMarks, surestTime } from "./alert_row.js";
import { byId, KeyedList, make, setText } from "./dom.js";
import { say, word } from "./language.js";
import { isNew, keyOf } from "./order.js";
import { polesOf, tellSilence } from "./own_words.js";
import { Stage } from "./stage.js";
import { sayAge, sayExactTime, sayTime } from "./times.js";

const NEIGHBOURS = 8;
const STEADY_MS = 300;
const UNSAID = new Set(["label", "tracks", "reason", "poles", "missed", "camera_clock_off_s"]); // Said elsewhere, or of use to no reader.
const PATIENCE = 60; // Facts of `data` that are shown; a pole may tell more.

export class AlertPane {
  alert = null;
  #timer = null;
  #acting = new Map(); // Alert → its actions, where something is typed or on its way.
  #missed = new Map(); // Alert → what failed of it and was not seen.

  /** `onOther(alert)` is told of a neighbour that was clicked, `onPole(name)` of a pole. */
  constructor(visit, { onOther, onPole }) {
    this.visit = visit;
    this.onOther = onOther;
    this.stage = new Stage(visit);
    this.actions = this.#makeActions();
    this.severity = make("b", { class: "severity" });
    this.title = make("h2", { id: "alert-title", tabindex: "-1" });
    this.marks = make("p", { class: "marks" });
    this.place = make("p", { class: "place" });
    this.pole = make("button", { type: "button", class: "link", onclick: () => onPole(this.alert.pole) });
    this.when = make("p", { class: "when" });
    this.status = make("p", { class: "status" });
    this.silence = make("ul", { class: "notes" });
    this.times = make("dl", { class: "times" });
    this.notes = make("ul", { class: "notes" });
    this.notes_title = make("h3");
    this.facts = make("dl");
    this.facts_title = make("summary");
    this.records_title = make("summary");
    this.records = make("pre", { tabindex: "0" });
    this.neighbours_title = make("h3");
    this.neighbours = make("ul", { class: "neighbours" });
    this.neighbour_list = new KeyedList(this.neighbours, (other) => this.#makeNeighbour(other));
    this.nothing = make("p", { class: "nothing" });
    const onclick = () => onOther([...this.#missed.values()][0].alert);
    this.missed = make("button", { type: "button", class: "link", onclick });
    this.whole = this.#build();
    this.whole.hidden = true;
    byId("alert-pane").replaceChildren(this.nothing, this.whole);
    byId("missed").replaceChildren(this.missed);
  }

  #build() {
    const head = make("div", { class: "head" }, this.severity, this.title, this.pole, this.marks);
    const ontoggle = () => this.record_box.open && this.#askRecords();
    this.record_box = make("details", { ontoggle }, this.records_title, this.records);
    const said = make("div", { class: "said" }, this.silence, this.times, this.notes_title, this.notes);
    const around = make("div", { class: "around" }, this.neighbours_title, this.neighbours);
    const facts = make("details", {}, this.facts_title, this.facts);
    const top = make("div", { class: "alert-head" }, head, this.when, this.place, this.status);
    const below = make("div", { class: "below" }, said, around);
    return make("div", { class: "whole" }, top, this.stage.node, this.actions.node, below, facts, this.record_box);
  }

  /** Show an alert as it is now; null shows that none is chosen. */
  show(alert) {
    const isOther = alert !== null && (this.alert === null || keyOf(alert) !== keyOf(this.alert));
    this.alert = alert;
    this.whole.hidden = alert === null;
    this.nothing.hidden = alert !== null;
    setText(this.nothing, say("none_chosen"));
    if (alert === null) return this.stage.close();
    if (isOther) this.#begin(keyOf(alert));
    this.whole.className = `whole ${alert.severity}${isNew(alert) ? " new" : ""}`;
    setText(this.severity, word("severity", alert.severity));
    setText(this.title, sayRule(alert));
    const isOwn = alert.rule.type === "station";
    this.pole.hidden = isOwn;
    setText(this.pole, alert.pole);
    setText(this.place, sayPlace(alert));
    setText(this.when, `${sayAge(surestTime(alert))} · ${sayTime(alert.opened_at)}`);
    showMarks(this.marks, alert);
    setText(this.status, sayStatus(alert));
    this.stage.update(alert, this.visit.desk.poles.get(alert.pole));
    this.actions.update(alert);
    this.#showSilence(alert);
    showPairs(this.times, timesOf(alert));
    this.#showNotes(alert);
    setText(this.facts_title, say("details"));
    showPairs(this.facts, factsOf(alert));
    setText(this.records_title, say("records"));
    setText(this.neighbours_title, isOwn ? "" : say("neighbours", { pole: alert.pole }));
    this.#sayMissed();
  }

  /** Show what is known in the language that is spoken now. */
  render() {
    this.neighbour_list.show([]);
    this.show(this.alert);
    if (this.alert) this.#askNeighbours();
  }

  close() {
    clearTimeout(this.#timer);
    this.show(null);
    byId("alert-pane").replaceChildren();
    byId("missed").hidden = true;
  }

  #begin(key) {
    this.#act(key);
    this.record_box.open = false;
    setText(this.records, "");
    this.neighbour_list.show([]);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#askNeighbours(), STEADY_MS);
  }

  #makeActions() {
    return new Actions(this.visit, (alert, fault) => {
      this.#missed.set(keyOf(alert), { alert, fault });
      this.#sayMissed();
    });
  }

  /** Offer another alert's actions: its own, where some are unfinished. */
  #act(key) {
    this.actions.closeForms();
    for (const [other, actions] of this.#acting) {
      if (actions.isIdle && !this.#missed.has(other)) this.#acting.delete(other);
    }
    const next = this.#acting.get(key) ?? this.#makeActions();
    this.#acting.set(key, next);
    this.actions.node.replaceWith(next.node);
    this.actions = next;
  }

  /** Say above the page what failed of alerts that nobody sees now. */
  #sayMissed() {
    if (this.alert && this.whole.checkVisibility()) this.#missed.delete(keyOf(this.alert));
    const [first] = this.#missed.values();
    byId("missed").hidden = !first;
    if (!first) return setText(this.missed, "");
    const named = `${first.alert.pole} · ${sayRule(first.alert)}`;
    const more = this.#missed.size > 1 ? say("and_more", { n: this.#missed.size - 1 }) : "";
    setText(this.missed, say("missed_fault", { alert: named + more, fault: first.fault }));
  }

  #showSilence(alert) {
    const lines = tellSilence(alert);
    const shown = JSON.stringify(lines);
    if (this.silence.dataset.shown === shown) return;
    this.silence.dataset.shown = shown;
    const nodes = lines.map(({ name, text }) => make("li", {}, make("b", {}, name), ` ${text}`));
    this.silence.replaceChildren(...nodes);
  }

  #showNotes({ notes }) {
    setText(this.notes_title, notes.length ? say("notes") : "");
    const shown = JSON.stringify([notes, say("notes")]);
    if (this.notes.dataset.shown === shown) return;
    this.notes.dataset.shown = shown;
    this.notes.replaceChildren(
      ...notes.map(({ at, by, text }) =>
        make("li", {}, make("b", {}, by), ` ${sayTime(at)} `, make("span", {}, text)),
      ),
    );
  }

  /** Whether it is the chosen one still, when an answer comes. */
  #isShown(alert) {
    return this.alert !== null && keyOf(this.alert) === keyOf(alert);
  }

  async #askNeighbours() {
    const { alert } = this;
    if (!alert || alert.rule.type === "station") return;
    const pole = encodeURIComponent(alert.pole);
    const path = `/v1/alerts?state=all&pole=${pole}&order=newest&limit=${NEIGHBOURS + 1}`;
    const page = await this.visit.desk.ask(path).catch(() => null); // Said by the banner.
    if (!page || !this.#isShown(alert)) return;
    const others = page.items.filter((other) => keyOf(other) !== keyOf(alert));
    this.neighbour_list.show(others.slice(0, NEIGHBOURS).map((other) => [keyOf(other), other]));
  }

  #makeNeighbour(other) {
    const button = make("button", { type: "button", class: "link", onclick: () => this.onOther(other) });
    return {
      node: make("li", { class: other.severity }, button),
      update(each) {
        const words = [word("severity", each.severity), sayRule(each), each.camera, sayTime(each.opened_at)];
        setText(button, words.filter(Boolean).join(" · "));
      },
      close() {},
    };
  }

  async #askRecords() {
    const { alert } = this;
    setText(this.records, say("loading"));
    const path = `/v1/alerts/${encodeURIComponent(alert.pole)}/${encodeURIComponent(alert.id)}/records`;
    const found = await this.visit.desk.ask(path).catch(() => null);
    if (!this.#isShown(alert)) return;
    const text = found?.items.map((record) => JSON.stringify(record, null, 1)).join("\n");
    const more = found?.more ? `\n${say("records_more")}` : "";
    setText(this.records, text === undefined ? say("records_failed") : text + more);
  }
}

/** What an own alert of the station is about is a fact as well. */
function factsOf(alert) {
  const { id, pole, pole_id, data, flaw, trust, close_reason } = alert;
  const facts = Object.entries(data)
    .filter(([name]) => !UNSAID.has(name))
    .slice(0, PATIENCE)
    .map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]);
  if (alert.rule.type === "station") facts.unshift([say("poles"), polesOf(data).join(", ")]);
  if (flaw) facts.unshift([say("flawed"), flaw]);
  facts.push(...tellWhole(alert));
  if (close_reason) facts.push([say("close_reason"), close_reason]);
  facts.push([say("pole_clock"), word("clock", trust)]);
  const off = data.camera_clock_off_s;
  if (typeof off === "number") facts.push([say("camera_clock"), say("clock_off", { s: off })]);
  return [...facts, [say("alert_id"), `${pole} (${pole_id}) ${id}`]];
}

function timesOf({ opened_at, received_at, closed_at, seen, acked, resolved, refused, hold, ...rest }) {
  const took = (at) => `${sayTime(at)} (+${saySpan(Date.parse(at) - Date.parse(received_at))})`;
  const isLate = marksOf({ ...rest, received_at, hold }).some(({ text }) => text === say("late"));
  const times = [
    [say("captured"), sayExactTime(opened_at)],
    [say("received"), `${sayTime(received_at)}${isLate ? ` · ${say("late")}` : ""}`],
    [say("seen"), seen ? `${took(seen.at)} ${seen.by}` : "–"],
    [say("acknowledged"), acked ? `${took(acked.at)} ${acked.by}` : "–"],
  ];
  if (closed_at) times.push([say("closed"), sayTime(closed_at)]);
  const { verdict, by, note } = resolved ?? {};
  const judged = resolved && [`${took(resolved.at)} ${by}: ${word("verdict", verdict)}`, note];
  times.push([say("resolved"), judged ? judged.filter(Boolean).join(" · ") : "–"]);
  if (refused) times.push([say("pole_refused"), refused]);
  if (hold) times.push([say("held"), `${sayTime(hold.at)} ${hold.by}: ${hold.text}`]);
  return times;
}

/** A span of time as desks reckon it: seconds, minutes, hours. */
export function saySpan(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 120) return say("span_s", { n: s });
  if (s < 7200) return say("span_min", { n: Math.round(s / 60) });
  return say("span_h", { n: Math.round(s / 3600) });
}

function showPairs(list, pairs) {
  const shown = JSON.stringify(pairs);
  if (list.dataset.shown === shown) return;
  list.dataset.shown = shown;
  const nodes = pairs.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]);
  list.replaceChildren(...nodes);
}
