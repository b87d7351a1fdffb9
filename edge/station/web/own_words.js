// What an alert of the station's own says of poles that were silent, or of one that tells lies.

import { say, word } from "./language.js";
import { sayTime } from "./times.js";

const MAX_NAMED = 3;

/** The names of the poles that it is about. */
export function polesOf({ poles, pole }) {
  if (poles && typeof poles === "object" && !Array.isArray(poles)) return Object.keys(poles);
  return typeof pole === "string" ? [pole] : [];
}

/** Some of their names, and how many more there are. */
export function sayPoles(data) {
  const poles = polesOf(data);
  const named = poles.slice(0, MAX_NAMED).join(", ");
  const count = Number.isInteger(data.count) ? data.count : poles.length;
  const more = count - Math.min(MAX_NAMED, poles.length);
  return more > 0 ? `${named}${say("and_more", { n: more })}` : named;
}

/** Why poles are not heard, in words. */
export const sayCause = (cause) => (cause ? word("cause", String(cause).replaceAll(" ", "_")) : "");

/** What is wrong with a pole; the feed that it is about comes after it. */
export function sayTrouble(what) {
  const [kind, ...feed] = String(what).split(" ");
  return [word("trouble", kind), ...feed].join(" ");
}

/** A sentence for each pole of a silent alert: why, since when, heard again, what was missed. */
export function tellSilence({ rule, data }) {
  if (rule.type !== "station" || rule.name !== "silent") return [];
  const { poles } = data;
  const entries = poles && typeof poles === "object" ? Object.entries(poles) : [];
  return entries.map(([name, entry]) => ({ name, text: tellOne(entry ?? {}) }));
}

function tellOne({ cause, detail, since, back_at, complete_at, missed, files_coming }) {
  const parts = [sayCause(cause)];
  if (detail) parts.push(String(detail));
  if (since) parts.push(say("silent_since", { time: sayTime(since) }));
  if (!back_at) return parts.filter(Boolean).join(" · ");
  parts.push(say("heard_again", { time: sayTime(back_at) }));
  const { alerts = 0, records = 0, files = 0 } = missed ?? {};
  parts.push(say("missed", { alerts, records, files }));
  if (complete_at) parts.push(say("all_here", { time: sayTime(complete_at) }));
  else if (files_coming) parts.push(say("files_coming", { n: files_coming }));
  return parts.filter(Boolean).join(" · ");
}
