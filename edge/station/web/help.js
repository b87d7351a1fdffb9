// The list of keys, and what a stranger must know.

import { byId, make } from "./dom.js";
import { say } from "./language.js";

const KEYS = [
  ["j k ↓ ↑", "key_move"],
  ["g", "key_first"],
  ["Enter", "key_open"],
  ["Space", "key_play"],
  ["a", "key_ack"],
  ["n", "key_note"],
  ["r 1 2 3", "key_verdict"],
  ["h", "key_hold"],
  ["l", "key_live"],
  ["p m s", "key_side"],
  ["w", "key_wide"],
  ["u", "key_mute"],
  ["/", "key_filter"],
  ["Esc", "key_back"],
  ["?", "key_help"],
];

export class Help {
  /** Say it in the language that is spoken now. */
  render() {
    const nodes = KEYS.flatMap(([keys, text]) => [
      make("dt", {}, ...keys.split(" ").flatMap((key) => [make("kbd", {}, key), " "])),
      make("dd", {}, say(text)),
    ]);
    byId("help-keys").replaceChildren(...nodes);
  }

  open() {
    if (!byId("help").open) byId("help").showModal();
  }
}
