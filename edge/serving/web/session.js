// Signing in and out. The token is sent once, for a cookie that scripts can't read; the page keeps
// it nowhere, and takes it out of the address bar before anything else. All tabs of a browser share
// the cookie: who signs in or out in one is told to the others, which then ask whose it is now.

import { ask, Refused } from "./api.js";
import { byId, setText } from "./dom.js";
import { say } from "./language.js";

const FRAGMENT = "#token=";
const NOBODY = 401;

/** Events: `begun` with the session's description as `detail`, and `ended`. */
export class Session extends EventTarget {
  #who = null;
  #life = 0; // Counts beginnings and ends: an answer from before the last one is not taken.
  #tabs = new BroadcastChannel("polewatch");

  constructor(link) {
    super();
    this.link = link;
    byId("sign-in").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#signIn(byId("token").value.trim());
    });
    byId("sign-out").addEventListener("click", () => this.#signOut());
    addEventListener("hashchange", () => this.start());
    document.addEventListener("visibilitychange", () => document.hidden || this.start());
    this.#tabs.addEventListener("message", () => this.start());
    link.addEventListener("denied", () => this.#end(""));
    link.addEventListener("back", () => this.start());
  }

  /** Begin, or go on, with the address's token, with whose cookie is there now, or with the form. */
  async start() {
    const token = takeToken();
    const life = this.#life;
    try {
      const found = await this.link.ask("/v1/session", { accept: NOBODY });
      const who = found?.scopes ? found : null;
      if (token !== null && (who === null || (await isMeant(token, who)))) return this.#signIn(token);
      if (life === this.#life) this.#take(who);
    } catch (error) {
      if (this.#who === null) this.#end(error instanceof Refused ? "" : say("no_answer"));
    }
  }

  #take(who) {
    if (who === null) this.#end("");
    else if (JSON.stringify(who) !== JSON.stringify(this.#who)) this.#begin(who);
  }

  async #signIn(token) {
    setText(byId("sign-in-fault"), "");
    try {
      await this.link.ask("/v1/session", { method: "POST", body: { token } });
      byId("token").value = "";
      this.#tabs.postMessage(null);
      this.#begin(await this.link.ask("/v1/session"));
    } catch (error) {
      this.#end(explain(error));
    }
  }

  async #signOut() {
    try {
      await this.link.ask("/v1/session", { method: "DELETE" });
    } catch (error) {
      if (!(error instanceof Refused)) return; // Said by the banner: nobody is signed out yet.
    }
    this.#tabs.postMessage(null);
    this.#end("");
  }

  #begin(who) {
    this.#who = who;
    this.#life += 1;
    setText(byId("sign-in-fault"), "");
    byId("sign-in").hidden = true;
    this.dispatchEvent(new CustomEvent("begun", { detail: who }));
  }

  #end(fault) {
    if (this.#who) this.dispatchEvent(new Event("ended"));
    this.#who = null;
    this.#life += 1;
    byId("sign-in").hidden = false;
    if (fault) setText(byId("sign-in-fault"), fault);
    byId("token").focus();
  }
}

/** The address's token, which is taken out of it; null: there is none. */
function takeToken() {
  if (!location.hash.startsWith(FRAGMENT)) return null;
  const text = location.hash.slice(FRAGMENT.length);
  history.replaceState(null, "", location.pathname);
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // The server says that it is no token.
  }
}

/** Whether a link's token shall take the place of a session: that may be what somebody else wants. */
async function isMeant(token, { name }) {
  const headers = { Authorization: `Bearer ${token}` };
  const other = await ask("/v1/session", { headers }).catch(() => null); // It opens nothing here.
  return other !== null && other.name !== name && confirm(say("sign_in_instead", { name, other: other.name }));
}

function explain(error) {
  if (!(error instanceof Refused)) return say("no_answer");
  if (error.status === 401) return say("wrong_token");
  if (error.status === 429) return say("too_many");
  return say("refused", { detail: error.detail });
}
