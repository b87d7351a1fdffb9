// How far an alert's files have come from their pole, in words.

import { say, word } from "./language.js";
import { homeNow_ms } from "./times.js";

const DUE_MS = 180_000; // A clip ends 60 s after its alert opened; then the pole must write it.
const MIB = 1024 * 1024;
const SILENT = ["silent", "refused"];

/** Where a file is; null for what is no hash or no name of a pole, whoever wrote it. */
export function fileAddress(pole, sha256) {
  const isGood = /^[0-9a-f]{64}$/.test(sha256) && /^[A-Za-z0-9._-]{1,64}$/.test(pole);
  return isGood ? `/v1/media/${encodeURIComponent(pole)}/${sha256}` : null;
}

/** Bytes as people read them. */
export const sayMib = (bytes) => (bytes / MIB).toFixed(bytes < MIB / 10 ? 2 : 1);

/**
 * What to say of files of a role that are not to be seen yet: `{text, share}`, the share in 0..1
 * where something is on its way, else null. `pole` is its view, or undefined.
 */
export function describeTransfer(alert, role, pole) {
  const files = alert.media.filter((file) => file.role === role);
  const file = files.find(({ state }) => state === "waiting") ?? files.at(-1);
  if (!file) return { text: sayMissing(alert, role, pole), share: null };
  if (file.state !== "waiting") {
    const reason = file.reason ? ` (${file.reason})` : "";
    return { text: `${word("file", file.state.replace(" ", "_"))}${reason}`, share: null };
  }
  const coming = pole?.coming.find(({ sha256 }) => sha256 === file.sha256);
  if (coming) {
    const share = Math.min(1, coming.got_bytes / Math.max(1, coming.bytes));
    const values = { percent: Math.floor(share * 100), size: sayMib(file.bytes) };
    return { text: say("file_coming", values), share };
  }
  const key = SILENT.includes(pole?.state) ? "file_pole_silent" : "file_waiting";
  return { text: say(key, { size: sayMib(file.bytes) }), share: null };
}

function sayMissing(alert, role, pole) {
  if (alert.rule.type === "system") return say("no_pictures_of_it");
  if (SILENT.includes(pole?.state)) return say("none_pole_silent");
  const isYoung = homeNow_ms() - Date.parse(alert.received_at) < DUE_MS;
  if (isYoung) return say(role === "clip" ? "clip_not_made_yet" : "snapshot_not_made_yet");
  return say("none_made");
}
