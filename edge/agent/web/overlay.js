// Draws over a camera's picture: zones and lines as installed, and boxes round what is followed.

import { KeyedList, makeSvg } from "./dom.js";
import { word } from "./language.js";

const TOP = 0.1;
const RIGHT = 0.7;
const percent = (share) => `${(Math.min(1, Math.max(0, share)) * 100).toFixed(2)}%`;

/** An SVG to be laid over a picture, in fractions of it. */
export class Overlay {
  constructor() {
    // Shapes of points are stretched with the picture; boxes go by percent, so that words are not.
    this.drawn = makeSvg("svg", { viewBox: "0 0 1 1", preserveAspectRatio: "none" });
    const boxes = makeSvg("g");
    this.boxes = new KeyedList(boxes, makeBox);
    this.node = makeSvg("svg", { class: "overlay", "aria-hidden": "true" }, this.drawn, boxes);
  }

  /** Draw what the installer drew. */
  showPlaces(zones, lines) {
    const shapes = zones.map(({ points }) => makeSvg("polygon", { points: points.join(" ") }));
    for (const { from, to } of lines) {
      shapes.push(makeSvg("line", { x1: from[0], y1: from[1], x2: to[0], y2: to[1] }));
    }
    this.drawn.replaceChildren(...shapes);
  }

  /** Draw the boxes of tracks; none takes them away. */
  showTracks(tracks) {
    this.boxes.show(tracks.map((track) => [track.track, track]));
  }
}

function makeBox() {
  const shape = makeSvg("rect");
  const name = makeSvg("text");
  return {
    node: makeSvg("g", { class: "track" }, shape, name),
    update({ track, label, box, stationary }) {
      const [x_min, y_min, x_max, y_max] = box;
      shape.setAttribute("x", percent(x_min));
      shape.setAttribute("y", percent(y_min));
      shape.setAttribute("width", percent(x_max - x_min));
      shape.setAttribute("height", percent(y_max - y_min));
      shape.classList.toggle("still", stationary);
      // A name above a box at the top, or begun with one at the right, would be cut off.
      name.setAttribute("dy", y_min < TOP ? "14" : "-4");
      const isRight = x_min > RIGHT;
      name.setAttribute("text-anchor", isRight ? "end" : "start");
      name.setAttribute("x", percent(isRight ? x_max : x_min));
      name.setAttribute("y", percent(y_min));
      name.textContent = `${word("label", label)} ${track}`;
    },
    close() {},
  };
}
