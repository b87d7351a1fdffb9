// One camera: its picture with boxes, and in words what is wrong where it does not see.

import { cameraPath, parse } from "./api.js";
import { make, setText } from "./dom.js";
import { say, word } from "./language.js";
import { LivePicture } from "./live_picture.js";
import { Overlay } from "./overlay.js";
import { homeNow_ms, sayAge, sayTime } from "./times.js";

const WELL = ["seeing", "dark"];
const OLD_MS = 4000; // A live picture is no longer called so when its next one is this late.
const RETRY_MS = 10_000;

export class CameraTile {
  news = { kind: "waiting" };
  isVisible = false;
  isLarge = false;
  #places = "";
  #source = null;
  #retry = null;

  constructor(camera, { visit, onLarge }) {
    this.camera = camera;
    this.overlay = new Overlay();
    this.canvas = make("canvas", { width: "16", height: "9", role: "img" });
    this.words = make("span", { class: "on-picture" });
    this.button = make(
      "button",
      { type: "button", class: "picture", onclick: () => onLarge(this) },
      this.canvas,
      this.overlay.node,
      this.words,
    );
    this.state = make("span", { class: "chip" });
    this.title = make("h3");
    this.reason = make("p", { class: "reason" });
    this.facts = make("p", { class: "note" });
    const head = make("div", { class: "head" }, this.title, this.state);
    this.node = make("li", { class: "camera" }, head, this.button, this.reason, this.facts);
    this.picture = new LivePicture(this.canvas, {
      path: (rest) => cameraPath(camera.name, rest),
      link: visit.link,
      onNews: (news) => this.#hear(news),
    });
  }

  /** Whether pictures can be expected of it. */
  get isSeeing() {
    return WELL.includes(this.camera.state);
  }

  /** Show what is known of the camera now. */
  update(camera) {
    this.camera = camera;
    const isWell = this.isSeeing;
    setText(this.title, camera.name);
    setText(this.state, word("state", camera.state));
    this.state.className = isWell ? "chip good" : "chip bad";
    setText(this.reason, isWell ? "" : sayReason(camera));
    setText(this.facts, sayFacts(camera));
    this.#showPlaces();
    this.canvas.setAttribute("aria-label", say("picture_of", { camera: camera.name }));
    this.button.setAttribute("aria-expanded", String(this.isLarge));
    this.button.title = say(this.isLarge ? "smaller" : "larger");
    this.node.classList.toggle("large", this.isLarge);
    this.#showNews();
  }

  /** Follow as much of the camera as `share` of share.js grants. */
  follow({ picture, hasBoxes }) {
    this.picture.set(picture);
    if (picture !== "live") this.overlay.showTracks([]);
    if (hasBoxes && !this.#source) this.#openTracks();
    if (!hasBoxes) this.#closeTracks();
  }

  close() {
    this.picture.set("off");
    this.#closeTracks();
  }

  #openTracks() {
    this.#source = new EventSource(cameraPath(this.camera.name, "tracks"));
    this.#source.onmessage = ({ data }) => {
      const isLive = this.news.kind === "live";
      this.overlay.showTracks(isLive ? (parse(data)?.tracks ?? []) : []);
    };
    this.#source.onerror = ({ target }) => {
      this.overlay.showTracks([]);
      if (target.readyState !== EventSource.CLOSED) return; // It tries again by itself.
      this.#closeTracks();
      this.#retry = setTimeout(() => this.#openTracks(), RETRY_MS);
    };
  }

  #closeTracks() {
    clearTimeout(this.#retry);
    this.#source?.close();
    this.#source = null;
    this.overlay.showTracks([]);
  }

  #showPlaces() {
    const { zones = [], lines = [], width, height } = this.camera;
    const places = JSON.stringify([zones, lines]);
    if (places !== this.#places) this.overlay.showPlaces(zones, lines);
    this.#places = places;
    if (width && height) this.button.style.aspectRatio = `${width} / ${height}`;
  }

  #hear(news) {
    this.news = { at: this.news.at, ...news };
    this.#showNews();
  }

  #showNews() {
    const { kind, at, detail } = this.news;
    const isLive = kind === "live" && homeNow_ms() - at < OLD_MS;
    this.node.classList.toggle("live", isLive);
    this.node.classList.toggle("old", !isLive && kind !== "still");
    if (isLive) return setText(this.words, say("live"));
    const age = at ? sayAge(new Date(at).toISOString()) : "";
    if (kind === "still") return setText(this.words, say("still", { age }));
    const text = at ? say("old_picture", { age }) : say(kind === "fault" ? "no_picture" : "waiting");
    // Why a camera does not see stands below its picture.
    setText(this.words, detail && this.isSeeing ? `${text} ${detail}` : text);
  }
}

function sayReason({ state, reason, since }) {
  const advice = word("do", state);
  const words = advice === state ? "" : advice;
  const given = reason && `(${reason})`;
  return [say("since", { time: sayTime(since) }), words, given].filter(Boolean).join(" ");
}

function sayFacts({ watch, width, height, fps, codec, gop_s }) {
  const facts = [];
  if (width) facts.push(`${width} × ${height}`);
  if (fps) facts.push(say("fps", { n: Math.round(fps) }));
  if (codec) facts.push(codec === "hevc" ? "H.265" : "H.264");
  if (gop_s) facts.push(say("gop", { n: Math.round(gop_s * 10) / 10 }));
  if (watch === false) facts.push(say("not_watched"));
  return facts.join(" · ");
}
