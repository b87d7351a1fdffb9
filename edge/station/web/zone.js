// Days in a time zone that need not be the browser's; pure.

/** When a day ("2026-11-22") ends in a zone, RFC 3339; null for what is no day or zone. */
export function endOfDay(day, zone) {
  const end_ms = Date.parse(`${day}T24:00:00Z`);
  if (!Number.isFinite(end_ms)) return null;
  try {
    // By the offset that holds there: at the change of a clock the first guess may be off.
    const guess_ms = end_ms - offsetOf(end_ms, zone);
    return new Date(end_ms - offsetOf(guess_ms, zone)).toISOString();
  } catch {
    return null;
  }
}

/** How far a zone's clock is ahead of UTC at a moment, in ms. */
function offsetOf(at_ms, zone) {
  const format = new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "longOffset" });
  const { value } = format.formatToParts(at_ms).find(({ type }) => type === "timeZoneName");
  const [, sign, hours, minutes] = /GMT([+-])(\d+):(\d+)/.exec(value) ?? [null, "+", "0", "0"];
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}
