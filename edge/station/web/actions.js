// What can be done about one alert: acknowledge, note, verdict, hold; by those who may. What was
// typed, what is on its way and what failed belong to that alert, whichever is chosen meanwhile.

import { Refused } from "./api.js";
import { make, setText } from "./dom.js";
import { say, word } from "./language.js";
import { isNew } from "./order.js";

const VERDICTS = ["real", "false", "test"];
const NOTE_MAX = 500; // What the station takes.
const CASE_MAX = 100;
const FORMS = ["note", "verdict", "hold"];
const LABELS = { ack: "do_acknowledge", note: "do_note", resolve: "do_verdict", hold: "do_hold" };

export class Actions {
  #alert = null;
  #words = []; // The first is being sent; the others wait for it.

  /** `onMissed(alert, fault)` is told of a fault that nobody can see here. */
  constructor(visit, onMissed) {
    this.visit = visit;
    this.onMissed = onMissed;
    this.fault = make("p", { class: "fault", role: "alert" });
    this.ack = make("button", { type: "button", class: "main", onclick: () => this.acknowledge() });
    this.ack.setAttribute("aria-keyshortcuts", "a");
    this.openers = Object.fromEntries(
      FORMS.map((form) => [form, make("button", { type: "button", onclick: () => this.open(form) })]),
    );
    this.release = make("button", { type: "button", onclick: () => this.#send("hold", { case: null }) });
    this.forms = {
      note: this.#makeNote(),
      verdict: this.#makeVerdict(),
      hold: this.#makeHold(),
    };
    const buttons = [this.ack, ...Object.values(this.openers), this.release];
    this.bar = make("div", { class: "bar" }, ...buttons);
    this.looking = make("p", { class: "note" });
    const inside = [this.looking, this.bar, ...Object.values(this.forms), this.fault];
    this.node = make("div", { class: "actions" }, ...inside);
  }

  /** Whether nothing is on its way and nothing typed. */
  get isIdle() {
    const inputs = [...this.node.querySelectorAll("input")];
    return !this.#words.length && inputs.every((input) => !input.value);
  }

  /** Offer what can be done about the alert as it is now. */
  update(alert) {
    this.#alert = alert;
    const isDone = !isNew(alert);
    const may = { ack: this.visit.may("ack"), admin: this.visit.may("admin") };
    this.looking.hidden = may.ack;
    this.ack.hidden = !may.ack || isDone;
    this.openers.note.hidden = this.openers.verdict.hidden = !may.ack;
    this.openers.hold.hidden = !may.admin || Boolean(alert.hold);
    this.release.hidden = !may.admin || !alert.hold;
    setText(this.looking, say("no_acks_allowed"));
    setText(this.ack, say("do_acknowledge"));
    setText(this.openers.note, say("do_note"));
    setText(this.openers.verdict, say(alert.resolved ? "do_verdict_again" : "do_verdict"));
    setText(this.openers.hold, say("do_hold"));
    setText(this.release, say("do_release"));
    for (const node of this.node.querySelectorAll("[data-text]")) setText(node, say(node.dataset.text));
    this.#verdicts.forEach((button, index) => {
      setText(button, `${index + 1} ${word("as", VERDICTS[index])}`);
    });
  }

  /** Say that somebody knows of it. */
  acknowledge() {
    if (!this.#alert || this.ack.hidden) return false;
    this.#send("ack", {});
    return true;
  }

  /** Open a form, or close it again; the others close. */
  open(form) {
    if (!this.#alert || this.openers[form].hidden) return false;
    const wasOpen = !this.forms[form].hidden;
    this.closeForms();
    if (wasOpen) return true;
    this.forms[form].hidden = false;
    this.openers[form].setAttribute("aria-expanded", "true");
    this.forms[form].querySelector(form === "verdict" ? "button" : "input").focus();
    return true;
  }

  /** Close whatever form is open; false where none is. */
  closeForms() {
    let wasOpen = false;
    setText(this.verdictMissing, "");
    for (const form of FORMS) {
      const isFocused = this.forms[form].contains(document.activeElement);
      wasOpen ||= !this.forms[form].hidden;
      this.forms[form].hidden = true;
      this.openers[form].setAttribute("aria-expanded", "false");
      if (isFocused) this.openers[form].focus();
    }
    return wasOpen;
  }

  /** Give the verdict of a number from 1; only while its form is open. */
  giveVerdict(number) {
    if (this.forms.verdict.hidden) return false;
    this.#resolve(VERDICTS[number - 1]);
    return true;
  }

  #makeNote() {
    const input = makeInput("note-text");
    const send = make("button", { class: "main", "data-text": "send" });
    const onsubmit = (event) => {
      event.preventDefault();
      const text = input.value.trim();
      if (text) this.#send("note", { text }, input);
    };
    const label = make("label", { for: "note-text", "data-text": "dispatch_note" });
    return make("form", { class: "choice", hidden: true, onsubmit }, label, input, send);
  }

  #makeVerdict() {
    this.verdictNote = makeInput("verdict-note");
    this.#verdicts = VERDICTS.map((verdict) =>
      make("button", { type: "button", onclick: () => this.#resolve(verdict) }),
    );
    const label = make("label", { for: "verdict-note", "data-text": "verdict_note" });
    this.verdictMissing = make("p", { class: "reason bad", role: "alert" });
    const onsubmit = (event) => {
      event.preventDefault();
      setText(this.verdictMissing, say("verdict_missing"));
    };
    const inside = [...this.#verdicts, label, this.verdictNote, this.verdictMissing];
    return make("form", { class: "choice", hidden: true, onsubmit }, ...inside);
  }

  #makeHold() {
    const input = makeInput("hold-case", CASE_MAX);
    const send = make("button", { class: "main", "data-text": "do_hold" });
    const onsubmit = (event) => {
      event.preventDefault();
      const text = input.value.trim();
      if (text) this.#send("hold", { case: text }, input);
    };
    const label = make("label", { for: "hold-case", "data-text": "hold_case" });
    return make("form", { class: "choice", hidden: true, onsubmit }, label, input, send);
  }

  #verdicts = [];

  #resolve(verdict) {
    const note = this.verdictNote.value.trim();
    this.#send("resolve", note ? { verdict, note } : { verdict }, this.verdictNote);
  }

  /** Tell the station, one word after the other; the same twice at once goes once. */
  #send(what, body, input = null) {
    const text = input?.value ?? "";
    if (input) input.value = "";
    this.closeForms();
    const said = JSON.stringify([what, body]);
    if (this.#words.at(-1)?.said === said) return;
    this.#words.push({ said, what, body, input, text });
    if (this.#words.length === 1) this.#sendAll();
  }

  async #sendAll() {
    setText(this.fault, "");
    this.node.classList.add("sending");
    for (; this.#words.length; this.#words.shift()) await this.#sendOne(this.#words[0]);
    this.node.classList.remove("sending");
  }

  async #sendOne({ what, body, input, text }) {
    const { pole, id } = this.#alert;
    const path = `/v1/alerts/${encodeURIComponent(pole)}/${encodeURIComponent(id)}/${what}`;
    try {
      const alert = await this.visit.desk.ask(path, { method: "POST", body });
      this.update(alert); // Before the page is drawn again: a second click finds no button.
      this.visit.desk.take(alert);
    } catch (error) {
      if (this.visit.signal.aborted) return;
      if (input) input.value = `${text} ${input.value}`.trim(); // To be sent again.
      const reason = error instanceof Refused ? say("refused", { detail: error.detail }) : say("not_sent");
      const fault = `${say(LABELS[what])}: ${reason}`;
      setText(this.fault, `${this.fault.textContent} ${fault}`.trim());
      if (!this.node.checkVisibility()) this.onMissed(this.#alert, fault);
    }
  }
}

const makeInput = (id, most = NOTE_MAX) =>
  make("input", { id, maxlength: most, autocomplete: "off" });
