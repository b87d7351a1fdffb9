// The keyboard: one key for each thing that a desk does. None works while somebody writes.

const WRITING = "input:not([type=button]), textarea, select";

const REPEATED = ["j", "k", "ArrowDown", "ArrowUp", "PageDown", "PageUp"]; // By a key that is held.

/** Call `actions[key]` for a key that is pressed alone; it says false where it had no use for it. */
export function listenToKeys(actions, signal) {
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
      if (document.querySelector("dialog[open]")) return;
      const isWriting = event.target.matches?.(WRITING);
      const isPressing = event.target.matches?.("button, a, summary");
      if (isWriting && event.key !== "Escape") return;
      if (isPressing && (event.key === "Enter" || event.key === " ")) return;
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      if (event.repeat && !REPEATED.includes(key)) return;
      if (!Object.hasOwn(actions, key) || actions[key]() === false) return;
      event.preventDefault();
    },
    { signal },
  );
}
