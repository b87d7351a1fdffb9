// A camera's picture as it is now, with words on it that say when it is not.

import { make, setText } from "./dom.js";
import { say } from "./language.js";
import { LivePicture } from "./live_picture.js";
import { homeNow_ms, sayAge } from "./times.js";

const OLD_MS = 4000; // A live picture is no longer called so when its next one is this late.
const LOOK_EVERY_MS = 1000;

export class LiveView {
  #news = { kind: "waiting" };

  /** Begins at once, through the station, and goes on until it is closed. */
  constructor(pole, camera, link) {
    const label = say("live_of", { pole, camera });
    this.canvas = make("canvas", { width: "16", height: "9", role: "img", "aria-label": label });
    this.words = make("span", { class: "on-picture", role: "status" });
    this.node = make("div", { class: "live-view" }, this.canvas, this.words);
    const folder = `/v1/poles/${encodeURIComponent(pole)}/cameras/${encodeURIComponent(camera)}`;
    this.picture = new LivePicture(this.canvas, {
      path: (rest) => `${folder}/${rest}`,
      link,
      onNews: (news) => this.#hear(news),
    });
    this.timer = setInterval(() => this.#show(), LOOK_EVERY_MS);
    this.picture.set("live");
    this.#show();
  }

  close() {
    clearInterval(this.timer);
    this.picture.set("off");
    this.node.remove();
  }

  #hear(news) {
    this.#news = { at: this.#news.at, ...news };
    this.#show();
  }

  #show() {
    const { kind, at, detail = "" } = this.#news;
    const isLive = kind === "live" && homeNow_ms() - at < OLD_MS;
    this.node.classList.toggle("live", isLive);
    this.node.classList.toggle("old", !isLive);
    if (isLive) return setText(this.words, say("live"));
    const age = at ? sayAge(new Date(at).toISOString()) : "";
    const text = at ? say("old_picture", { age }) : say(kind === "fault" ? "no_picture" : "waiting");
    setText(this.words, `${text} ${detail}`.trim());
  }
}
