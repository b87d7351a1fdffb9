// The top of the page: which station, how many alerts, how many poles are not heard, what time it is.

import { sayNote } from "./poles_panel.js";
import { byId, make, setText } from "./dom.js";
import { say } from "./language.js";
import { countNew } from "./order.js";
import { homeNow_ms, sayTime } from "./times.js";

const TICK_MS = 1000;

export class Header {
  constructor({ desk, signal }) {
    this.desk = desk;
    this.news = make("b");
    this.open = make("span");
    this.poles = make("span");
    byId("counts").replaceChildren(this.news, this.open, this.poles);
    for (const event of ["alerts", "poles", "state"]) {
      desk.addEventListener(event, () => this.render(), { signal });
    }
    const timer = setInterval(() => this.#tick(), TICK_MS);
    signal.addEventListener("abort", () => clearInterval(timer));
  }

  /** Show what is known. */
  render() {
    const { station, counts, poles, fault } = this.desk;
    byId("fault").hidden = !fault;
    setText(byId("fault"), fault ? say("station_fault", { fault }) : "");
    if (!station) return;
    setText(byId("station"), station.name ?? station.id);
    const news = countNew(this.desk);
    setText(this.news, say("count_new", { n: news }));
    this.news.className = news ? "bad" : "good";
    setText(this.open, say("count_open", { n: counts.open }));
    setText(this.poles, sayNote([...poles.values()]));
    document.title = `${news ? `(${news}) ` : ""}${station.name ?? station.id}`;
    this.#tick();
  }

  close() {
    byId("fault").hidden = true;
    byId("counts").replaceChildren();
  }

  #tick() {
    if (this.desk.station) setText(byId("clock"), sayTime(new Date(homeNow_ms()).toISOString()));
  }
}
