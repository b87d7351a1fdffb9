// Which alerts a desk sees first, and how it names them; pure.

const SEVERITIES = ["critical", "major", "minor", "info"];

/** What tells an alert from all others: ids are unique, and poles may lie about theirs. */
export const keyOf = ({ pole, id }) => `${pole} ${id}`;

/** Whether nobody has said that he knows of it. */
export const isNew = ({ state, acked, resolved }) => state === "open" && !acked && !resolved;

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

/** The worst severity of which there are new alerts, by the station's counts; null: there are none. */
export const worstNew = (counts) => SEVERITIES.find((each) => counts[`new_${each}`] > 0) ?? null;

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
