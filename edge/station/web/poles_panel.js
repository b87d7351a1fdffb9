// The poles: which answer, which do not and why, what is wrong with each; who needs help first.

import { make, setText } from "./dom.js";
import { say, word } from "./language.js";
import { comparePoles, matches } from "./order.js";
import { PoleCard } from "./pole_card.js";
import { sayCause, sayTrouble } from "./own_words.js";
import { sayFiles, sayHealth } from "./pole_words.js";
import { sayAge } from "./times.js";
import { WindowedList } from "./windowed_list.js";

const ROW_REM = 3.2;
const LOOK_EVERY_MS = 10_000;

export class PolesPanel {
  #timer = null;

  constructor(panel, visit, { onAlert }) {
    this.visit = visit;
    this.filter = make("input", { type: "search", id: "pole-filter", autocomplete: "off", maxlength: "200" });
    this.label = make("label", { for: "pole-filter", class: "unseen" });
    this.note = make("p", { class: "note", role: "status" });
    this.box = make("div", { class: "windowed", id: "pole-list", role: "listbox", tabindex: "0" });
    this.card = new PoleCard(visit, { onAlert, onClose: () => this.choose(null) });
    panel.replaceChildren(this.label, this.filter, this.note, this.card.node, this.box);
    this.panel = panel;
    this.list = new WindowedList(this.box, {
      makeRow: makePoleRow,
      keyOf: ({ name }) => name,
      onChoose: (pole) => this.card.show(pole),
      height_rem: ROW_REM,
    });
    const { signal, desk } = visit;
    this.filter.addEventListener("input", () => this.render(), { signal });
    this.box.addEventListener("keydown", (event) => this.#key(event), { signal });
    desk.addEventListener("poles", () => this.#soon(), { signal });
    desk.addEventListener("alerts", () => this.card.render(), { signal });
    const timer = setInterval(() => this.render(), LOOK_EVERY_MS);
    signal.addEventListener("abort", () => clearInterval(timer));
  }

  /** Show a pole's card; null closes it. */
  choose(name) {
    this.list.choose(name, true);
    if (name === null) this.card.show(null);
    const pole = this.visit.desk.poles.get(name);
    if (pole) this.card.show(pole);
  }

  /** Show what is known. */
  render() {
    if (!this.panel.checkVisibility()) return;
    const poles = [...this.visit.desk.poles.values()];
    const wanted = this.filter.value.trim();
    const said = (pole) => `${pole.name} ${pole.site ?? ""} ${word("link", pole.state.replace(" ", "_"))}`;
    const found = wanted ? poles.filter((pole) => matches(wanted, said(pole))) : poles;
    setText(this.label, say("filter_poles"));
    this.filter.placeholder = say("filter_poles");
    this.box.setAttribute("aria-label", say("poles"));
    setText(this.note, sayNote(poles));
    this.list.show(found.sort(comparePoles));
    this.card.render();
  }

  close() {
    clearTimeout(this.#timer);
    this.card.show(null);
    this.list.close();
    this.panel.replaceChildren();
  }

  #key(event) {
    const steps = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1, PageDown: 8, PageUp: -8 };
    if (!Object.hasOwn(steps, event.key)) return;
    event.preventDefault();
    event.stopPropagation(); // The list of alerts listens to the same keys.
    this.list.move(steps[event.key]);
  }

  #soon() {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.render();
    }, 250);
  }
}

/** How many poles there are, and how many of them do not answer. */
export function sayNote(poles) {
  const down = poles.filter(({ state }) => state === "silent" || state === "refused").length;
  return say(down ? "poles_down" : "poles_all_up", { n: poles.length, down });
}

function makePoleRow() {
  const mark = make("span", { class: "link-mark", "aria-hidden": "true" });
  const name = make("b", { class: "title" });
  const state = make("span", { class: "chip" });
  const since = make("span", { class: "age" });
  const site = make("span", { class: "place" });
  const trouble = make("span", { class: "state" });
  const first = make("div", {}, mark, name, state, since);
  const node = make("div", { class: "row pole" }, first, make("div", {}, site, trouble));
  return {
    node,
    update(pole) {
      const isUp = pole.state === "up" || pole.state === "catching up";
      node.dataset.link = pole.state;
      setText(name, pole.name);
      setText(state, word("link", pole.state.replace(" ", "_")));
      state.className = `chip ${isUp ? "good" : "bad"}`;
      // Beside "heard" it would be read as when; the card says that.
      setText(since, pole.since && !isUp ? sayAge(pole.since) : "");
      setText(site, [pole.site, isUp ? "" : sayCause(pole.cause)].filter(Boolean).join(" · "));
      setText(trouble, sayWrong(pole));
    },
  };
}

function sayWrong(pole) {
  const { troubles, is_well } = pole;
  if (troubles.length) return troubles.map(({ what }) => sayTrouble(what)).join(", ");
  if (is_well === false) return sayHealth(pole);
  return sayFiles(pole);
}
