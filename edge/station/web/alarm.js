// Sounds as long as an alert is new to everybody, and while the station can't be reached. It is
// never silent without saying so: muted it counts down, blocked by the browser it asks for a click.

import { byId, setText } from "./dom.js";
import { say, word } from "./language.js";
import { worstNew } from "./order.js";

const TICK_MS = 500;
const MUTE_MS = 5 * 60_000;

export class Alarm {
  #muted_until_ms = 0;
  #wasOn = false; // Before the click or key that is being handled.

  constructor({ desk, link, signal }, sound) {
    this.desk = desk;
    this.link = link;
    this.sound = sound;
    sound.onState = () => this.render();
    this.button = byId("sound");
    this.banner = byId("unlock");
    const touched = () => {
      this.#wasOn = this.sound.state === "on";
      this.sound.unlock();
    };
    document.addEventListener("click", touched, { signal, capture: true });
    document.addEventListener("keydown", touched, { signal });
    this.button.addEventListener("click", () => this.#press(), { signal });
    desk.addEventListener("opened", () => this.sound.hurry(), { signal });
    desk.addEventListener("alerts", () => this.#tick(), { signal });
    const timer = setInterval(() => this.#tick(), TICK_MS);
    signal.addEventListener("abort", () => clearInterval(timer));
    this.sound.unlock(); // Allowed where somebody has just signed in by a click.
    this.render();
  }

  /** Be silent for five minutes, or no longer. */
  toggleMute() {
    this.#muted_until_ms = this.#left_ms() ? 0 : performance.now() + MUTE_MS;
    this.sound.hurry();
    this.render();
  }

  /** Say whether it can be heard. */
  render() {
    const left_ms = this.#left_ms();
    const state = this.sound.state;
    this.banner.hidden = state === "on";
    this.banner.classList.toggle("lasting", state === "none");
    setText(this.banner, say(state === "none" ? "sound_none" : "sound_blocked"));
    const minutes = Math.floor(left_ms / 60_000);
    const seconds = String(Math.floor((left_ms % 60_000) / 1000)).padStart(2, "0");
    const left = `${minutes}:${seconds}`;
    setText(this.button, left_ms ? say("muted", { left }) : word("audible", state));
    this.button.disabled = state === "none";
    this.button.setAttribute("aria-pressed", String(Boolean(left_ms)));
  }

  close() {
    this.sound.onState = () => {};
    this.banner.hidden = true;
    document.documentElement.dataset.alarm = "";
  }

  /** The click itself has asked for sound: where there is none yet there is nothing to mute. */
  #press() {
    if (this.#wasOn || this.#left_ms()) this.toggleMute();
  }

  #left_ms() {
    return Math.max(0, this.#muted_until_ms - performance.now());
  }

  #tick() {
    this.render();
    const wanted = this.link.lostAt ? "lost" : worstNew(this.desk);
    document.documentElement.dataset.alarm = wanted ?? "";
    if (wanted && !this.#left_ms()) this.sound.play(wanted, performance.now());
  }
}
