// The chosen alert's picture, large: its snapshot with the box, its clips, or its camera live. A clip
// begins by itself once it is here, unless somebody has chosen what he looks at.

import { make, makeSvg, setText } from "./dom.js";
import { say } from "./language.js";
import { LiveView } from "./live_view.js";
import { keyOf } from "./order.js";
import { describeTransfer, fileAddress, sayMib } from "./transfers.js";

const STEADY_MS = 200; // Who runs through the list asks for no picture: each one is on record.

export class Stage {
  #alert = null;
  #pole = undefined;
  #wanted = null; // What somebody chose: "snapshot", a clip's hash, "live"; null: the best there is.
  #shown = "";
  #live = null;
  #video = null;
  #timer = null;

  constructor(visit) {
    this.visit = visit;
    this.view = make("div", { class: "view" });
    this.words = make("p", { class: "transfer", role: "status" });
    this.bar_of_share = make("progress", { max: "1" });
    this.choices = make("div", { class: "bar choices", role: "group" });
    const coming = make("div", { class: "coming" }, this.bar_of_share, this.words);
    this.node = make("div", { class: "stage" }, this.view, coming, this.choices);
  }

  /** Show an alert's pictures; `pole` is its pole's view, undefined of the station's own. */
  update(alert, pole) {
    const isOther = this.#alert === null || keyOf(alert) !== keyOf(this.#alert);
    this.#alert = alert;
    this.#pole = pole;
    this.node.hidden = alert.rule.type === "station"; // No picture, so room for what it tells.
    if (isOther) {
      this.#wanted = null;
      this.#empty();
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#render(), STEADY_MS);
    } else this.#render();
    this.#sayTransfer();
  }

  /** Change between the camera as it is now and what was recorded. */
  toggleLive() {
    if (!this.#canLive()) return false;
    this.#choose(this.#wanted === "live" ? null : "live");
    return true;
  }

  /** Play the clip that is shown; false where none is. */
  play() {
    this.#video?.play().catch(() => {}); // It was taken away meanwhile.
    return Boolean(this.#video);
  }

  /** Play the clip that is shown, or pause it. */
  togglePlay() {
    if (!this.#video) return false;
    if (this.#video.paused) return this.play();
    this.#video.pause();
    return true;
  }

  close() {
    clearTimeout(this.#timer);
    this.#empty();
    this.#alert = null;
  }

  #canLive() {
    return Boolean(this.#alert?.camera && this.#pole && this.visit.may("pictures"));
  }

  #choose(what) {
    this.#wanted = what;
    this.#render();
  }

  #files() {
    const { pole, media } = this.#alert;
    return media.filter(({ state, sha256 }) => state === "here" && fileAddress(pole, sha256));
  }

  /** What to show: what was chosen if it is there, else the first clip, else the snapshot. */
  #pick() {
    const files = this.#files();
    const clips = files.filter(({ role }) => role === "clip");
    const snapshot = files.findLast(({ role }) => role === "snapshot");
    if (this.#wanted === "live") return { what: "live", clips, snapshot };
    const chosen = this.#wanted === "snapshot" ? snapshot : clips.find((clip) => clip.sha256 === this.#wanted);
    const file = chosen ?? clips[0] ?? snapshot ?? null;
    return { what: file ? file.sha256 : "nothing", file, clips, snapshot };
  }

  #render() {
    // What nobody can see is not asked for: each picture is on record, and a stream is a connection.
    if (!this.#alert || !this.node.checkVisibility()) return this.#empty();
    if (!this.visit.may("pictures")) return this.#sayForbidden();
    const picked = this.#pick();
    if (picked.what !== this.#shown) {
      this.#empty();
      this.#shown = picked.what;
      this.view.replaceChildren(this.#makeView(picked));
    }
    this.#showChoices(picked);
    this.#sayTransfer();
  }

  #sayForbidden() {
    this.view.replaceChildren(make("p", { class: "nothing" }, say("no_pictures_allowed")));
  }

  #makeView({ what, file }) {
    const { pole, camera } = this.#alert;
    if (what === "live") {
      this.#live = new LiveView(pole, camera, this.visit.link);
      return this.#live.node;
    }
    if (!file) return make("p", { class: "nothing" }, describeTransfer(this.#alert, "snapshot", this.#pole).text);
    const src = fileAddress(pole, file.sha256);
    const onerror = () => this.view.replaceChildren(make("p", { class: "nothing bad" }, say("cannot_show")));
    if (file.role === "clip") {
      const flags = { controls: true, autoplay: true, muted: true, playsinline: true };
      this.#video = make("video", { ...flags, src, onerror, "aria-label": say("clip") });
      this.#video.muted = true; // The attribute alone does not count for elements made by a script.
      return this.#video;
    }
    const image = make("img", { src, alt: say("snapshot"), onerror });
    return make("div", { class: "boxed" }, image, ...drawBox(this.#alert.where.box));
  }

  #showChoices({ what, clips, snapshot, file }) {
    const offers = [];
    if (snapshot) offers.push({ key: "snapshot", text: say("show_snapshot"), isOn: what === snapshot.sha256 });
    clips.forEach((clip, index) => {
      const text = clips.length > 1 ? say("clip_n", { n: index + 1 }) : say("clip");
      offers.push({ key: clip.sha256, text, isOn: what === clip.sha256 });
    });
    if (this.#canLive()) offers.push({ key: "live", text: say("show_live"), isOn: what === "live" });
    const shown = JSON.stringify([offers, file?.sha256]);
    if (this.choices.dataset.shown === shown) return;
    this.choices.dataset.shown = shown;
    const buttons = offers.map(({ key, text, isOn }) => {
      const onclick = () => this.#choose(isOn && key === "live" ? null : key);
      return make("button", { type: "button", "aria-pressed": String(isOn), onclick }, text);
    });
    if (file) buttons.push(makeDownload(this.#alert.pole, file));
    this.choices.replaceChildren(...buttons);
  }

  /** Of the clip where it is not here; else nothing. */
  #sayTransfer() {
    const isClipHere = this.#files().some(({ role }) => role === "clip");
    const isAny = this.visit.may("pictures") && this.#alert.media.length > 0;
    const { text, share } = describeTransfer(this.#alert, "clip", this.#pole);
    const waits = this.#alert.media.some(({ state }) => state === "waiting");
    const says = isAny && (!isClipHere || waits);
    setText(this.words, says ? `${say("clip")}: ${text}` : "");
    this.bar_of_share.hidden = !says || share === null;
    if (share !== null) this.bar_of_share.value = share;
    this.#sayNothing();
  }

  /** Where there is no picture, its place says how far the snapshot is. */
  #sayNothing() {
    const place = this.view.querySelector(".nothing:not(.bad)");
    if (!place || this.#shown !== "nothing") return;
    setText(place, describeTransfer(this.#alert, "snapshot", this.#pole).text);
  }

  /** End what is shown: without this the browser keeps a video's connection. */
  #empty() {
    this.#live?.close();
    this.#live = null;
    if (this.#video) {
      this.#video.removeAttribute("src");
      this.#video.load();
      this.#video = null;
    }
    this.#shown = "";
    this.view.replaceChildren();
    this.choices.replaceChildren();
    delete this.choices.dataset.shown;
  }
}

function drawBox(box) {
  const isBox = Array.isArray(box) && box.length === 4 && box.every((share) => share >= 0 && share <= 1);
  if (!isBox) return [];
  const [x_min, y_min, x_max, y_max] = box.map((share) => share * 100);
  const size = { x: x_min, y: y_min, width: x_max - x_min, height: y_max - y_min };
  if (!(size.width > 0 && size.height > 0)) return [];
  const settings = { class: "box", viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" };
  return [makeSvg("svg", settings, makeSvg("rect", size))];
}

function makeDownload(pole, { sha256, role, type, bytes }) {
  const suffix = { "video/mp4": "mp4", "image/jpeg": "jpg" }[type] ?? "bin";
  const download = `${pole}-${role}-${sha256.slice(0, 12)}.${suffix}`;
  return make("a", { href: fileAddress(pole, sha256), download }, say("download", { size: sayMib(bytes) }));
}
