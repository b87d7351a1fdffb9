// The cameras: which there are, which can be seen on the screen, and what each may follow.

import { pause } from "./api.js";
import { CameraTile } from "./camera_tile.js";
import { byId, KeyedList, setText } from "./dom.js";
import { say } from "./language.js";
import { share, STREAMS_MAX } from "./share.js";

const ASK_EVERY_MS = 5000;
const LOOK_EVERY_MS = 1000;

export class CamerasPanel {
  #cameras = null;

  constructor(visit) {
    this.visit = visit;
    this.note = byId("cameras-note");
    this.list = new KeyedList(byId("camera-list"), (camera) => this.#makeTile(camera));
    this.seen = new IntersectionObserver((entries) => this.#noteVisible(entries));
    const signal = visit.signal;
    document.addEventListener("visibilitychange", () => this.#shareOut(), { signal });
    visit.link.addEventListener("lost", () => this.#shareOut(), { signal });
    visit.link.addEventListener("back", () => this.#shareOut(), { signal });
  }

  /** Follow the cameras until the visit ends. */
  async run() {
    const { link, signal } = this.visit;
    const timer = setInterval(() => this.render(), LOOK_EVERY_MS);
    signal.addEventListener("abort", () => clearInterval(timer));
    await link.repeat(signal, this.note, async () => {
      this.#cameras = (await link.ask("/v1/cameras", { signal })).items;
      this.render();
      await pause(ASK_EVERY_MS, signal);
    });
  }

  /** Show what is known. */
  render() {
    if (!this.#cameras || this.visit.signal.aborted) return;
    this.list.show(this.#cameras.map((camera) => [camera.name, camera]));
    setText(this.note, this.#sayNote());
    this.#shareOut();
  }

  close() {
    this.seen.disconnect();
    this.list.show([]);
  }

  #sayNote() {
    if (!this.#cameras.length) return say("no_cameras");
    return this.visit.may("pictures") ? "" : say("no_pictures");
  }

  #makeTile(camera) {
    const tile = new CameraTile(camera, {
      visit: this.visit,
      onLarge: (chosen) => this.#enlarge(chosen),
    });
    tile.button.hidden = !this.visit.may("pictures");
    this.seen.observe(tile.node);
    return tile;
  }

  #enlarge(chosen) {
    for (const tile of this.list.views.values()) tile.isLarge = tile === chosen && !tile.isLarge;
    this.render();
    chosen.node.scrollIntoView({ block: "nearest" });
  }

  #noteVisible(entries) {
    for (const tile of this.list.views.values()) {
      const entry = entries.findLast(({ target }) => target === tile.node);
      if (entry) tile.isVisible = entry.isIntersecting;
    }
    this.#shareOut();
  }

  #shareOut() {
    const isIdle = document.hidden || this.visit.link.lostAt || !this.visit.may("pictures");
    const tiles = [...this.list.views.values()].map((tile) => ({
      name: tile.camera.name,
      isVisible: tile.isVisible && !isIdle,
      isLarge: tile.isLarge,
      isAwake: Boolean(tile.camera.awake),
      isSeeing: tile.isSeeing,
    }));
    const shares = share(Math.max(1, STREAMS_MAX - this.visit.openClips), tiles);
    for (const [name, tile] of this.list.views) tile.follow(shares.get(name));
  }
}
