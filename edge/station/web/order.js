// Which alerts a desk sees first, and how it names them; pure.

const SEVERITIES = ["critical", "major", "minor", "info"];

/** What tells an alert from all others: ids are unique, and poles may lie about theirs. */
export const keyOf = ({ pole, id }) => `${pole} ${id}`;

/** Whether nobody has said that he knows of it, or not of one as bad as it is now. */
export const isNew = (alert) =>
  alert.state === "open" && !alert.resolved && (!alert.acked || isRaised(alert));

/** Whether it is worse than it was when somebody acknowledged it. */
export function isRaised({ severity, acked, resolved }) {
  return !resolved && Boolean(acked?.severity) && rankOf({ severity }) < rankOf(acked);
}

/** How bad, 0 being the worst; what we do not know is taken for the least. */
function rankOf({ severity }) {
  const rank = SEVERITIES.indexOf(severity);
  return rank < 0 ? SEVERITIES.length : rank;
}

/** Order for the list: new before known, worst first, then by arrival: poles' clocks may lie. */
export function compareAlerts(one, other) {
  return (
    Number(isNew(other)) - Number(isNew(one)) ||
    rankOf(one) - rankOf(other) ||
    compareTexts(other.received_at, one.received_at) ||
    compareTexts(keyOf(one), keyOf(other))
  );
}

/** Order by arrival, the newest first. */
export function compareArrival(one, other) {
  return (
    compareTexts(other.received_at, one.received_at) || compareTexts(keyOf(one), keyOf(other))
  );
}

/** How many are new: by the station's counts, or by the alerts that are here if these say more. */
export function countNew({ counts, alerts }) {
  return Math.max(counts.new ?? 0, listNew(alerts).length);
}

/** The worst severity of which there are new alerts, by either; null: there are none. */
export function worstNew({ counts, alerts }) {
  const here = new Set(listNew(alerts).map(({ severity }) => severity));
  return SEVERITIES.find((each) => counts[`new_${each}`] > 0 || here.has(each)) ?? null;
}

const listNew = (alerts) => [...alerts.values()].filter(isNew);

const TROUBLE = { silent: 0, refused: 1, "catching up": 3, starting: 4, up: 5 };

/** Order of poles: who is silent, who is unwell or in trouble, then the others by name. */
export function comparePoles(one, other) {
  return troubleOf(one) - troubleOf(other) || compareTexts(one.name, other.name);
}

function troubleOf({ state, troubles, is_well }) {
  const rank = TROUBLE[state] ?? 0;
  return rank > 2 && (troubles.length || is_well === false) ? 2 : rank;
}

/** Whether all words of a filter are somewhere in what is said of a thing. */
export function matches(filter, said) {
  const text = said.toLowerCase();
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((part) => text.includes(part));
}

function compareTexts(one, other) {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
