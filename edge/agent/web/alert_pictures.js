// An alert's snapshot, and its clips in a player that opens where the alert stands.

import { mediaPath } from "./api.js";
import { make, setText } from "./dom.js";
import { say } from "./language.js";
import { homeNow_ms } from "./times.js";

const DUE_MS = 180_000; // A clip ends 60 s after its alert opened; then it must be written.
const MIB = 1024 * 1024;

/** Whether a snapshot or a clip of the alert may still come. */
export function lacksPictures({ opened_at, media }) {
  const roles = media.map(({ role }) => role);
  const isYoung = homeNow_ms() - Date.parse(opened_at) < DUE_MS;
  return isYoung && !(roles.includes("snapshot") && roles.includes("clip"));
}

export class AlertPictures {
  #alert = null;
  #media = [];
  #shown = null; // The hash of what the player shows.
  #video = null;

  constructor(visit) {
    this.visit = visit;
    this.image = make("img", { alt: "", loading: "lazy", decoding: "async" });
    this.image.hidden = true;
    this.words = make("span", { class: "on-picture" });
    const onclick = () => (this.#shown ? this.#hide() : this.#show(this.#first()));
    this.thumb = make("button", { type: "button", class: "thumb", onclick }, this.image, this.words);
    this.player = make("div", { class: "player" });
    this.player.hidden = true;
  }

  /** Take over an alert's files. */
  update(alert) {
    const { media, rule } = alert;
    this.#alert = alert;
    this.thumb.hidden = !this.visit.may("pictures") || (rule.type === "system" && !media.length);
    this.#media = media.filter(({ sha256 }) => mediaPath(sha256));
    const snapshot = this.#media.findLast(({ role }) => role === "snapshot");
    if (snapshot && this.image.getAttribute("src") !== mediaPath(snapshot.sha256)) {
      this.image.src = mediaPath(snapshot.sha256);
      this.image.hidden = false;
    }
    this.image.alt = say("snapshot");
    const isOpen = Boolean(this.#shown);
    this.thumb.setAttribute("aria-expanded", String(isOpen));
    this.thumb.disabled = !this.#first();
    setText(this.words, say(isOpen ? "close" : offerOf(alert, this.#first())));
    if (isOpen && this.player.dataset.offer !== this.#offer()) this.#fillBar();
  }

  close() {
    this.#hide();
  }

  #clips() {
    return this.#media.filter(({ role }) => role === "clip");
  }

  #first() {
    return this.#clips()[0] ?? this.#media.findLast(({ role }) => role === "snapshot");
  }

  /** What the bar below the player depends on. */
  #offer() {
    return JSON.stringify([this.#media.map(({ sha256 }) => sha256), this.#shown, say("play")]);
  }

  #show(item) {
    this.#stop();
    this.#shown = item.sha256;
    const path = mediaPath(item.sha256);
    const fault = make("p", { class: "fault", role: "alert" });
    const onerror = () => setText(fault, say("cannot_show"));
    if (item.role === "clip") {
      const flags = { controls: true, autoplay: true, muted: true, playsinline: true };
      this.#video = make("video", { ...flags, src: path, onerror });
      this.#video.muted = true; // The attribute alone does not count for elements made by a script.
      this.visit.openClips += 1;
    }
    const view = this.#video ?? make("img", { src: path, alt: say("snapshot"), onerror });
    this.bar = make("div", { class: "bar" });
    this.player.replaceChildren(view, fault, this.bar);
    this.player.hidden = false;
    this.#fillBar();
    this.update(this.#alert);
    this.player.scrollIntoView({ block: "nearest" });
  }

  #fillBar() {
    this.player.dataset.offer = this.#offer();
    const clips = this.#clips();
    const choices = clips.length > 1 ? clips : [];
    const shown = this.#media.find(({ sha256 }) => sha256 === this.#shown);
    const buttons = choices.map((clip, index) =>
      make(
        "button",
        {
          type: "button",
          "aria-pressed": String(clip.sha256 === this.#shown),
          onclick: () => this.#show(clip),
        },
        say("clip_n", { n: index + 1 }),
      ),
    );
    const size = shown ? (shown.bytes / MIB).toFixed(1) : "";
    const link = { href: mediaPath(this.#shown), download: fileName(shown) };
    this.bar.replaceChildren(
      ...buttons,
      make("a", link, say("download", { size })),
      make("button", { type: "button", onclick: () => this.#hide() }, say("close")),
    );
  }

  #hide() {
    if (!this.#shown) return;
    this.#stop();
    this.#shown = null;
    this.player.replaceChildren();
    this.player.hidden = true;
    this.update(this.#alert);
    if (this.thumb.isConnected) this.thumb.focus();
  }

  /** End a video's transfer: without this the browser keeps its connection. */
  #stop() {
    if (!this.#video) return;
    this.#video.removeAttribute("src");
    this.#video.load();
    this.#video = null;
    this.visit.openClips -= 1;
  }
}

/** What the picture's button says it does, or why it does nothing. */
function offerOf(alert, first) {
  if (first?.role === "clip") return "play";
  if (first) return lacksPictures(alert) ? "no_clip_yet" : "larger";
  return lacksPictures(alert) ? "no_pictures_yet" : "none_made";
}

function fileName(item) {
  const suffix = { "video/mp4": "mp4", "image/jpeg": "jpg" }[item?.type] ?? "bin";
  return `${item?.role}-${item?.sha256.slice(0, 12)}.${suffix}`;
}
