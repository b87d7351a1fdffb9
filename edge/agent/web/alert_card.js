// One alert: how bad, what, where, how long ago, what was done about it, and how sure its time is.

import { AlertActions } from "./alert_actions.js";
import { AlertPictures } from "./alert_pictures.js";
import { make, setText } from "./dom.js";
import { say, word } from "./language.js";
import { sayAge, sayExactTime, sayTime } from "./times.js";

const UNSAID = new Set(["label", "tracks", "reason"]); // Said elsewhere, or of use to no reader.

export class AlertCard {
  constructor(alert, visit, onChange) {
    this.severity = make("b", { class: "severity" });
    this.title = make("h3");
    this.place = make("p", { class: "place" });
    this.time = make("time");
    this.marks = make("p", { class: "marks" });
    this.status = make("p", { class: "status" });
    this.summary = make("summary");
    this.facts = make("dl");
    this.pictures = new AlertPictures(visit);
    this.actions = new AlertActions(alert.id, { visit, onChange });
    const head = make("div", { class: "head" }, this.severity, this.title);
    const when = make("p", { class: "when" }, this.time);
    const details = make("details", {}, this.summary, this.facts);
    this.node = make(
      "li",
      {},
      this.pictures.thumb,
      make("div", { class: "said" }, head, this.place, when, this.marks, this.status),
      this.pictures.player,
      this.actions.node,
      details,
    );
  }

  /** Show an alert as it is now. */
  update(alert) {
    const { severity, rule, opened_at } = alert;
    this.node.className = `alert ${severity}`;
    setText(this.severity, word("severity", severity));
    setText(this.title, sayRule(rule));
    setText(this.place, sayPlace(alert));
    setText(this.time, `${sayAge(opened_at)} · ${sayTime(opened_at)}`);
    this.time.dateTime = opened_at;
    this.time.title = sayExactTime(opened_at);
    this.#showMarks(alert);
    setText(this.status, sayStatus(alert));
    setText(this.summary, say("details"));
    this.#showFacts(alert);
    this.pictures.update(alert);
    this.actions.update(alert);
  }

  close() {
    this.pictures.close();
  }

  #showMarks({ test, learnt_at, clock, kept }) {
    const marks = [];
    if (kept === false) marks.push(say("not_kept"));
    if (test) marks.push(say("test"));
    if (learnt_at) marks.push(say("late", { time: sayTime(learnt_at) }));
    if (clock?.state && clock.state !== "synced") marks.push(say("clock_unsure"));
    if (marks.join() === this.marks.dataset.shown) return;
    this.marks.dataset.shown = marks.join();
    this.marks.replaceChildren(...marks.map((mark) => make("span", { class: "chip" }, mark)));
  }

  #showFacts(alert) {
    const facts = factsOf(alert);
    const shown = JSON.stringify(facts);
    if (shown === this.facts.dataset.shown) return;
    this.facts.dataset.shown = shown;
    const nodes = facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]);
    this.facts.replaceChildren(...nodes);
  }
}

function sayRule({ type, name }) {
  return type === "system" ? word("system", name) : `${word("rule", type)} · ${name}`;
}

function sayPlace({ camera, data }) {
  const label = data.label ? word("label", data.label) : "";
  return [camera ? say("camera_named", { camera }) : "", label].filter(Boolean).join(" · ");
}

function sayStatus({ closed_at, close_reason, acked, resolved }) {
  const parts = [closed_at ? say("ended", { age: sayAge(closed_at) }) : say("going_on")];
  if (close_reason === "interrupted") parts.push(say("interrupted"));
  if (resolved) parts.push(say(`resolved_${resolved.verdict}`, resolved));
  else if (acked) parts.push(say("acked", { by: acked.by, age: sayAge(acked.at) }));
  return parts.join(" ");
}

function factsOf({ id, pole, opened_at, closed_at, close_reason, acked, resolved, data, clock }) {
  const facts = [[say("opened"), sayExactTime(opened_at)]];
  if (closed_at) facts.push([say("closed"), `${sayExactTime(closed_at)} ${close_reason ?? ""}`]);
  if (acked) facts.push([say("acknowledged"), `${sayExactTime(acked.at)} ${acked.by}`]);
  if (resolved) {
    const { at, by, verdict, note } = resolved;
    facts.push([say("resolved"), `${sayExactTime(at)} ${by}: ${verdict}. ${note ?? ""}`]);
  }
  for (const [name, value] of Object.entries(data)) {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    if (!UNSAID.has(name)) facts.push([name, text]);
  }
  if (clock?.state) facts.push([say("part_clock"), word("clock", clock.state)]);
  return [...facts, [say("alert_id"), `${pole} ${id}`]];
}
