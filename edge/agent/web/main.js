// Builds the page's parts and tells them when somebody has signed in and when he is gone.

import { AlertsPanel } from "./alerts.js";
import { CamerasPanel } from "./cameras.js";
import { byId, setText } from "./dom.js";
import { EarlierAlerts } from "./earlier_alerts.js";
import { HealthPanel } from "./health.js";
import { onLanguage, say, sayStatic, switchLanguage } from "./language.js";
import { Link } from "./link.js";
import { Session } from "./session.js";
import { sayTime } from "./times.js";

const link = new Link();
const session = new Session(link);
let panels = [];
let ending = null;

function begin(who) {
  end();
  ending = new AbortController();
  const signal = ending.signal;
  const visit = { link, signal, may: (scope) => who.scopes.includes(scope), openClips: 0 };
  setText(byId("name"), who.name);
  for (const id of ["page", "nav", "sign-out"]) byId(id).hidden = false;
  const earlier = new EarlierAlerts(visit);
  const followed = [
    new AlertsPanel(visit, (ids) => earlier.take(ids)),
    new CamerasPanel(visit),
    new HealthPanel(visit),
  ];
  panels = [...followed, earlier];
  for (const panel of followed) panel.run();
}

function end() {
  ending?.abort();
  for (const panel of panels.splice(0)) panel.close();
  for (const id of ["page", "nav", "sign-out"]) byId(id).hidden = true;
  setText(byId("name"), "");
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
  showLink();
  for (const panel of panels) panel.render();
});
byId("language").addEventListener("click", switchLanguage);
link.addEventListener("lost", showLink);
link.addEventListener("back", showLink);
session.addEventListener("begun", (event) => begin(event.detail));
session.addEventListener("ended", end);
session.start();
