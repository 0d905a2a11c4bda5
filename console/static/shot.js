// A panel as a PNG: a chart by ECharts itself, anything else by writing its text onto a canvas.
"use strict";
const Shot = (() => {
  const LINE = 20;

  function lines(body) {
    const rows = [...body.querySelectorAll("tr")].map((row) => [...row.cells].map((cell) => cell.textContent));
    if (rows.length) return rows;
    const parts = [...body.querySelectorAll(".tile, li, .reason")];
    return parts.map((part) => [[...part.childNodes].map((node) => node.textContent).join("  ")]);
  }

  function written(body, title) {
    const rows = lines(body);
    const canvas = document.createElement("canvas");
    const pen = canvas.getContext("2d");
    const font = "14px system-ui, sans-serif";
    pen.font = font;
    const widths = [];
    for (const row of rows) row.forEach((text, at) => (widths[at] = Math.max(widths[at] || 0, pen.measureText(text).width + 16)));
    canvas.width = Math.max(400, widths.reduce((sum, width) => sum + width, 20));
    canvas.height = (rows.length + 2) * LINE + 10;
    const colours = Draw.theme();
    pen.fillStyle = colours["@paper"];
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.fillStyle = colours["@ink"];
    pen.font = "bold " + font;
    pen.fillText(title, 10, LINE);
    pen.font = font;
    rows.forEach((row, down) => {
      let x = 10;
      row.forEach((text, at) => {
        pen.fillText(text, x, (down + 2) * LINE);
        x += widths[at];
      });
    });
    return canvas.toDataURL("image/png");
  }

  function of(body, title) {
    const chart = Draw.chartOf(body);
    return chart ? chart.getDataURL({ type: "png", pixelRatio: 2, backgroundColor: Draw.theme()["@paper"] }) : written(body, title);
  }

  return { of };
})();
