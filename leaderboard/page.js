// Replaces the static drawings by interactive ones. Without this file, or where it fails, the page stays complete.
(() => {
  "use strict";
  if (!window.vegaEmbed) return;
  const narrow = window.matchMedia("(max-width: 640px)").matches;

  function pickable(legend, view) {
    let pinned = "";
    const items = [...legend.querySelectorAll("[data-series]")];
    const show = (name) => {
      view.signal("picked", name).run();
      for (const item of items) item.classList.toggle("faded", name !== "" && item.dataset.series !== name);
    };
    for (const item of items) {
      const name = item.dataset.series;
      item.tabIndex = 0;
      item.setAttribute("role", "button");
      item.setAttribute("aria-pressed", "false");
      const pin = () => {
        pinned = pinned === name ? "" : name;
        for (const each of items) each.setAttribute("aria-pressed", String(each.dataset.series === pinned));
        show(pinned);
      };
      item.addEventListener("click", pin);
      item.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        pin();
      });
      item.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && show(name));
      item.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && show(pinned));
    }
  }

  async function draw(chart) {
    const spec = JSON.parse(chart.querySelector("script").textContent);
    const half = chart.closest(".pair") !== null;
    spec.width = "container";
    spec.height = half || narrow ? 320 : 420;
    spec.autosize = { type: "fit-x", contains: "padding" };
    const options = { mode: "vega-lite", renderer: "svg", actions: false, tooltip: { theme: "page" } };
    const { view } = await window.vegaEmbed(chart.querySelector(".live"), spec, options);
    chart.classList.add("drawn");
    pickable(chart.querySelector(".legend"), view);
  }

  for (const chart of document.querySelectorAll("[data-chart]")) draw(chart);
})();
