// What is said of a pole.

import { say } from "./language.js";
import { sayAge } from "./times.js";
import { sayMib } from "./transfers.js";

/** How it is; of one that is not heard how it was when it was. */
export function sayHealth({ state, is_well, unwell, health_at }) {
  const health = is_well ? say("well") : say("unwell", { parts: unwell.join(", ") });
  const isHeard = state === "up" || state === "catching up";
  return isHeard || !health_at ? health : say("health_then", { health, age: sayAge(health_at) });
}

/** What of it is still to come. */
export function sayFiles({ files_waiting, bytes_waiting }) {
  if (!files_waiting) return "";
  return say("files_waiting", { n: files_waiting, size: sayMib(bytes_waiting) });
}
