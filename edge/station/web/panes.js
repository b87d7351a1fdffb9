// What of the page is to be seen: on a desk's screen all three columns, the right one being poles,
// map or statistics; on a narrow screen one thing at a time.

import { byId, setText } from "./dom.js";
import { say } from "./language.js";

const SIDES = ["poles", "map", "statistics"];

export class Panes {
  #pane = "list";
  #side = "poles";
  #isWide = false;

  /** `onOpen(pane)` is told after a pane has come into sight. */
  constructor(signal, onOpen) {
    this.onOpen = onOpen;
    for (const side of SIDES) {
      byId(`tab-${side}`).addEventListener("click", () => this.open(side), { signal });
    }
    for (const button of document.querySelectorAll("#nav [data-pane]")) {
      button.addEventListener("click", () => this.open(button.dataset.pane), { signal });
    }
    byId("tabs").addEventListener("keydown", (event) => this.#key(event), { signal });
    byId("widen").addEventListener("click", () => this.widen(), { signal });
  }

  /** Show `list`, `alert`, `poles`, `map` or `statistics`. */
  open(pane) {
    this.#pane = pane;
    if (SIDES.includes(pane)) this.#side = pane;
    this.#isWide = pane === "statistics" || (this.#isWide && pane === this.#side); // Tables need room.
    this.render();
    this.onOpen(pane);
  }

  /** Open a pane unless it is open. */
  show(pane) {
    if (this.#pane !== pane) this.open(pane);
  }

  /** Give the right column the middle's room as well, or give it back. */
  widen() {
    this.#isWide = !this.#isWide;
    this.render();
    this.onOpen(this.#side);
  }

  /** Go back to the list. */
  back() {
    this.open("list");
  }

  /** Show it so. */
  render() {
    const page = byId("page");
    page.dataset.pane = SIDES.includes(this.#pane) ? "side" : this.#pane;
    page.classList.toggle("wide", this.#isWide);
    for (const side of SIDES) {
      const isOn = side === this.#side;
      const tab = byId(`tab-${side}`);
      setText(tab, say(side));
      tab.setAttribute("aria-selected", String(isOn));
      tab.tabIndex = isOn ? 0 : -1;
      byId(`${side}-panel`).hidden = !isOn;
    }
    for (const button of document.querySelectorAll("#nav [data-pane]")) {
      button.setAttribute("aria-pressed", String(button.dataset.pane === this.#pane));
    }
    setText(byId("widen"), this.#isWide ? "⇥" : "⇤");
    byId("widen").title = say("key_wide");
    byId("widen").setAttribute("aria-label", say("key_wide"));
    byId("widen").setAttribute("aria-pressed", String(this.#isWide));
  }

  #key(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = SIDES[(SIDES.indexOf(this.#side) + step + SIDES.length) % SIDES.length];
    this.open(next);
    byId(`tab-${next}`).focus();
    event.stopPropagation();
  }
}
