// Draw the plots in the page's colours, and again when the colour scheme changes or the page is to be printed.
"use strict";

const plots = JSON.parse(document.getElementById("plots").textContent);
const config = {
  responsive: true,
  displaylogo: false,
  displayModeBar: "hover",
  modeBarButtons: [["toImage", "resetScale2d"]], // dragging zooms
};

// A text that begins with two dashes names a CSS variable.
function coloured(value, style) {
  if (typeof value === "string") {
    return value.startsWith("--") ? style.getPropertyValue(value).trim() : value;
  }
  if (Array.isArray(value)) {
    return value.map((each) => coloured(each, style));
  }
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, coloured(each, style)]));
  }
  return value;
}

// What all plots have in common.
function template() {
  const axis = {
    automargin: true, gridcolor: "--line", linecolor: "--line", zeroline: false, exponentformat: "none",
    separatethousands: true, title: { standoff: 10 },
  };
  return {
    layout: {
      font: { family: "system-ui, sans-serif", size: 13, color: "--soft" },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      margin: { l: 10, r: 16, t: 32, b: 10 },
      xaxis: axis, yaxis: axis,
      showlegend: true, legend: { orientation: "h", x: 0, yref: "container", y: 1, yanchor: "top" },
      hoverlabel: { bgcolor: "--card", bordercolor: "--line", font: { color: "--ink" } },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: "--soft", activecolor: "--ink" },
    },
  };
}

function draw() {
  const style = getComputedStyle(document.documentElement);
  for (const [name, plot] of Object.entries(plots)) {
    const layout = { ...plot.layout, template: template(), uirevision: "kept" }; // a zoom outlives the colours
    Plotly.react(name, coloured(plot.data, style), coloured(layout, style), config);
  }
}

function onPaper(is) {
  document.documentElement.classList.toggle("paper", is);
  draw();
  Object.keys(plots).forEach((name) => Plotly.Plots.resize(name)); // to the paper's width, or back
}

draw();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
addEventListener("beforeprint", () => onPaper(true));
addEventListener("afterprint", () => onPaper(false));
