// Makes and changes elements. What comes from outside becomes text nodes and attributes only:
// names and notes are written by others, and none of them is ever parsed as HTML.

/** Make an element; `true` sets an attribute without value, `onclick` and the like add a listener. */
export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

const SVG = "http://www.w3.org/2000/svg";

/** Make an element of a drawing. */
export function makeSvg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** Set a text only where it differs, so that selections and screen readers are left in peace. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** One element of the page, which index.html has. */
export const byId = (id) => document.getElementById(id);

/**
 * Keeps the children of a list in step with items, by key. A child that stays is not moved where
 * that can be helped: a video that is moved stops.
 */
export class KeyedList {
  /** `makeView(item)` gives `{node, update(item), close()}`. */
  constructor(list, makeView) {
    this.list = list;
    this.makeView = makeView;
    this.views = new Map();
  }

  /** Show these items, `[key, item]` each, in this order. */
  show(items) {
    const wanted = new Set(items.map(([key]) => key));
    for (const key of [...this.views.keys()]) if (!wanted.has(key)) this.#drop(key);
    let next = this.list.firstElementChild;
    for (const [key, item] of items) {
      if (!this.views.has(key)) this.views.set(key, this.makeView(item));
      const view = this.views.get(key);
      view.update(item);
      if (view.node === next) next = next.nextElementSibling;
      else this.list.insertBefore(view.node, next);
    }
  }

  #drop(key) {
    const view = this.views.get(key);
    view.close();
    view.node.remove();
    this.views.delete(key);
  }
}
