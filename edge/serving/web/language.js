// Which language the page speaks, and how it says something in it.

import { TEXTS } from "./texts.js";

const LANGUAGES = ["en", "zh"];
const TAGS = { en: "en-GB", zh: "zh-CN" };
const KEPT = "polewatch.language";
/** Marks that turn the direction of all that follows: others' words must not turn ours. */
const TURNING = /[\u202a-\u202e\u2066-\u2069]/g;
const listeners = [];
let index = Math.max(0, LANGUAGES.indexOf(kept() ?? preferred()));

function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null; // Storage may be forbidden; then the browser's language holds.
  }
}

function preferred() {
  const found = navigator.languages.find((tag) => /^(en|zh)\b/i.test(tag));
  return found?.slice(0, 2).toLowerCase();
}

/** The language as `Intl` wants it. */
export const languageTag = () => TAGS[LANGUAGES[index]];

/** A text by its key, with its `{places}` filled; an unknown key says itself. */
export function say(key, values = {}) {
  const text = Object.hasOwn(TEXTS, key) ? TEXTS[key][index] : key;
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? "").replace(TURNING, ""));
}

/** The word for something that the pole names, such as `rule_fire`; its own word where we have none. */
export function word(group, name) {
  const key = `${group}_${name}`;
  return Object.hasOwn(TEXTS, key) ? TEXTS[key][index] : String(name);
}

/** Call this now and whenever the language has changed. */
export function onLanguage(listener) {
  listeners.push(listener);
  listener();
}

/** Go on to the other language and keep that. */
export function switchLanguage() {
  index = (index + 1) % LANGUAGES.length;
  try {
    localStorage.setItem(KEPT, LANGUAGES[index]);
  } catch {
    // It holds until the page is left.
  }
  for (const listener of listeners) listener();
}

/** Fill what index.html marks with `data-say`. */
export function sayStatic() {
  document.documentElement.lang = languageTag();
  for (const node of document.querySelectorAll("[data-say]")) {
    node.textContent = say(node.dataset.say);
  }
}
