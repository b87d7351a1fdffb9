// A plain map of where the poles stand. Colour tells the worst alert that is open there, the shape
// whether the pole is heard: round it is, a diamond it is not. Below it, if the station has one, a map
// of the user's own; no picture from elsewhere.

import { make, makeSvg, setText } from "./dom.js";
import { say, word } from "./language.js";
import { compareAlerts, isNew } from "./order.js";
import { frameOf, makeProjection, middleOf, placeOf, reachOf, readShapes } from "./projection.js";

const ZOOM = 1.4;
const PAN = 0.15;
const MARK_PX = 9;
const CROWD = 100; // More marks than this on the screen are drawn smaller.
const CROWDED_PX = 6;
const NAMES_MAX = 60; // With more on the screen names cover each other.
const SHAPES = {
  up: "M-1,0A1,1 0 1 1 1,0A1,1 0 1 1 -1,0Z",
  silent: "M0,-1.35L1.35,0L0,1.35L-1.35,0Z",
  refused: "M-1,-1H1V1H-1Z",
};
const SHAPE_OF = { up: "up", "catching up": "up", starting: "up", silent: "silent", refused: "refused" };
const LEGEND = ["up", "silent", "refused"];

export class MapPanel {
  #view = null;
  #whole = null;
  #isOwn = false; // Whether somebody has chosen what part of the plan he sees.
  #middle = null; // The place at 0, 0 of the plan.
  #places = new Map();
  #far = new Set(); // Poles so far away that all others would be one dot beside them.
  #placed = "";
  #points = new Map();
  #marks = new Map();
  #ground = null;
  #chosen = null;
  #timer = null;

  constructor(panel, visit, { onPole }) {
    this.panel = panel;
    this.visit = visit;
    this.onPole = onPole;
    this.ground = makeSvg("g", { class: "ground" });
    this.marks = makeSvg("g");
    this.svg = makeSvg("svg", { class: "map", tabindex: "0", role: "application" }, this.ground, this.marks);
    this.legend = make("p", { class: "legend" });
    this.how = make("p", { class: "note" });
    this.strip = make("div", { class: "strip bar" });
    this.bar = make("div", { class: "bar zoom" });
    panel.replaceChildren(make("div", { class: "map-box" }, this.svg, this.bar), this.legend, this.strip, this.how);
    const { desk, signal } = visit;
    desk.addEventListener("poles", () => this.#soon(), { signal });
    desk.addEventListener("alerts", () => this.#soon(), { signal });
    this.svg.addEventListener("wheel", (event) => this.#wheel(event), { signal, passive: false });
    this.svg.addEventListener("keydown", (event) => this.#key(event), { signal });
    this.svg.addEventListener("pointerdown", (event) => this.#drag(event), { signal });
    this.size = new ResizeObserver(() => this.#draw());
    this.size.observe(this.svg);
  }

  /** Draw what is known. */
  render() {
    if (!this.panel.checkVisibility()) return;
    const poles = [...this.visit.desk.poles.values()];
    this.#place(poles.filter(placeOf));
    this.#showStrip(poles.filter((pole) => !placeOf(pole)));
    this.svg.setAttribute("aria-label", say("map_label"));
    setText(this.how, say("map_how"));
    this.#showBars();
    this.#draw();
  }

  /** Show where a pole stands. */
  choose(name) {
    this.#chosen = name;
    const point = this.#points.get(name);
    if (point && this.#view) {
      this.#isOwn = true;
      this.#view.x = point.x - this.#view.width / 2;
      this.#view.y = point.y - this.#view.height / 2;
    }
    this.render();
  }

  close() {
    clearTimeout(this.#timer);
    this.size.disconnect();
    this.panel.replaceChildren();
  }

  /** Put the poles on the plan; anew only where one has moved. */
  #place(poles) {
    const places = poles.map((pole) => [pole.name, placeOf(pole)]);
    const placed = JSON.stringify(places);
    if (placed === this.#placed) return;
    this.#placed = placed;
    this.#places = new Map(places);
    this.marks.replaceChildren();
    this.#marks.clear();
    this.#lay();
    this.#showGround();
  }

  /** Lay poles and ground on the plan; who has chosen a part of it keeps that before his eyes. */
  #lay() {
    const places = [...this.#places.values()];
    const grounds = readShapes(this.#ground, (lat, lon) => ({ lat, lon }));
    const middle = middleOf(places.length ? places : grounds.flatMap(({ points }) => points));
    const project = makeProjection(middle);
    this.#points = new Map([...this.#places].map(([name, { lat, lon }]) => [name, project(lat, lon)]));
    const points = [...this.#points.values()];
    const reach_km = reachOf(points);
    this.#far = new Set([...this.#points].filter(([, at]) => Math.hypot(at.x, at.y) > reach_km).map(([name]) => name));
    const shapes = readShapes(this.#ground, project);
    this.ground.replaceChildren(...shapes.map(drawShape));
    const near = [...this.#points].filter(([name]) => !this.#far.has(name)).map(([, point]) => point);
    this.#whole = frameOf(points.length ? near : shapes.flatMap((shape) => shape.points));
    if (this.#isOwn) {
      const moved = project(this.#middle.lat, this.#middle.lon);
      this.#view.x += moved.x;
      this.#view.y += moved.y;
    } else this.#view = { ...this.#whole };
    this.#middle = middle;
  }

  async #showGround() {
    const { desk } = this.visit;
    if (!desk.station?.has_map || this.#ground) return;
    this.#ground = await desk.ask("/v1/map").catch(() => null); // Without it there is just less.
    this.#lay();
    this.#draw();
  }

  #showStrip(poles) {
    const groups = { far: [...this.#far], without_place: poles.map(({ name }) => name) };
    const said = Object.entries(groups).filter(([, names]) => names.length);
    const shown = JSON.stringify([said, say("without_place")]);
    if (this.strip.dataset.shown === shown) return;
    this.strip.dataset.shown = shown;
    const offer = (name) => make("button", { type: "button", onclick: () => this.onPole(name) }, name);
    const nodes = said.flatMap(([group, names]) => [
      make("span", { class: "note" }, group === "far" ? say("far_away") : say("without_place")),
      ...names.map(offer),
    ]);
    this.strip.replaceChildren(...nodes);
  }

  #showBars() {
    const shown = say("legend_up");
    if (this.legend.dataset.shown === shown) return;
    this.legend.dataset.shown = shown;
    const shapes = LEGEND.map((shape) => {
      const drawn = makeSvg("svg", { viewBox: "-1.6 -1.6 3.2 3.2" }, makeSvg("path", { d: SHAPES[shape] }));
      return make("span", { "data-link": shape }, drawn, say(`legend_${shape}`));
    });
    const colours = ["critical", "major", "minor", "info"].map((severity) =>
      make("span", { class: `severity ${severity}` }, word("severity", severity)),
    );
    this.legend.replaceChildren(...shapes, ...colours);
    const offer = (text, label, onclick) => make("button", { type: "button", "aria-label": label, title: label, onclick }, text);
    this.bar.replaceChildren(
      offer("+", say("zoom_in"), () => this.#zoom(1 / ZOOM)),
      offer("−", say("zoom_out"), () => this.#zoom(ZOOM)),
      offer("⤢", say("zoom_all"), () => this.#showAll()),
    );
  }

  #draw() {
    const { clientWidth, clientHeight } = this.svg;
    if (!this.#view || !clientWidth || !clientHeight) return;
    const { x, y, width, height } = this.#view;
    this.svg.setAttribute("viewBox", `${x} ${y} ${width} ${height}`);
    const km_a_px = Math.max(width / clientWidth, height / clientHeight);
    const worst = this.#worst();
    const inView = [...this.#points].filter(([, point]) => isInside(point, this.#view)).length;
    const size = km_a_px * (inView > CROWD ? CROWDED_PX : MARK_PX);
    for (const [name, point] of this.#points) {
      const pole = this.visit.desk.poles.get(name);
      if (pole) this.#mark(pole, point, { alert: worst.get(name), size, isNamed: inView <= NAMES_MAX });
    }
  }

  /** Pole → its worst open alert, what nobody has acknowledged first. */
  #worst() {
    const worst = new Map();
    for (const alert of this.visit.desk.alerts.values()) {
      const known = worst.get(alert.pole);
      if (!known || compareAlerts(alert, known) < 0) worst.set(alert.pole, alert);
    }
    return worst;
  }

  #mark(pole, point, { alert, size, isNamed }) {
    if (!this.#marks.has(pole.name)) this.#marks.set(pole.name, this.#addMark(pole.name));
    const { node, shape, name, title } = this.#marks.get(pole.name);
    const isChosen = pole.name === this.#chosen;
    node.setAttribute("class", `mark ${alert?.severity ?? "calm"}${alert && isNew(alert) ? " new" : ""}${isChosen ? " chosen" : ""}`);
    node.dataset.link = pole.state;
    node.setAttribute("transform", `translate(${point.x} ${point.y}) scale(${size * (alert ? 1.15 : 0.8)})`);
    shape.setAttribute("d", SHAPES[SHAPE_OF[pole.state] ?? "silent"]);
    setText(name, isNamed || isChosen ? pole.name : "");
    const link = word("link", pole.state.replace(" ", "_"));
    setText(title, [pole.name, pole.site, link, alert && word("severity", alert.severity)].filter(Boolean).join(" · "));
  }

  #addMark(pole) {
    const shape = makeSvg("path");
    const name = makeSvg("text", { x: "1.6", y: "0.45" });
    const title = makeSvg("title");
    const node = makeSvg("g", {}, title, shape, name);
    node.addEventListener("click", () => this.onPole(pole));
    this.marks.append(node);
    return { node, shape, name, title };
  }

  #zoom(by, at = { x: 0.5, y: 0.5 }) {
    if (!this.#view) return;
    const view = this.#view;
    this.#isOwn = true;
    const width = Math.min(this.#whole.width * 4, Math.max(0.02, view.width * by));
    const share = width / view.width;
    view.x += view.width * at.x * (1 - share);
    view.y += view.height * at.y * (1 - share);
    view.width = width;
    view.height *= share;
    this.#draw();
  }

  #showAll() {
    this.#isOwn = false;
    this.#view = { ...this.#whole };
    this.#draw();
  }

  #pan(x, y) {
    if (!this.#view) return;
    this.#isOwn = true;
    this.#view.x += this.#view.width * x;
    this.#view.y += this.#view.height * y;
    this.#draw();
  }

  #wheel(event) {
    event.preventDefault();
    const { left, top, width, height } = this.svg.getBoundingClientRect();
    const at = { x: (event.clientX - left) / width, y: (event.clientY - top) / height };
    this.#zoom(event.deltaY > 0 ? ZOOM : 1 / ZOOM, at);
  }

  #key(event) {
    const actions = {
      ArrowLeft: () => this.#pan(-PAN, 0),
      ArrowRight: () => this.#pan(PAN, 0),
      ArrowUp: () => this.#pan(0, -PAN),
      ArrowDown: () => this.#pan(0, PAN),
      "+": () => this.#zoom(1 / ZOOM),
      "=": () => this.#zoom(1 / ZOOM),
      "-": () => this.#zoom(ZOOM),
      0: () => this.#showAll(),
    };
    if (!Object.hasOwn(actions, event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    actions[event.key]();
  }

  #drag(begin) {
    const { clientWidth, clientHeight } = this.svg;
    let { clientX, clientY } = begin;
    const move = (event) => {
      this.#isOwn = true;
      const scale = Math.max(this.#view.width / clientWidth, this.#view.height / clientHeight);
      this.#view.x -= (event.clientX - clientX) * scale;
      this.#view.y -= (event.clientY - clientY) * scale;
      ({ clientX, clientY } = event);
      this.#draw();
    };
    const ending = new AbortController();
    const { signal } = ending;
    addEventListener("pointermove", move, { signal });
    for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => ending.abort(), { signal });
  }

  #soon() {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.render();
    }, 250);
  }
}

const isInside = ({ x, y }, view) =>
  x >= view.x && x <= view.x + view.width && y >= view.y && y <= view.y + view.height;

function drawShape({ kind, points, name }) {
  if (kind === "point") {
    const [{ x, y }] = points;
    return makeSvg("circle", { cx: x, cy: y, r: 0.01 }, makeSvg("title", {}, name));
  }
  const path = points.map(({ x, y }, index) => `${index ? "L" : "M"}${x.toFixed(5)},${y.toFixed(5)}`);
  const d = `${path.join("")}${kind === "area" ? "Z" : ""}`;
  return makeSvg("path", { d, class: kind }, makeSvg("title", {}, name));
}
