// Pictures of panels from what the server sends (console/charts): charts by ECharts, tiles, tables and words as elements.
"use strict";
const Draw = (() => {
  const charts = new Map(); // element -> chart
  const again = new Map(); // element -> draws it anew, in the colours and the width of now
  const PAGES = { "ticket.id": "/tickets/", "incident.id": "/incidents/", "anomaly.id": "/anomalies/", "customer.id": "/customers/" };

  function formats(language, zone) {
    const timeZone = zone || Intl.DateTimeFormat().resolvedOptions().timeZone;
    const number = new Intl.NumberFormat(language, { maximumFractionDigits: 3 });
    const make = (options) => new Intl.DateTimeFormat(language, { timeZone, ...options });
    const full = make({ dateStyle: "short", timeStyle: "short" });
    const clock = make({ hour: "2-digit", minute: "2-digit" });
    const whole = make({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    const day = make({ day: "2-digit", month: "2-digit" });
    return {
      labels: {}, // what definitions say: text -> text
      spoken: {}, // codes: code -> word
      codes: {}, // those, where a panel is by codes
      coded: [], // columns of tables that hold codes
      number: (value) => (typeof value === "number" ? number.format(value) : String(value ?? "–")),
      time: (value) => full.format(new Date(value)),
      tick: (value) => (whole.format(new Date(value)) === "00:00" ? day : clock).format(new Date(value)),
    };
  }

  const isTime = (value) => typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(value);

  function theme() {
    const style = getComputedStyle(document.documentElement);
    const found = {};
    for (const name of ["ink", "band", "grid", "mark", "paper"]) found["@" + name] = style.getPropertyValue("--" + name).trim();
    for (let at = 0; at < 8; at++) found["@series-" + at] = style.getPropertyValue("--series-" + at).trim();
    return found;
  }

  function painted(value, colours) {
    if (Array.isArray(value)) return value.map((each) => painted(each, colours));
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, painted(each, colours)]));
    return typeof value === "string" && value[0] === "@" && colours[value] ? colours[value] : value;
  }

  // What the dashboard's definition says (titles, units, columns, marks) and the codes of its data in the viewer's language;
  // names of the data stay as they are.
  function name(option, words) {
    const said = (text) => words.labels[text] || words.codes[text] || text;
    for (const series of option.series) {
      series.name = said(series.name);
      for (const each of (series.markLine && series.markLine.data) || []) each.name = said(each.name);
      if (["gauge", "pie", "treemap"].includes(series.type)) for (const each of series.data) each.name = said(each.name);
    }
    for (const axis of [option.xAxis, option.yAxis]) {
      if (axis && axis.type === "category" && axis.data && !axis.times) axis.data = axis.data.map(said);
    }
  }

  // The other way: what a click has hit, as the data call it.
  function unsaid(text, words) {
    for (const table of [words.codes, words.labels]) for (const [key, said] of Object.entries(table)) if (said === text) return key;
    return text;
  }

  function completed(picture, words) {
    const colours = theme();
    const option = painted(picture.option, colours);
    name(option, words);
    for (const series of option.series) {
      if (series.type === "gauge") series.detail.formatter = series.axisLabel.formatter = words.number;
    }
    const animate = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    option.animation = animate && option.series.length < 6;
    option.animationDuration = 200;
    option.textStyle = { color: colours["@ink"], fontFamily: "system-ui, sans-serif" };
    if (option.legend) option.legend.textStyle = { color: colours["@ink"] };
    option.tooltip = { confine: true, renderMode: "richText", valueFormatter: words.number, ...option.tooltip };
    option.tooltip.backgroundColor = colours["@paper"];
    option.tooltip.borderColor = colours["@band"];
    option.tooltip.textStyle = { color: colours["@ink"] };
    for (const name of ["xAxis", "yAxis"]) {
      const axis = option[name];
      if (!axis) continue;
      axis.axisLabel = { color: colours["@ink"], hideOverlap: true, ...axis.axisLabel };
      axis.splitLine = { lineStyle: { color: colours["@grid"] }, ...axis.splitLine };
      axis.axisLine = { lineStyle: { color: colours["@band"] } };
      if (axis.type === "time") {
        axis.axisLabel.formatter = words.tick;
        axis.axisPointer = { label: { formatter: (at) => words.time(at.value), color: colours["@paper"], backgroundColor: colours["@ink"] } };
      } else if (axis.type === "value") {
        axis.axisLabel.formatter = words.number;
      } else if (axis.times) {
        axis.axisLabel.formatter = words.tick;
      }
    }
    if (option.visualMap) {
      option.visualMap.textStyle = { color: colours["@ink"] };
      option.visualMap.formatter = words.number;
    }
    return option;
  }

  function chart(element, picture, words, onClick) {
    let drawn = charts.get(element);
    if (!drawn) {
      element.replaceChildren();
      drawn = echarts.init(element, null, { renderer: "canvas" });
      charts.set(element, drawn);
      element.classList.add("chart");
      new ResizeObserver(() => drawn.resize()).observe(element);
    }
    drawn.setOption(completed(picture, words), { notMerge: true });
    again.set(element, () => {
      drawn.resize();
      drawn.setOption({ ...completed(picture, words), animation: false }, { notMerge: true });
    });
    drawn.off("click");
    if (onClick && picture.click && picture.click.field) {
      drawn.on("click", (event) => {
        const from = picture.click.from;
        const axis = picture.option.yAxis && picture.option.yAxis.data;
        const value = from === "series" ? event.seriesName : from === "row" && axis ? axis[event.value[1]] : event.name;
        onClick(picture.click.field, unsaid(value, words));
      });
    }
    return drawn;
  }

  function make(name, className, text) {
    const element = document.createElement(name);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  }

  function cell(value, words, yes, no) {
    if (value === null || value === undefined || value === "") return "–";
    if (typeof value === "boolean") return value ? yes : no;
    if (Array.isArray(value)) return value.map((each) => cell(each, words, yes, no)).join(", ");
    return isTime(value) ? words.time(value) : typeof value === "number" ? words.number(value) : String(value);
  }

  function linked(text, field, value, href) {
    const address = field && value !== null && value !== "" ? href(field, Array.isArray(value) ? value[0] : value) : "";
    return address ? anchor(text, address) : document.createTextNode(text);
  }

  function anchor(text, address) {
    const link = make("a", "", text);
    link.href = address;
    return link;
  }

  function tiles(element, picture, words, href) {
    const list = make("div", "tiles");
    for (const each of picture.tiles) {
      const tile = make("div", "tile");
      const colour = painted(each.colour, theme());
      if (colour) tile.style.borderInlineStartColor = colour;
      tile.append(make("span", "tile-value", cell(each.value, words)));
      const label = make("span", "tile-label");
      label.append(linked(words.labels[each.label] || words.codes[each.label] || each.label, picture.field, each.label, href));
      tile.append(label);
      if (each.below !== null && each.below !== undefined) tile.append(make("span", "tile-below", cell(each.below, words)));
      list.append(tile);
    }
    element.replaceChildren(list);
  }

  function table(element, picture, words, href, messages) {
    const frame = make("div", "scrolled");
    frame.tabIndex = 0;
    frame.setAttribute("role", "group"); // no landmark: the panel is one already
    frame.setAttribute("aria-label", element.dataset.title || "");
    const made = make("table");
    const head = made.createTHead().insertRow();
    for (const column of picture.columns) {
      const heading = make("th", "", words.labels[column.name] || column.name);
      heading.scope = "col";
      head.append(heading);
    }
    const body = made.createTBody();
    for (const row of picture.rows) {
      const line = body.insertRow();
      row.forEach((value, at) => {
        const place = line.insertCell();
        if (typeof value === "number") place.className = "number";
        if (isTime(value)) place.className = "time";
        const code = typeof value === "string" && words.coded.includes(picture.columns[at].name) ? words.spoken[value] : "";
        const text = code || cell(value, words, messages.yes, messages.no);
        if (code) place.className = "code"; // a word that must not break
        const page = PAGES[picture.columns[at].name];
        if (page && typeof value === "string") place.append(anchor(text, page + encodeURIComponent(value)));
        else place.append(linked(text, picture.columns[at].field, value, href));
      });
    }
    frame.append(made);
    element.replaceChildren(frame);
  }

  function cloud(element, picture, words, href) {
    const list = make("ul", "words");
    for (const each of picture.words) {
      const item = make("li");
      item.style.fontSize = (0.85 + each.share).toFixed(2) + "rem";
      item.append(linked(each.text, picture.field, each.text, href), " " + words.number(each.value));
      list.append(item);
    }
    element.replaceChildren(list);
  }

  function forget(element) {
    const drawn = charts.get(element);
    if (drawn) {
      drawn.dispose();
      charts.delete(element);
      again.delete(element);
      element.classList.remove("chart");
    }
  }

  function show(element, picture, words, href, messages) {
    if (picture.kind === "chart") {
      return chart(element, picture, words, (field, value) => {
        const address = href(field, value);
        if (address) location.href = address;
      });
    }
    forget(element);
    ({ tiles, table, words: cloud })[picture.kind](element, picture, words, href, messages);
    return null;
  }

  // Paper has a width and colours of its own.
  matchMedia("print").addEventListener("change", () => again.forEach((each) => each()));

  return { formats, show, forget, chartOf: (element) => charts.get(element), theme };
})();
