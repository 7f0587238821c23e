// Show the exact numbers under the pointer, or at the place that the arrow keys have reached.
"use strict";

const plots = JSON.parse(document.getElementById("plots").textContent);

function element(parent, kind, words = "") {
  const made = parent.appendChild(document.createElement("div"));
  made.className = kind;
  made.textContent = words;
  return made;
}

function attach(area, { together, lines, stops }) {
  const parts = [];
  let now = -1;

  function clear() {
    parts.splice(0).forEach((part) => part.remove());
    now = -1;
  }

  function show(index) {
    if (index === now || !stops[index]) return;
    clear();
    now = index;
    const [x, , heading, points] = stops[index];
    if (together) {
      parts.push(element(area, "cursor"));
    }
    for (const [line, y] of points) {
      const dot = element(area, "here");
      dot.style.bottom = `${100 * y}%`;
      dot.style.background = `var(${lines[line][1]})`;
      parts.push(dot);
    }
    parts.forEach((part) => { part.style.left = `${100 * x}%`; });
    const tip = element(area, "tip");
    element(tip, "soft", heading);
    for (const [line, , words] of points) {
      element(tip, "said", `${lines[line][0]} ${words}`).style.setProperty("--colour", `var(${lines[line][1]})`);
    }
    const left = x * area.clientWidth + (x > 0.5 ? -tip.offsetWidth - 12 : 12);
    tip.style.left = `${Math.max(Math.min(left, area.clientWidth - tip.offsetWidth), 0)}px`;
    parts.push(tip);
  }

  function nearest(event) {
    const box = area.getBoundingClientRect();
    const away = ([x, y]) => {
      const across = x * box.width - (event.clientX - box.left);
      return together ? Math.abs(across) : Math.hypot(across, (1 - y) * box.height - (event.clientY - box.top));
    };
    return stops.reduce((best, stop, index) => (best < 0 || away(stop) < away(stops[best]) ? index : best), -1);
  }

  area.addEventListener("pointermove", (event) => show(nearest(event)));
  area.addEventListener("pointerdown", (event) => show(nearest(event)));
  area.addEventListener("pointerleave", clear);
  area.addEventListener("blur", clear);
  area.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (way) {
      event.preventDefault();
      show(Math.min(Math.max(now + way, 0), stops.length - 1));
    } else if (event.key === "Escape") {
      clear();
    }
  });
}

for (const [name, plot] of Object.entries(plots)) {
  attach(document.getElementById(name).querySelector(".area"), plot);
}
