// What is said of a pole.

import { say, word } from "./language.js";
import { sayMib } from "./transfers.js";

/** Why it is not heard. */
export const sayCause = ({ cause }) => (cause ? word("cause", cause) : "");

/** What of it is still to come. */
export function sayFiles({ files_waiting, bytes_waiting }) {
  if (!files_waiting) return "";
  return say("files_waiting", { n: files_waiting, size: sayMib(bytes_waiting) });
}
