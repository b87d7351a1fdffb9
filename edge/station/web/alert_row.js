// One line of the list: two rows of text, so that a screen holds a night's alerts.

import { marksOf, sayPlace, sayRule, sayState } from "./alert_words.js";
import { make, setText } from "./dom.js";
import { say, word } from "./language.js";
import { isNew, isRaised } from "./order.js";
import { sayAge, sayTime } from "./times.js";

const APART_MS = 5000;

/** Give a row for `WindowedList`. */
export function makeAlertRow() {
  const severity = make("b", { class: "severity" });
  const title = make("b", { class: "title" });
  const marks = make("span", { class: "marks" });
  const age = make("span", { class: "age" });
  const place = make("span", { class: "place" });
  const state = make("span", { class: "state" });
  const time = make("time");
  const first = make("div", {}, severity, title, marks, age);
  const node = make("div", { class: "row" }, first, make("div", {}, place, state, time));
  return {
    node,
    update(alert) {
      const raised = isRaised(alert) ? " raised" : "";
      const name = `row ${alert.severity}${isNew(alert) ? " new" : ""}${raised}`;
      if (node.className !== name) node.className = name;
      setText(severity, word("severity", alert.severity));
      setText(title, sayRule(alert));
      setText(age, sayAge(surestTime(alert)));
      setText(place, sayPlace(alert));
      setText(state, sayState(alert));
      const { opened_at, received_at } = alert;
      setText(time, sayBoth(alert));
      const spans = { at: sayTime(opened_at), received: sayTime(received_at) };
      time.title = say("captured_received", spans);
      showMarks(marks, alert, true);
    },
  };
}

/** When it happened, and when it came here where that is not the same. */
function sayBoth({ opened_at, received_at }) {
  const apart_ms = Math.abs(Date.parse(received_at) - Date.parse(opened_at));
  if (apart_ms < APART_MS) return sayTime(opened_at);
  return `${sayTime(opened_at)} → ${sayTime(received_at)}`;
}

/** When it happened; where the pole's clock is known to be wrong, when it came here. */
export const surestTime = ({ trust, opened_at, received_at }) =>
  trust === "wrong" ? received_at : opened_at;

/** Show an alert's marks as chips, where they differ from those that are there. */
export function showMarks(node, alert, isShort = false) {
  const marks = marksOf(alert).map(({ kind, text, short, title }) => {
    const isCut = isShort && short;
    return { kind, text: isCut ? short : text, title: isCut ? `${text}: ${title}` : title };
  });
  const shown = JSON.stringify(marks);
  if (node.dataset.shown === shown) return;
  node.dataset.shown = shown;
  node.replaceChildren(
    ...marks.map(({ kind, text, title }) => make("span", { class: `chip ${kind}`, title }, text)),
  );
}
