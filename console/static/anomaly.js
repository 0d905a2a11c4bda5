// The plot on an anomaly's page.
"use strict";
(async () => {
  const facts = JSON.parse(document.getElementById("facts").textContent);
  const words = Draw.formats(facts.language, facts.zone);
  const place = document.getElementById("plot");
  const response = await fetch("/anomalies/" + encodeURIComponent(facts.id) + "/plot");
  const note = document.getElementById("plot-note");
  if (!response.ok) {
    note.textContent = facts.messages.wrong.replace("%(what)s", (await response.json()).detail || response.status);
    return;
  }
  const picture = await response.json();
  if (!picture.rows) {
    note.textContent = facts.messages.empty;
    return;
  }
  Draw.show(place, picture, words, () => "", facts.messages);
  note.textContent = picture.unit;
  document.documentElement.dataset.filled = "yes";
})();
