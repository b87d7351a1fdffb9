// Times as people read them: by the clock and in the zone of the page's home, the pole or the
// station that serves it. A phone's clock may be wrong by hours, so ages are reckoned from there.

import { languageTag, say } from "./language.js";

let ahead_ms = 0; // Of the home's clock before this machine's.
let zone = "UTC";
let formats = null;

/** Take over the home's time, as it was told just now. */
export function setHomeTime(at) {
  const told_ms = Date.parse(at);
  if (Number.isFinite(told_ms)) ahead_ms = told_ms - Date.now();
}

/** Take over the home's time zone; one that the browser does not know leaves UTC. */
export function setHomeZone(name) {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    zone = name;
  } catch {
    zone = "UTC";
  }
  formats = null;
}

/** The home's time now, in milliseconds since 1970. */
export const homeNow_ms = () => Date.now() + ahead_ms;

/** How long ago: "3 min ago". */
export function sayAge(at) {
  const age_s = Math.round((homeNow_ms() - Date.parse(at)) / 1000);
  if (age_s < 10) return say("age_now");
  if (age_s < 60) return say("age_s", { n: age_s });
  if (age_s < 3600) return say("age_min", { n: Math.floor(age_s / 60) });
  if (age_s < 48 * 3600) return say("age_h", { n: Math.floor(age_s / 3600) });
  return say("age_days", { n: Math.floor(age_s / 86400) });
}

/** The time there: of today "17:33:05", else with its date. */
export function sayTime(at) {
  const { day, clock } = useFormats();
  const moment = new Date(at);
  const isToday = day.format(moment) === day.format(new Date(homeNow_ms()));
  return isToday ? clock.format(moment) : `${day.format(moment)} ${clock.format(moment)}`;
}

/** The time without doubt: local with its zone, and UTC. */
export function sayExactTime(at) {
  return `${useFormats().exact.format(new Date(at))} (${zone}) · ${at}`;
}

function useFormats() {
  const tag = languageTag();
  if (formats?.tag !== tag) {
    const make = (options) => new Intl.DateTimeFormat(tag, { timeZone: zone, ...options });
    formats = {
      tag,
      day: make({ year: "numeric", month: "short", day: "numeric" }),
      clock: make({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }),
      exact: make({ dateStyle: "long", timeStyle: "medium", hourCycle: "h23" }),
    };
  }
  return formats;
}
