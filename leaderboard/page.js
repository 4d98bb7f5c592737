// Replaces the static drawings by interactive ones: legends pick, and some figures stand on an axis of the reader's
// choice. Without this file, or where it fails, the page stays complete.
(() => {
  "use strict";
  if (!window.vegaEmbed) return;
  const view = window.ticketbenchView;
  const narrow = window.matchMedia("(max-width: 640px)").matches;

  function pickable(chart, name) {
    const key = `${name}.pick`;
    const items = [...chart.element.querySelectorAll(".legend [data-series]")];
    const show = (series) => {
      chart.shown = series;
      chart.vega.signal("picked", series).run();
      for (const item of items) item.classList.toggle("faded", series !== "" && item.dataset.series !== series);
    };
    const pin = (series) => {
      chart.picked = chart.picked === series ? "" : series;
      for (const item of items) {
        item.firstChild.setAttribute("aria-pressed", String(item.dataset.series === chart.picked));
      }
      view.set(key, chart.picked);
      show(chart.picked);
    };
    for (const item of items) {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-pressed", "false");
      button.append(...item.childNodes);
      item.append(button);
      item.addEventListener("click", () => pin(item.dataset.series));
      item.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && show(item.dataset.series));
      item.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && show(chart.picked));
    }
    if (items.some((item) => item.dataset.series === view.get(key))) pin(view.get(key));
  }

  // Other axes do not rise from rung to rung alike: curves follow the rungs, and intervals are lines, no bands.
  function along(spec, axis) {
    for (const layer of spec.layer) {
      if (!layer.encoding.x) continue;
      layer.encoding.x = axis.x;
      if (layer.mark.type === "line") layer.encoding.order = { field: "place", type: "quantitative" };
      if (layer.mark.type === "area") {
        const bands = !layer.encoding.fillOpacity.value.expr.startsWith("picked == '' ? 0 :"); // too many curves have none
        layer.mark = { type: "rule", clip: true, strokeWidth: 1 };
        layer.transform = [{ filter: "datum.marked" }];
        layer.encoding.opacity = { value: { expr: `picked == '' ? ${bands ? 0.3 : 0} : datum.series == picked ? 1 : 0` } };
        delete layer.encoding.fillOpacity;
      }
    }
  }

  async function draw(chart, name) {
    const spec = structuredClone(chart.spec);
    const axis = chart.axes.find((each) => each.name === name);
    if (axis && axis !== chart.axes[0]) along(spec, axis);
    const half = chart.element.closest(".pair") !== null;
    spec.width = "container";
    spec.height = half || narrow ? 320 : 420;
    spec.autosize = { type: "fit-x", contains: "padding" };
    spec.params.find((each) => each.name === "picked").value = chart.shown;
    const options = { mode: "vega-lite", renderer: "svg", actions: false, tooltip: { theme: "page" } };
    chart.embedded?.finalize();
    chart.embedded = await window.vegaEmbed(chart.live, spec, options);
    chart.vega = chart.embedded.view;
    chart.live.setAttribute("aria-label", chart.described + (axis ? ` Now drawn against ${axis.called}.` : ""));
  }

  const part = (name, text) => Object.assign(document.createElement("span"), { className: name, textContent: text });

  // One choice a section: figures beside one another keep to one axis.
  function choosable(charts, name) {
    const key = `${name}.axis`;
    const shared = (axis) => charts.every((chart) => chart.axes.some((own) => own.name === axis.name));
    const choices = charts[0].axes.filter(shared);
    if (choices.length < 2) return "";
    const asked = choices.some((axis) => axis.name === view.get(key)) ? view.get(key) : choices[0].name;
    const group = document.createElement("fieldset");
    group.className = "axes";
    const legend = document.createElement("legend");
    legend.textContent = "Against";
    group.append(legend);
    const means = document.createElement("p");
    means.setAttribute("role", "status");
    const heading = charts[0].section?.querySelector("h2 [data-axis]");
    const say = (axis) => {
      means.textContent = axis.means && `${axis.means} Vertical lines are the same intervals as the bands.`;
      heading?.replaceChildren(part("on-screen", axis.called), part("on-paper", choices[0].called));
    };
    for (const axis of choices) {
      const radio = document.createElement("input");
      Object.assign(radio, { type: "radio", name: key, value: axis.name, autocomplete: "off" });
      radio.checked = axis.name === asked;
      radio.addEventListener("change", () => {
        view.set(key, axis === choices[0] ? "" : axis.name);
        say(axis);
        for (const chart of charts) draw(chart, axis.name);
      });
      const label = document.createElement("label");
      label.append(radio, ` ${axis.called}`);
      group.append(label);
    }
    group.append(means);
    say(choices.find((axis) => axis.name === asked));
    charts[0].element.before(group);
    return asked;
  }

  async function open(charts, names, asked) {
    for (const chart of charts) {
      await draw(chart, asked.get(chart.section));
      chart.element.classList.add("drawn");
      chart.live.removeAttribute("aria-hidden");
      chart.live.setAttribute("role", "img");
      pickable(chart, names[charts.indexOf(chart)]);
    }
    document.documentElement.dataset.figures = "ready";
  }

  const elements = [...document.querySelectorAll("[data-chart]")];
  const charts = elements.map((element) => {
    const spec = JSON.parse(element.querySelector("script").textContent);
    return {
      element,
      spec,
      section: element.closest("section"),
      axes: spec.usermeta?.axes ?? [],
      live: element.querySelector(".live"),
      described: element.querySelector("[role=img]").getAttribute("aria-label"),
      picked: "",
      shown: "",
    };
  });
  const asked = new Map();
  for (const section of new Set(charts.map((chart) => chart.section))) {
    const movable = charts.filter((chart) => chart.section === section && chart.axes.length > 0);
    if (movable.length > 0) asked.set(section, choosable(movable, section?.id || "view"));
  }
  open(charts, view.names(elements), asked);
})();
