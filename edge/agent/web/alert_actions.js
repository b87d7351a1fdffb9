// Acknowledging an alert and saying what it was, for those whose token allows it.

import { Refused } from "./api.js";
import { make, setText } from "./dom.js";
import { say } from "./language.js";

const VERDICTS = ["real", "false", "test"];
const NOTE_MAX = 500; // What the pole takes.

export class AlertActions {
  #alert = null;

  constructor(id, { visit, onChange }) {
    this.path = `/v1/alerts/${encodeURIComponent(id)}`;
    this.link = visit.link;
    this.onChange = onChange;
    this.fault = make("p", { class: "fault", role: "alert" });
    this.ack = make("button", { type: "button", onclick: () => this.#acknowledge() });
    this.open = make("button", { type: "button", onclick: () => this.#toggle() });
    this.label = make("label", { for: `note-${id}` });
    this.note = make("input", { id: `note-${id}`, maxlength: NOTE_MAX, autocomplete: "off" });
    this.verdicts = VERDICTS.map((verdict) =>
      make("button", { type: "button", onclick: () => this.#resolve(verdict) }),
    );
    this.choice = make("div", { class: "choice" }, this.label, this.note, ...this.verdicts);
    this.choice.hidden = true;
    const buttons = make("div", { class: "bar" }, this.ack, this.open);
    this.node = make("div", { class: "actions" }, buttons, this.choice, this.fault);
    this.node.hidden = !visit.may("ack");
  }

  /** Offer what can still be done about the alert. */
  update(alert) {
    this.#alert = alert;
    this.ack.hidden = Boolean(alert.acked ?? alert.resolved);
    setText(this.ack, say("acknowledge"));
    setText(this.open, say(alert.resolved ? "resolve_again" : "resolve"));
    this.open.setAttribute("aria-expanded", String(!this.choice.hidden));
    setText(this.label, say("note"));
    this.verdicts.forEach((button, index) => setText(button, say(`as_${VERDICTS[index]}`)));
  }

  #toggle() {
    this.choice.hidden = !this.choice.hidden;
    this.update(this.#alert);
    if (!this.choice.hidden) this.note.focus();
  }

  #acknowledge() {
    return this.#send("ack", {});
  }

  async #resolve(verdict) {
    const note = this.note.value.trim();
    if (!(await this.#send("resolve", note ? { verdict, note } : { verdict }))) return;
    this.note.value = "";
    this.choice.hidden = true;
    this.update(this.#alert);
  }

  /** Tell the pole; whether it took it. The buttons rest meanwhile: twice would be two records. */
  async #send(what, body) {
    const buttons = [this.ack, this.open, ...this.verdicts];
    for (const button of buttons) button.disabled = true;
    setText(this.fault, "");
    try {
      await this.link.ask(`${this.path}/${what}`, { method: "POST", body });
      await this.onChange().catch(() => null); // The list comes by the feed as well.
      return true;
    } catch (error) {
      const isRefused = error instanceof Refused;
      const words = isRefused ? say("refused", { detail: error.detail }) : say("not_sent");
      setText(this.fault, words);
      return false;
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  }
}
