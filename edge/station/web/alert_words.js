// How an alert is said in words: its rule, its place, its marks and what was done about it.

import { say, word } from "./language.js";
import { isNew, isRaised } from "./order.js";
import { sayCause, sayPoles } from "./own_words.js";
import { sayAge, sayTime } from "./times.js";

const SHORT = 100; // Letters of what a pole tells, in heads and rows.

/** A text of a pole as heads and rows have it. */
export function cut(text) {
  const whole = String(text);
  return whole.length > SHORT ? `${[...whole.slice(0, 2 * SHORT)].slice(0, SHORT).join("")}…` : whole;
}

/** What heads and rows cut short, whole: `[name, text]` each. */
export function tellWhole({ rule, data }) {
  const told = [[word("by", "rule"), sayOf(rule)], ["label", String(data.label ?? "")]];
  return told.filter(([, text]) => cut(text) !== text);
}

const sayOf = ({ type = "", name = "" }) => `${word("rule", type)} · ${name}`;

/** What happened: "Intrusion · fence". */
export function sayRule({ rule, data }) {
  const { type = "", name = "" } = rule;
  if (type === "system") return cut(word("system", name));
  if (type !== "station") return cut(sayOf(rule));
  const poles = sayPoles(data);
  return poles ? `${word("own", name)}: ${poles}` : word("own", name);
}

/** Where: pole, site, camera and what it was. */
export function sayPlace(alert) {
  const { pole, site, camera, data, rule } = alert;
  const isOwn = rule.type === "station";
  const parts = [isOwn ? "" : pole, String((isOwn ? data.site : null) ?? site ?? "")];
  if (camera) parts.push(say("camera_named", { camera }));
  if (data.label) parts.push(cut(word("label", data.label)));
  if (isOwn) parts.push(sayCause(data.cause), cut(data.detail ?? ""));
  return parts.filter(Boolean).join(" · ");
}

/** Marks that must not be overlooked, `{kind, text, short, title}` each; `short` is for a row. */
export function marksOf(alert) {
  const { late, trust, test, flaw, rule, received_at, hold } = alert;
  const marks = [];
  if (late) {
    const title = say("late_title", { time: sayTime(received_at) });
    marks.push({ kind: "bad", text: say("late"), title });
  }
  if (trust !== "synced") {
    const short = say("clock_short");
    marks.push({ kind: "bad", text: say("clock_doubtful"), short, title: word("clock", trust) });
  }
  if (flaw) marks.push({ kind: "bad", text: say("flawed"), short: say("flawed_short"), title: flaw });
  if (test) marks.push({ kind: "", text: say("test"), title: "" });
  if (rule.type === "station") marks.push({ kind: "", text: say("own"), title: "" });
  if (hold) marks.push({ kind: "", text: say("held"), title: hold.text });
  return marks;
}

/** What was done about it, in few words. */
export function sayState(alert) {
  const { resolved, acked, seen } = alert;
  if (resolved) return `✓ ${word("verdict", resolved.verdict)} · ${resolved.by}`;
  if (isRaised(alert)) return say("raised_short", { by: acked.by });
  if (acked) return `✓ ${acked.by}`;
  return isNew(alert) && seen ? say("seen_by", { by: seen.by }) : "";
}

/** Whether it goes on, and what was done, as a sentence each. */
export function sayStatus(alert) {
  const { closed_at, close_reason, acked, resolved } = alert;
  const parts = [closed_at ? say("ended", { age: sayAge(closed_at) }) : say("going_on")];
  if (close_reason === "interrupted") parts.push(say("interrupted"));
  if (resolved && ["real", "false", "test"].includes(resolved.verdict)) {
    parts.push(say(`resolved_${resolved.verdict}`, resolved));
  } else if (isRaised(alert)) {
    parts.push(say("raised", { by: acked.by, severity: word("severity", acked.severity) }));
  } else if (acked) parts.push(say("acked", { by: acked.by, age: sayAge(acked.at) }));
  else parts.push(say("nobody_yet"));
  return parts.join(" ");
}

/** What a filter looks through. */
export function saySearchable(alert) {
  const { id, pole, site, camera, rule, severity, data, acked } = alert;
  const said = [sayRule(alert), word("severity", severity), sayPlace(alert), acked?.by];
  return [...said, id, pole, site, camera, rule.type, rule.name, severity, data.label]
    .filter(Boolean)
    .join(" ");
}
