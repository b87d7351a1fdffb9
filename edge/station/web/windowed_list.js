// A list of thousands of which only the rows on the screen exist. Rows are equally high; one is
// chosen, by keyboard or by a click, and stays chosen wherever the list's order puts it.

import { make } from "./dom.js";

const BEYOND = 6; // Rows kept above and below what is seen, for quick scrolling.
const AT_TOP_PX = 4;

export class WindowedList {
  chosen = null;
  #items = [];
  #places = new Map();
  #rows = new Map();

  /**
   * `makeRow()` gives `{node, update(item)}`, `keyOf(item)` a text; `onChoose(item, isMeant)` is told
   * of a row that was chosen, `isMeant` when by a click or Enter. `height_rem` is a row's height.
   */
  constructor(box, { makeRow, keyOf, onChoose, height_rem }) {
    this.box = box;
    this.makeRow = makeRow;
    this.keyOf = keyOf;
    this.onChoose = onChoose;
    const root_px = parseFloat(getComputedStyle(document.documentElement).fontSize);
    this.height_px = Math.round(height_rem * root_px);
    this.space = make("div", { class: "space", role: "presentation" });
    this.box.replaceChildren(this.space);
    this.frame = null;
    this.ending = new AbortController();
    this.box.addEventListener("scroll", () => this.#later(), { signal: this.ending.signal });
    this.size = new ResizeObserver(() => this.#later());
    this.size.observe(this.box);
  }

  /** Show these items. Who has scrolled keeps before his eyes what he reads. */
  show(items) {
    const top = this.box.scrollTop;
    const anchor = top > AT_TOP_PX ? this.#items[Math.floor(top / this.height_px)] : undefined;
    const place = anchor && this.#places.get(this.keyOf(anchor));
    this.#items = items;
    this.#places = new Map(items.map((item, index) => [this.keyOf(item), index]));
    this.space.style.height = `${items.length * this.height_px}px`;
    const moved = anchor ? this.#places.get(this.keyOf(anchor)) : undefined;
    if (moved !== undefined && moved !== place) {
      this.box.scrollTop = top + (moved - place) * this.height_px;
    }
    this.render();
  }

  get items() {
    return this.#items;
  }

  /** The items whose rows are on the screen at least by half, and their middle under nothing else. */
  inView() {
    if (!this.box.checkVisibility()) return [];
    const { scrollTop, clientHeight } = this.box;
    const first = Math.max(0, Math.ceil(scrollTop / this.height_px - 0.5));
    const end = Math.floor((scrollTop + clientHeight) / this.height_px + 0.5);
    const { left, top } = this.box.getBoundingClientRect();
    const x = left + this.box.clientLeft + this.box.clientWidth / 2;
    const top_px = top + this.box.clientTop - scrollTop;
    return this.#items.slice(first, end).filter((_, index) => {
      const y = top_px + (first + index + 0.5) * this.height_px;
      const inside = Math.min(Math.max(y, top + 1), top + clientHeight - 1);
      return this.box.contains(document.elementFromPoint(x, inside));
    });
  }

  /** Choose by key; a row out of sight is brought into it. */
  choose(key, isMeant = false) {
    this.chosen = key;
    const place = this.#places.get(key);
    if (place !== undefined) {
      this.#bringIntoSight(place);
      this.onChoose(this.#items[place], isMeant);
    }
    this.render();
  }

  /** Choose the row so many below. */
  move(by) {
    if (!this.#items.length) return;
    const place = this.#places.get(this.chosen) ?? (by > 0 ? -1 : this.#items.length);
    const next = Math.min(this.#items.length - 1, Math.max(0, place + by));
    this.choose(this.keyOf(this.#items[next]));
  }

  /** Draw what is on the screen. */
  render() {
    const { scrollTop, clientHeight } = this.box;
    const first = Math.max(0, Math.floor(scrollTop / this.height_px) - BEYOND);
    const end = Math.ceil((scrollTop + clientHeight) / this.height_px) + BEYOND;
    const wanted = this.#items.slice(first, end);
    const keys = new Set(wanted.map(this.keyOf));
    for (const [key, row] of this.#rows) if (!keys.has(key)) this.#drop(key, row);
    wanted.forEach((item, index) => this.#draw(item, first + index));
    const active = this.#rows.get(this.chosen);
    if (active) this.box.setAttribute("aria-activedescendant", active.node.id);
    else this.box.removeAttribute("aria-activedescendant");
  }

  close() {
    this.ending.abort();
    this.size.disconnect();
    cancelAnimationFrame(this.frame);
    this.box.replaceChildren();
    this.box.removeAttribute("aria-activedescendant");
  }

  #draw(item, place) {
    const key = this.keyOf(item);
    if (!this.#rows.has(key)) this.#rows.set(key, this.#add(key));
    const row = this.#rows.get(key);
    row.node.style.top = `${place * this.height_px}px`;
    row.node.setAttribute("aria-posinset", place + 1);
    row.node.setAttribute("aria-setsize", this.#items.length);
    row.node.setAttribute("aria-selected", String(key === this.chosen));
    row.update(item);
  }

  #add(key) {
    const row = this.makeRow();
    row.node.id = `${this.box.id}-${key.replaceAll(" ", "-")}`;
    row.node.setAttribute("role", "option");
    row.node.style.height = `${this.height_px}px`;
    row.node.addEventListener("click", () => this.choose(key, true));
    this.space.append(row.node);
    return row;
  }

  #drop(key, row) {
    row.node.remove();
    this.#rows.delete(key);
  }

  #bringIntoSight(place) {
    const top = place * this.height_px;
    const { scrollTop, clientHeight } = this.box;
    if (top < scrollTop) this.box.scrollTop = top;
    const beyond = top + this.height_px - clientHeight;
    if (beyond > scrollTop) this.box.scrollTop = beyond;
  }

  #later() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.render();
    });
  }
}
