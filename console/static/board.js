// A dashboard: asks for its panels, draws them, and looks again when the server says so.
"use strict";
(() => {
  const facts = JSON.parse(document.getElementById("facts").textContent);
  const words = Draw.formats(facts.language, facts.zone);
  const said = facts.messages;
  Object.assign(words, { labels: facts.labels, spoken: facts.codes, coded: facts.coded });
  const panels = new Map();
  for (const element of document.querySelectorAll("[data-panel]")) panels.set(element.dataset.panel, element);
  const fill = (text, values) => text.replace(/%\((\w+)\)s/g, (_, name) => values[name] ?? "");
  const base = "/dashboards/" + facts.name;
  const status = document.getElementById("status");
  const answers = new Map();

  function addressFor(panel) {
    return (field, value) => {
      const to = panel.dataset.link;
      if (!to) return "";
      const query = new URLSearchParams(facts.query);
      const filter = field + ":" + value;
      if (!query.getAll("f").includes(filter)) query.append("f", filter);
      return to + "?" + query;
    };
  }

  function note(panel, text) {
    const place = panel.querySelector(".note");
    place.textContent = text;
    place.hidden = !text;
  }

  function draw(answer) {
    const panel = panels.get(answer.panel);
    if (!panel) return;
    const body = panel.querySelector(".body");
    panel.dataset.state = answer.state;
    panel.removeAttribute("aria-busy");
    const values = { what: answer.detail };
    if (answer.state !== "ok") {
      // What was seen stays while Elasticsearch is away; the note says how old it is.
      if (!(answer.state === "away" && answers.has(answer.panel))) {
        Draw.forget(body);
        const reason = document.createElement("p");
        reason.className = "reason";
        const why = answer.state === "empty" && panel.dataset.empty ? panel.dataset.empty : "";
        reason.textContent = fill(said[answer.state], values) + (why ? " " + why[0].toUpperCase() + why.slice(1) : "");
        body.replaceChildren(reason);
      }
      note(panel, answer.state === "away" ? said.away : "");
      return;
    }
    const text = JSON.stringify(answer.picture);
    if (answers.get(answer.panel) !== text) {
      answers.set(answer.panel, text);
      const own = "coded" in panel.dataset ? { ...words, codes: facts.codes } : words;
      Draw.show(body, answer.picture, own, addressFor(panel), said);
      if (answer.picture.kind === "chart") {
        body.setAttribute("role", "img");
        body.setAttribute("aria-label", fill(said.picture, { title: panel.dataset.title, count: answer.rows }));
      } else {
        body.removeAttribute("role");
        body.removeAttribute("aria-label");
      }
    }
    const notes = [];
    if (answer.picture.goal !== null && answer.picture.goal !== undefined) notes.push(fill(said.goal, { value: words.number(answer.picture.goal) }));
    if (answer.picture.cut) notes.push(fill(said.cut, { count: words.number(answer.picture.cut) }));
    if (answer.ignored) notes.push(fill(said.ignored, { what: answer.ignored.join(", ") }));
    note(panel, notes.join(" "));
  }

  async function ask() {
    const response = await fetch(base + "/data?" + facts.query, { headers: { accept: "application/x-ndjson" } });
    if (response.status === 401) {
      location.reload();
      return;
    }
    if (!response.ok) throw new Error(String(response.status));
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      rest += value || "";
      const lines = rest.split("\n");
      rest = lines.pop();
      for (const line of lines) if (line) draw(JSON.parse(line));
      if (done) break;
    }
    status.textContent = fill(said.updated, { time: words.time(Date.now()) });
    document.documentElement.dataset.filled = "yes";
  }

  let under = false;
  async function look() {
    if (under || document.visibilityState === "hidden") return;
    under = true;
    try {
      await ask();
    } catch {
      status.textContent = said.offline;
    } finally {
      under = false;
    }
  }

  const live = new EventSource(base + "/live");
  live.addEventListener("tick", look);
  live.addEventListener("away", () => (status.textContent = said.away));
  live.addEventListener("over", () => location.reload());
  document.addEventListener("visibilitychange", look);
  addEventListener("pagehide", () => live.close());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    answers.clear();
    look();
  });

  for (const button of document.querySelectorAll("button[data-png]")) {
    button.addEventListener("click", () => {
      const body = button.closest("[data-panel]").querySelector(".body");
      const link = document.createElement("a");
      link.download = facts.name + "-" + button.dataset.png + ".png";
      link.href = Shot.of(body, button.closest("[data-panel]").dataset.title);
      link.click();
    });
  }
  look();
})();
