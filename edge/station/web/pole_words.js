// What is said of a pole.

import { say } from "./language.js";
import { sayMib } from "./transfers.js";

/** What of it is still to come. */
export function sayFiles({ files_waiting, bytes_waiting }) {
  if (!files_waiting) return "";
  return say("files_waiting", { n: files_waiting, size: sayMib(bytes_waiting) });
}
