// One pole: its link, its health, its troubles, its cameras to be looked at, its open alerts.

import { sayRule } from "./alert_words.js";
import { make, setText } from "./dom.js";
import { say, word } from "./language.js";
import { LiveView } from "./live_view.js";
import { compareAlerts } from "./order.js";
import { sayCause, sayTrouble } from "./own_words.js";
import { sayFiles, sayHealth } from "./pole_words.js";
import { sayAge, sayTime } from "./times.js";

const ALERTS_MAX = 6;
const OFF_MS = 60_000; // A clock that is off by less is not worth a word.
const SEES = ["seeing", "dark"];

export class PoleCard {
  #name = null;
  #live = null;
  #cameras = new Map();

  constructor(visit, { onAlert, onClose }) {
    this.visit = visit;
    this.onAlert = onAlert;
    this.title = make("h3");
    this.shut = make("button", { type: "button", onclick: onClose }, "✕");
    this.facts = make("dl");
    this.cameras = make("div", { class: "bar" });
    this.view = make("div");
    this.alerts = make("ul", { class: "neighbours" });
    const head = make("div", { class: "head" }, this.title, this.shut);
    this.node = make("div", { class: "card" }, head, this.facts, this.cameras, this.view, this.alerts);
    this.node.hidden = true;
  }

  /** Show a pole, or nothing. */
  show(pole) {
    if (pole?.name !== this.#name) {
      this.#look(null);
      this.#cameras.clear();
      if (pole) this.#askCameras(pole.name);
    }
    this.#name = pole?.name ?? null;
    this.render();
  }

  /** Show what is known of it now. */
  render() {
    const pole = this.visit.desk.poles.get(this.#name);
    this.node.hidden = !pole;
    if (!pole) return;
    setText(this.title, [pole.name, pole.site].filter(Boolean).join(" · "));
    this.shut.setAttribute("aria-label", say("close"));
    fill(this.facts, factsOf(pole), ([name, value]) => [make("dt", {}, name), make("dd", {}, value)]);
    this.#showCameras(pole);
    const alerts = [...this.visit.desk.alerts.values()].filter((alert) => alert.pole === pole.name);
    const shown = alerts.sort(compareAlerts).slice(0, ALERTS_MAX);
    const said = shown.map((alert) => [alert.severity, sayAlert(alert)]);
    fill(this.alerts, said, ([severity, text], index) => {
      const onclick = () => this.onAlert(shown[index]);
      return [make("li", { class: severity }, make("button", { type: "button", class: "link", onclick }, text))];
    });
  }

  #showCameras({ name, cameras }) {
    const isAllowed = this.visit.may("pictures");
    const states = cameras.map((camera) => [camera, this.#cameras.get(camera) ?? "", camera === this.#live?.camera]);
    fill(this.cameras, isAllowed ? states : [], ([camera, state, isOn]) => {
      const onclick = () => this.#look(isOn ? null : camera);
      const text = state && !SEES.includes(state) ? `▶ ${camera} (${word("state", state)})` : `▶ ${camera}`;
      const title = say("live_of", { pole: name, camera });
      return [make("button", { type: "button", title, "aria-pressed": String(isOn), onclick }, text)];
    });
  }

  async #askCameras(name) {
    const path = `/v1/poles/${encodeURIComponent(name)}/cameras`;
    const found = await this.visit.desk.ask(path).catch(() => null); // A silent pole tells none.
    if (name !== this.#name || !Array.isArray(found?.items)) return;
    for (const camera of found.items) this.#cameras.set(String(camera?.name), String(camera?.state));
    this.render();
  }

  #look(camera) {
    this.#live?.view.close();
    this.#live = null;
    if (camera !== null) {
      this.#live = { camera, view: new LiveView(this.#name, camera, this.visit.link) };
      this.view.replaceChildren(this.#live.view.node);
    }
    this.render();
  }
}

function sayAlert(alert) {
  return [word("severity", alert.severity), sayRule(alert), alert.camera, sayTime(alert.opened_at)]
    .filter(Boolean)
    .join(" · ");
}

function factsOf(pole) {
  const { state, since, heard_at, clock_ahead_ms, answer_ms, is_well, troubles, version } = pole;
  const link = word("link", state.replace(" ", "_"));
  const facts = [[say("link"), [link, since && sayTime(since), sayCause(pole.cause)].filter(Boolean).join(" · ")]];
  if (heard_at) facts.push([say("heard"), `${sayAge(heard_at)}${answer_ms === null ? "" : ` · ${Math.round(answer_ms)} ms`}`]);
  if (is_well !== null) facts.push([say("health"), sayHealth(pole)]);
  for (const { what, detail, since: from } of troubles) {
    facts.push([sayTrouble(what), `${detail} · ${sayTime(from)}`]);
  }
  if (Math.abs(clock_ahead_ms ?? 0) > OFF_MS) {
    facts.push([say("pole_clock"), say("clock_off", { s: Math.round(clock_ahead_ms / 1000) })]);
  }
  const files = sayFiles(pole);
  if (files) facts.push([say("files"), files]);
  if (version) facts.push([say("version"), version]);
  return facts;
}

/** Fill a node anew where what it shows has changed; `makeNodes(item, index)` gives a list. */
function fill(node, items, makeNodes) {
  const shown = JSON.stringify([items, say("link")]);
  if (node.dataset.shown === shown) return;
  node.dataset.shown = shown;
  node.replaceChildren(...items.flatMap(makeNodes));
}
