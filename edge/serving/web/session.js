// Signing in and out. The token is sent once, for a cookie that scripts can't read; the page keeps
// it nowhere, and takes it out of the address bar before anything else.

import { Refused } from "./api.js";
import { byId, setText } from "./dom.js";
import { say } from "./language.js";

const FRAGMENT = "#token=";

/** Events: `begun` with the session's description as `detail`, and `ended`. */
export class Session extends EventTarget {
  constructor(link) {
    super();
    this.link = link;
    byId("sign-in").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#signIn(byId("token").value.trim());
    });
    byId("sign-out").addEventListener("click", () => this.#signOut());
    addEventListener("hashchange", () => this.#takeFragment());
    link.addEventListener("denied", () => this.#end(""));
    link.addEventListener("back", () => byId("sign-in").hidden || this.start());
  }

  /** Begin with the address's token, with the cookie that is there already, or with the form. */
  async start() {
    if (this.#takeFragment()) return;
    try {
      this.#begin(await this.link.ask("/v1/session"));
    } catch (error) {
      this.#end(error instanceof Refused ? "" : say("no_answer"));
    }
  }

  #takeFragment() {
    if (!location.hash.startsWith(FRAGMENT)) return false;
    const token = decodeURIComponent(location.hash.slice(FRAGMENT.length));
    history.replaceState(null, "", location.pathname);
    this.#signIn(token);
    return true;
  }

  async #signIn(token) {
    setText(byId("sign-in-fault"), "");
    try {
      await this.link.ask("/v1/session", { method: "POST", body: { token } });
      byId("token").value = "";
      this.#begin(await this.link.ask("/v1/session"));
    } catch (error) {
      this.#end(explain(error));
    }
  }

  async #signOut() {
    try {
      await this.link.ask("/v1/session", { method: "DELETE" });
      this.#end("");
    } catch (error) {
      if (!(error instanceof Refused)) return; // Said by the banner: nobody is signed out yet.
      this.#end("");
    }
  }

  #begin(who) {
    byId("sign-in").hidden = true;
    this.dispatchEvent(new CustomEvent("begun", { detail: who }));
  }

  #end(fault) {
    this.dispatchEvent(new Event("ended"));
    byId("sign-in").hidden = false;
    if (fault) setText(byId("sign-in-fault"), fault);
    byId("token").focus();
  }
}

function explain(error) {
  if (!(error instanceof Refused)) return say("no_answer");
  if (error.status === 401) return say("wrong_token");
  if (error.status === 429) return say("too_many");
  return say("refused", { detail: error.detail });
}
