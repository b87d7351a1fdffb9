// Whether the pole can be relied on, part by part, what is wrong first.

import { pause } from "./api.js";
import { byId, KeyedList, make, setText } from "./dom.js";
import { say, word } from "./language.js";
import { sayAge, setHomeTime } from "./times.js";

const ASK_EVERY_MS = 10_000;
const UNWELL = 503; // An answer too: it says what is wrong.

export class HealthPanel {
  #health = null;

  constructor(visit) {
    this.visit = visit;
    this.note = byId("health-note");
    this.list = new KeyedList(byId("health-list"), makePart);
  }

  /** Ask until the visit ends. */
  async run() {
    const { link, signal } = this.visit;
    await link.repeat(signal, this.note, async () => {
      const health = await link.ask("/v1/health", { signal, accept: UNWELL });
      if (health?.at) setHomeTime(health.at);
      this.#health = health;
      this.render();
      await pause(ASK_EVERY_MS, signal);
    });
  }

  /** Show what was last heard. */
  render() {
    if (!this.#health || this.visit.signal.aborted) return;
    const { ok, parts = [] } = this.#health;
    const sorted = [...parts].sort((one, other) => Number(one.ok) - Number(other.ok));
    this.list.show(sorted.map((part) => [`${part.kind} ${part.name}`, part]));
    const wrong = parts.filter((part) => !part.ok).length;
    setText(this.note, ok ? say("all_well") : say("not_well", { n: wrong }));
    setText(byId("health-mark"), ok ? "✓" : String(wrong || "!"));
    byId("health-mark").className = ok ? "good" : "bad";
  }

  close() {
    this.list.show([]);
    this.#health = null;
  }
}

function makePart() {
  const title = make("b");
  const state = make("span", { class: "chip" });
  const words = make("p", { class: "reason" });
  return {
    node: make("li", { class: "part" }, title, state, words),
    update(part) {
      setText(title, sayPart(part));
      setText(state, say(part.ok ? "well" : "wrong"));
      state.className = part.ok ? "chip good" : "chip bad";
      setText(words, part.ok ? sayWell(part) : sayWrong(part));
    },
    close() {},
  };
}

function sayPart({ kind, name }) {
  return kind === "camera" ? say("part_camera_named", { name }) : word("part", kind);
}

function sayWrong({ kind, reason, data = {} }) {
  const state = kind === "camera" ? data.state : kind;
  const advice = word("do", state);
  const given = reason && `(${reason})`;
  return [advice === String(state) ? "" : advice, given].filter(Boolean).join(" ");
}

function sayWell({ kind, data = {} }) {
  if (kind === "camera") return word("state", data.state);
  if (kind === "clock") return word("clock", data.state);
  if (kind !== "alerts") return word("well", kind);
  const oldest = data.oldest_unacked;
  return oldest ? say("oldest_unacked", { age: sayAge(oldest.at) }) : say("none_unacked");
}
