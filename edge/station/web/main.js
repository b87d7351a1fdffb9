// Builds the page's parts and tells them when somebody has signed in and when he is gone.

import { Alarm } from "./alarm.js";
import { AlertPane } from "./alert_pane.js";
import { AlertsPanel } from "./alerts_panel.js";
import { Desk } from "./desk.js";
import { byId, setText } from "./dom.js";
import { Header } from "./header.js";
import { Help } from "./help.js";
import { listenToKeys } from "./keys.js";
import { onLanguage, say, sayStatic, switchLanguage } from "./language.js";
import { Link } from "./link.js";
import { MapPanel } from "./map_panel.js";
import { keyOf } from "./order.js";
import { Panes } from "./panes.js";
import { PolesPanel } from "./poles_panel.js";
import { SeenWatch } from "./seen.js";
import { Session } from "./session.js";
import { Sound } from "./sound.js";
import { StatisticsPanel } from "./statistics_panel.js";
import { sayTime } from "./times.js";

const HIDDEN_WITHOUT_SESSION = ["page", "nav", "sign-out", "help-open", "sound", "clock", "counts"];
const LOOK_EVERY_MS = 10_000;
const CALL_EVERY_MS = 1000;
const link = new Link();
const session = new Session(link);
const help = new Help();
const sound = new Sound();
let parts = null;
let isLeaving = false; // Somebody has signed out, and knows that nothing will call him.
let calling = null;

/** Everything that somebody who has signed in sees. */
class Whole {
  constructor(who) {
    this.ending = new AbortController();
    const { signal } = this.ending;
    const desk = new Desk({ link, signal });
    const visit = { link, signal, desk, may: (scope) => who.scopes.includes(scope) };
    this.desk = desk;
    this.panes = new Panes(signal, (pane) => this.#opened(pane));
    this.list = new AlertsPanel(visit, (alert, isMeant) => this.#choose(alert, isMeant));
    this.alert = new AlertPane(visit, {
      onOther: (alert) => this.#goTo(alert),
      onPole: (name) => this.#showPole(name),
    });
    this.poles = new PolesPanel(byId("poles-panel"), visit, { onAlert: (alert) => this.#goTo(alert) });
    this.map = new MapPanel(byId("map-panel"), visit, { onPole: (name) => this.#showPole(name) });
    this.statistics = new StatisticsPanel(byId("statistics-panel"), visit);
    this.alarm = new Alarm(visit, sound);
    this.header = new Header(visit);
    new SeenWatch(visit, () => this.#inView());
    this.closing = [this.list, this.alert, this.poles, this.map, this.statistics, this.alarm, this.header];
    desk.addEventListener("alerts", ({ detail }) => this.#renew(detail), { signal });
    desk.addEventListener("poles", () => this.#renewPole(), { signal });
    const timer = setInterval(() => this.#renewPole(), LOOK_EVERY_MS);
    signal.addEventListener("abort", () => clearInterval(timer));
    listenToKeys(this.#keys(), signal);
    this.render();
    desk.run(byId("list-note")).catch(sayBroken);
  }

  /** Say everything anew, in the language that is spoken now. */
  render() {
    for (const part of [this.panes, this.list, this.alert, this.poles, this.map, this.statistics]) part.render();
    for (const part of [this.alarm, this.header]) part.render();
  }

  end() {
    this.ending.abort();
    for (const part of this.closing) part.close();
  }

  #choose(alert, isMeant) {
    this.alert.show(alert);
    if (isMeant) this.panes.open("alert");
  }

  /** Show an alert that may not be in the list. */
  #goTo(alert) {
    const key = keyOf(alert);
    this.list.list.choose(key);
    this.alert.show(this.desk.alerts.get(key) ?? alert);
    this.panes.open("alert");
  }

  #showPole(name) {
    this.panes.open("poles");
    this.poles.choose(name);
    this.map.choose(name);
  }

  #renew(changed) {
    const key = this.alert.alert && keyOf(this.alert.alert);
    const news = changed.find((alert) => keyOf(alert) === key);
    if (news) this.alert.show(news);
    if (!this.alert.alert && this.desk.alerts.size) this.list.list.move(1);
  }

  /** How far its files are, and how old it is, changes without news of the alert. */
  #renewPole() {
    if (this.alert.alert) this.alert.show(this.alert.alert);
  }

  #inView() {
    const rows = this.list.list.inView();
    const { alert } = this.alert;
    return alert && this.#isInSight() ? [...rows, alert] : rows;
  }

  #isInSight() {
    return byId("alert-pane").checkVisibility();
  }

  /** Bring the chosen alert into sight; false where it is: nobody judges what he does not see. */
  #comesIntoSight() {
    if (!this.alert.alert || this.#isInSight()) return false;
    this.panes.open("alert");
    return true;
  }

  #opened(pane) {
    if (pane === "statistics") this.statistics.open();
    if (pane === "poles") this.poles.render();
    if (pane === "map") this.map.render();
    if (pane === "list") this.list.list.render();
    this.#renewPole(); // It shows its pictures only where they can be seen.
  }

  #move(by) {
    this.panes.show("list");
    this.list.list.move(by);
    this.list.list.box.focus();
  }

  #keys() {
    const { stage } = this.alert;
    const open = (pane) => () => this.panes.open(pane);
    const first = () => this.#move(-Infinity);
    const act = (work) => () => this.#comesIntoSight() || work(this.alert.actions);
    const verdict = (number) => act((actions) => actions.giveVerdict(number));
    const form = (name) => act((actions) => actions.open(name));
    const enter = () => {
      if (!this.alert.alert) return false;
      this.panes.open("alert");
      this.alert.title.focus();
      stage.play();
      return true;
    };
    return {
      j: () => this.#move(1), k: () => this.#move(-1), g: first, Home: first,
      ArrowDown: () => this.#move(1), ArrowUp: () => this.#move(-1),
      PageDown: () => this.#move(10), PageUp: () => this.#move(-10),
      Enter: enter, " ": () => stage.togglePlay(),
      a: act((actions) => actions.acknowledge()), n: form("note"), r: form("verdict"), h: form("hold"),
      1: verdict(1), 2: verdict(2), 3: verdict(3),
      l: act(() => stage.toggleLive()), p: open("poles"), m: open("map"), s: open("statistics"),
      w: () => this.panes.widen(), u: () => this.alarm.toggleMute(),
      "/": () => this.#filter(), "?": () => help.open(), Escape: () => this.#back(),
    }; // prettier-ignore
  }

  #filter() {
    this.panes.open("list");
    byId("alert-filter").focus();
  }

  /** One step back: out of a field, a form, an enlarged pane, to the list. */
  #back() {
    const field = document.activeElement;
    if (this.alert.actions.closeForms()) return;
    if (field?.matches("input[type=search]") && field.value) {
      field.value = "";
      field.dispatchEvent(new Event("input"));
      return;
    }
    this.panes.back();
    this.list.list.box.focus();
  }
}

function begin(who) {
  end();
  isLeaving = false;
  clearInterval(calling);
  setText(byId("name"), who.name);
  for (const id of HIDDEN_WITHOUT_SESSION) byId(id).hidden = false;
  parts = new Whole(who);
}

function end() {
  parts?.end();
  parts = null;
  for (const id of HIDDEN_WITHOUT_SESSION) byId(id).hidden = true;
  setText(byId("name"), "");
  document.title = "Polewatch";
}

/** A session that ends by itself leaves a desk that believes it is watched: call somebody. */
function endOrCall() {
  const isMissed = parts !== null && !isLeaving;
  end();
  if (!isMissed) return;
  document.title = say("signed_out_title");
  setText(byId("sign-in-fault"), say("session_over"));
  calling = setInterval(() => sound.play("lost", performance.now()), CALL_EVERY_MS);
}

/** What must not happen: say it, for a page that has stopped looks like a quiet night. */
function sayBroken(error) {
  if (String(error).includes("ResizeObserver")) return; // It only means: once more in the next frame.
  byId("broken").hidden = false;
  setText(byId("broken"), say("page_broken", { error: String(error) }));
}

function showLink() {
  const lostAt = link.lostAt;
  byId("lost").hidden = !lostAt;
  byId("page").classList.toggle("stale", Boolean(lostAt));
  setText(byId("lost"), lostAt ? say("lost", { time: sayTime(lostAt) }) : "");
}

onLanguage(() => {
  sayStatic();
  setText(byId("language"), say("other_language"));
  byId("help-open").title = say("help_title");
  byId("help-open").setAttribute("aria-label", say("help_title"));
  showLink();
  help.render();
  parts?.render();
});
byId("language").addEventListener("click", switchLanguage);
byId("help-open").addEventListener("click", () => help.open());
link.addEventListener("lost", () => {
  isLeaving = false; // Signing out did not get through.
  showLink();
});
link.addEventListener("back", showLink);
session.addEventListener("begun", (event) => begin(event.detail));
session.addEventListener("ended", endOrCall);
byId("sign-out").addEventListener("click", () => (isLeaving = true), { capture: true });
addEventListener("error", ({ message, error }) => sayBroken(error ?? message));
addEventListener("unhandledrejection", ({ reason }) => sayBroken(reason));
session.start();
