// How an alert is said in words: its rule, its place, its marks and what was done about it.

import { say, word } from "./language.js";
import { isNew } from "./order.js";
import { sayAge, sayTime } from "./times.js";

const MAX_NAMED = 3;

/** What happened: "Intrusion · fence". */
export function sayRule({ rule, data }) {
  const { type = "", name = "" } = rule;
  if (type === "system") return word("system", name);
  if (type !== "station") return `${word("rule", type)} · ${name}`;
  const poles = polesOf(data);
  const named = poles.slice(0, MAX_NAMED).join(", ");
  if (!poles.length) return word("own", name);
  const rest = poles.length > MAX_NAMED ? say("and_more", { n: poles.length - MAX_NAMED }) : "";
  return `${word("own", name)}: ${named}${rest}`;
}

/** Where: pole, site, camera and what it was. */
export function sayPlace(alert) {
  const { pole, site, camera, data, rule } = alert;
  const parts = [rule.type === "station" ? "" : pole, site ?? ""];
  if (camera) parts.push(say("camera_named", { camera }));
  if (data.label) parts.push(word("label", data.label));
  if (data.cause) parts.push(word("cause", data.cause));
  return parts.filter(Boolean).join(" · ");
}

/** The poles that an alert of the station's own is about. */
export function polesOf({ poles, pole }) {
  if (Array.isArray(poles)) return poles.map((each) => String(each?.pole ?? each?.name ?? each));
  if (poles && typeof poles === "object") return Object.keys(poles);
  return typeof pole === "string" ? [pole] : [];
}

/** Marks that must not be overlooked, `{kind, text, title}` each. */
export function marksOf(alert) {
  const { late, trust, test, flaw, rule, received_at, hold } = alert;
  const marks = [];
  if (late) {
    const title = say("late_title", { time: sayTime(received_at) });
    marks.push({ kind: "bad", text: say("late"), title });
  }
  if (trust !== "synced") {
    marks.push({ kind: "bad", text: say("clock_doubtful"), title: word("clock", trust) });
  }
  if (flaw) marks.push({ kind: "bad", text: say("flawed"), title: flaw });
  if (test) marks.push({ kind: "", text: say("test"), title: "" });
  if (rule.type === "station") marks.push({ kind: "", text: say("own"), title: "" });
  if (hold) marks.push({ kind: "", text: say("held"), title: hold.text });
  return marks;
}

/** What was done about it, in few words. */
export function sayState(alert) {
  const { resolved, acked, seen } = alert;
  if (resolved) return `✓ ${word("verdict", resolved.verdict)} · ${resolved.by}`;
  if (acked) return `✓ ${acked.by}`;
  return isNew(alert) && seen ? say("seen_by", { by: seen.by }) : "";
}

/** Whether it goes on, and what was done, as a sentence each. */
export function sayStatus({ closed_at, close_reason, acked, resolved }) {
  const parts = [closed_at ? say("ended", { age: sayAge(closed_at) }) : say("going_on")];
  if (close_reason === "interrupted") parts.push(say("interrupted"));
  if (resolved && ["real", "false", "test"].includes(resolved.verdict)) {
    parts.push(say(`resolved_${resolved.verdict}`, resolved));
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
