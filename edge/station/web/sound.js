// The alarm's sounds, made in code. A browser makes none before the first click or key on the page.

// [Hz, begins at s, lasts s] of each tone, and how soon the whole is said again.
const SOUNDS = {
  critical: { tones: [[880, 0, 0.14], [1175, 0.17, 0.14], [1568, 0.34, 0.22]], every_ms: 2000, gain: 0.3 },
  major: { tones: [[740, 0, 0.16], [988, 0.2, 0.22]], every_ms: 4000, gain: 0.22 },
  minor: { tones: [[587, 0, 0.18]], every_ms: 8000, gain: 0.16 },
  info: { tones: [[587, 0, 0.18]], every_ms: 15_000, gain: 0.12 },
  lost: { tones: [[330, 0, 0.25], [247, 0.3, 0.4]], every_ms: 15_000, gain: 0.22 },
};
const EDGE_S = 0.015; // Without it a tone begins and ends with a click.

/** Plays sounds where it may; `onState()` is called when that changes. */
export class Sound {
  onState = () => {};
  #context = null;
  #played_ms = -Infinity;

  /** `on`, `blocked` until somebody touches the page, or `none` where the browser has no sound. */
  get state() {
    if (!globalThis.AudioContext) return "none";
    return this.#context?.state === "running" ? "on" : "blocked";
  }

  /** Switch on; counts only while a click or a key is being handled. */
  async unlock() {
    // Before anybody has touched the page the browser would refuse, and complain of it.
    if (this.state !== "blocked" || navigator.userActivation?.hasBeenActive === false) return;
    if (!this.#context) {
      this.#context = new AudioContext();
      this.#context.addEventListener("statechange", () => this.onState());
    }
    await this.#context.resume().catch(() => {}); // Still blocked: `state` says so.
    this.onState();
  }

  /** Play a sound unless it was played just now; true where it was. */
  play(name, now_ms) {
    const { tones, every_ms, gain } = SOUNDS[name] ?? SOUNDS.major;
    if (this.state !== "on" || now_ms - this.#played_ms < every_ms) return false;
    this.#played_ms = now_ms;
    for (const [hertz, begin_s, lasts_s] of tones) this.#tone(hertz, begin_s, lasts_s, gain);
    return true;
  }

  /** Let the next sound be played at once. */
  hurry() {
    this.#played_ms = -Infinity;
  }

  #tone(hertz, begin_s, lasts_s, gain) {
    const context = this.#context;
    const from_s = context.currentTime + begin_s;
    const oscillator = new OscillatorNode(context, { type: "triangle", frequency: hertz });
    const volume = new GainNode(context, { gain: 0 });
    volume.gain.setValueAtTime(0, from_s);
    volume.gain.linearRampToValueAtTime(gain, from_s + EDGE_S);
    volume.gain.setValueAtTime(gain, from_s + lasts_s - EDGE_S);
    volume.gain.linearRampToValueAtTime(0, from_s + lasts_s);
    oscillator.connect(volume).connect(context.destination);
    oscillator.start(from_s);
    oscillator.stop(from_s + lasts_s);
  }
}
