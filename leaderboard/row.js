// Draws any row, or the rows of a cell: which, its address says (`row.html#<row id>`, or `row.html#task=…&method=…`).
// A page opened from a file may not fetch, so rows come as scripts that this one adds. What they say was written by
// strangers: it becomes text, never markup.
(() => {
  "use strict";
  const site = JSON.parse(document.getElementById("row-site").textContent);
  const place = document.getElementById("row");
  const head = document.getElementById("row-head");
  const find = document.getElementById("row-find");
  const meanings = document.getElementById("columns");
  const started = head.cloneNode(true);
  const nav = document.querySelector('nav[aria-label="This page"]');
  const ways = nav.cloneNode(true);
  const DEFAULTS = site.defaults; // what an address leaves out
  const FIELDS = site.curve; // of an evaluation, in the order in which rows hold them
  const titles = new Map(site.tasks.map(([id, title]) => [id, title]));
  const taskPages = new Map(site.tasks.map(([id, , address]) => [id, address]));
  const methodTitles = new Map(site.methods.map(([name, title]) => [name, title]));
  const methodPages = new Map(site.methods.map(([name, , address]) => [name, address]));
  const cites = new Map(site.cites);
  const bibtex = new Map(site.bibtex);

  // Scripts of data call these; each is loaded once.
  const loaded = new Map();
  let arrived = null;
  window.ticketbench = { ids: (said) => (arrived = said), rows: (said) => (arrived = said), index: (said) => (arrived = said) };
  function load(address) {
    if (!loaded.has(address)) {
      loaded.set(address, new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = address;
        script.onload = () => resolve(arrived);
        script.onerror = () => reject(new Error(`${address} is not there`));
        document.head.append(script);
      }));
    }
    return loaded.get(address);
  }
  const part = async (task, number) => unpacked(await load(`rows/${task}/${number}.js`));

  function unpacked(said) {
    return Array.from({ length: said.count }, (_, place) => {
      const row = { ...said.same };
      for (const [name, values] of Object.entries(said.columns)) row[name] = values[place];
      return row;
    });
  }

  // As report/printable.py: no control characters, those that turn the direction of a text among them.
  const plain = (text) => text.replace(/(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, "?");
  // Elements: el("td", {class: "n"}, "text", child, …)
  function el(name, said = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(said)) made.setAttribute(key, value);
    made.append(...children.filter((child) => child !== null && child !== undefined).map((child) => (typeof child === "string" ? plain(child) : child)));
    return made;
  }
  const SVG = "http://www.w3.org/2000/svg";
  function svg(name, said = {}, ...children) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(said)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }
  const section = (id, title, ...children) => el("section", { id }, el("h2", {}, title), ...children);
  const wide = (label, table) => el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, table);
  const pre = (text) => el("pre", { class: "command", tabindex: "0" }, el("code", {}, text));
  const grouped = (value) => String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  const number = (value) => (Number.isInteger(value) ? grouped(value) : String(Number(value.toPrecision(6))));
  const metric = (row, value) => {
    if (typeof value !== "number") return value === null || value === undefined ? "–" : String(value);
    return row.metric === "accuracy" ? `${(100 * value).toFixed(2)} %` : number(value);
  };
  const factor = (whole, kept) => `${(whole / kept).toPrecision(3).replace(/\.?0+$/, (z) => (z.startsWith(".") ? "" : z))}×`;
  const times = (row) => (row.kept > 0 && row.prunable > 0 ? factor(row.prunable, row.kept) : "");
  // Of the narrower network of small-dense a row has no count of the weights that no mask covers.
  const overAll = (row) => (row.kept > 0 && row.kept < row.prunable && !/^small-dense\b/.test(row.kind === "control" ? row.label : "")
    ? factor(row.parameters, row.kept + row.parameters - row.prunable) : "");
  const named = (row) => {
    const params = row.method_params === "{}" ? "" : ` ${row.method_params}`;
    const label = row.label ? ` · ${row.label}` : "";
    return `${row.method}${params}${label}`;
  };
  const link = (address, text) => (address ? el("a", { href: address }, text) : document.createTextNode(plain(text)));
  const cellAddress = (row, changes = {}) => {
    const said = {
      task: row.task, version: String(row.task_version), method: row.method, params: row.method_params, kind: row.kind,
      label: row.label, found_on: row.found_on, trained_on: row.trained_on, numerics: row.numerics, rung: String(row.rung), ...changes,
    };
    const kept = Object.entries(said).filter(([name, value]) => value !== undefined && value !== DEFAULTS[name]);
    return `row.html#${kept.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&")}`;
  };

  function top(eyebrow, title, ...below) {
    head.replaceChildren(el("p", { class: "eyebrow" }, ...eyebrow), el("h1", {}, title), ...below);
    document.title = plain(`${title} · ticketbench`);
  }
  const trail = (row) => [
    link("index.html", "Tasks"), " / ", link(taskPages.get(row.task), row.task), " / ",
    row.kind === "dense" ? "dense network" : link(methodPages.get(row.method), row.method),
  ];

  // A line chart of some fields of a curve over its steps.
  function chart(row, lines, title, format) {
    const [height, left, bottom, above] = [260, 58, 34, 10];
    const steps = row.curve[0];
    const drawn = lines.map(([field, name, look]) => [row.curve[FIELDS.indexOf(field)], name, look])
      .filter(([values]) => values.some((value) => value !== null));
    const all = drawn.flatMap(([values]) => values).filter((value) => value !== null);
    if (!all.length || steps.length < 2) return null;
    let [low, high] = [Math.min(...all), Math.max(...all)];
    if (low === high) [low, high] = [low - 0.5, high + 0.5];
    const most = Math.max(...steps);
    const least = Math.min(...steps);
    const y = (value) => height - bottom - ((height - bottom - above) * (value - low)) / (high - low);
    const drawing = (width) => {
      const x = (step) => left + ((width - left - 12) * (step - least)) / (most - least || 1);
      const made = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${title} over ${steps.length} evaluations from step ${least} to ${most}.` });
      for (const tick of ticks(low, high, 4)) {
        made.append(svg("line", { x1: left, x2: width - 12, y1: y(tick), y2: y(tick), class: "grid" }),
          svg("text", { x: left - 8, y: y(tick) + 4, "text-anchor": "end" }, format(tick)));
      }
      for (const tick of ticks(least, most, width < 400 ? 2 : 3)) made.append(svg("text", { x: x(tick), y: height - bottom + 20, "text-anchor": "middle" }, grouped(tick)));
      if (typeof row.best_step === "number" && row.best_step >= least && row.best_step <= most) {
        made.append(svg("line", { x1: x(row.best_step), x2: x(row.best_step), y1: above, y2: height - bottom, class: "best" }));
      }
      for (const [values, , look] of drawn) {
        let path = "";
        let pen = "M";
        values.forEach((value, at) => {
          if (value === null) pen = "M";
          else {
            path += `${pen}${x(steps[at]).toFixed(1)},${y(value).toFixed(1)}`;
            pen = "L";
          }
        });
        made.append(svg("path", { d: path, class: `line ${look}` }));
      }
      return made;
    };
    // Drawn at the width that it has on the page, so that its text keeps its size.
    const frame = el("div", { class: "curve" }, drawing(440));
    let drawnAt = 440;
    const fit = () => {
      const width = Math.max(220, Math.round(frame.clientWidth));
      if (width === drawnAt || !frame.clientWidth) return;
      drawnAt = width;
      frame.replaceChildren(drawing(width));
    };
    new ResizeObserver(() => window.requestAnimationFrame(fit)).observe(frame);
    const legend = el("ul", { class: "legend" }, ...drawn.map(([, name, look]) => {
      const swatch = svg("svg", { class: "swatch", viewBox: "0 0 30 12", "aria-hidden": "true" }, svg("path", { d: "M0,6L30,6", class: `line ${look}` }));
      return el("li", {}, swatch, el("span", {}, name));
    }));
    return el("figure", {}, el("h3", {}, title), legend, frame);
  }

  // Round numbers between two: by the largest step that gives at least so many.
  function ticks(low, high, fewest) {
    if (!(high > low)) return [low];
    const top = Math.floor(Math.log10(high - low));
    for (let power = top; power > top - 4; power--) {
      for (const each of [5, 2, 1]) {
        const step = each * 10 ** power;
        const first = Math.ceil(low / step - 1e-9);
        const last = Math.floor(high / step + 1e-9);
        if (last - first + 1 >= fewest) return Array.from({ length: last - first + 1 }, (_, k) => Number(((first + k) * step).toPrecision(12)));
      }
    }
    return [];
  }

  function learning(row) {
    if (!row.curve || !row.curve[0].length) return section("curve", "Learning curve", el("p", { class: "prose" }, "This row has none."));
    const percent = row.metric === "accuracy";
    const metrics = chart(row, [["validation", "validation", "ours"], ["test", "test, drawn and never used", "test"]],
      percent ? "Accuracy, %" : row.metric.charAt(0).toUpperCase() + row.metric.slice(1), percent ? (value) => String(Number((100 * value).toPrecision(4))) : number);
    const losses = chart(row, [["training_loss", "training", "training"], ["validation_loss", "validation", "ours"], ["test_loss", "test, drawn and never used", "test"]], row.metric === "return" ? "Loss" : "Loss, nats", number);
    const figures = [metrics, losses].filter(Boolean);
    const table = el("table", {}, el("thead", {}, el("tr", {}, ...FIELDS.map((name) => el("th", { scope: "col", class: "n" }, name.replace("_", " "))))),
      el("tbody", {}, ...row.curve[0].map((_, at) => el("tr", {}, ...row.curve.map((values) => el("td", { class: "n" }, values[at] === null ? "–" : number(values[at])))))));
    const best = typeof row.best_step === "number" ? ` The upright line is step ${grouped(row.best_step)}, the lowest validation loss.` : "";
    return section("curve", "Learning curve",
      figures.length ? el("div", { class: "pair" }, ...figures) : el("p", { class: "prose" }, "It has too few evaluations to draw."),
      el("p", { class: "key" }, `Every evaluation under the submitted mask. Test values are drawn, never used: nothing is chosen by them.${best}`),
      el("details", {}, el("summary", {}, `${row.curve[0].length} evaluations, at six digits`), wide("Evaluations", table)));
  }

  function layers(row) {
    if (!row.kept_per_layer || !row.kept_per_layer.length) return null;
    const lines = row.kept_per_layer.map(({ layer, kept, prunable }) => {
      const density = prunable ? kept / prunable : 0;
      const bar = el("span", { class: "share-bar", "aria-hidden": "true" });
      bar.style.setProperty("--share", `${100 * density}%`);
      const emptied = kept === 0 ? el("span", { class: "note" }, "emptied") : null;
      return el("tr", {}, el("th", { scope: "row" }, el("code", {}, layer)), el("td", { class: "n" }, grouped(kept)), el("td", { class: "n" }, grouped(prunable)),
        el("td", { class: "n" }, `${Number((100 * density).toPrecision(3))} %`, emptied), el("td", { class: "share-cell" }, bar));
    });
    const heads = [["Layer", ""], ["Kept", "n"], ["Prunable", "n"], ["Density", "n"]].map(([name, kind]) => el("th", { scope: "col", class: kind }, name));
    const table = el("table", { class: "layers" }, el("thead", {}, el("tr", {}, ...heads, el("td", {}))), el("tbody", {}, ...lines));
    return section("layers", "Density of every layer", wide("Density of every layer", table));
  }

  function value(row, name) {
    const said = row[name];
    if (said === null || said === undefined || said === "") return el("span", { class: "none" }, said === "" ? "empty" : "none");
    if (name === "curve") return `${row.curve[0].length} evaluations, above`;
    if (name === "kept_per_layer") return `${said.length} layers, above`;
    if (name === "test_correct") return `${grouped(said)} bytes of packed bits, in the Parquet file`;
    if (name === "test_scores") return `${grouped(said)} values, in the Parquet file`;
    if (name === "packages") return said.map((each) => `${each.name} ${each.version}`).join(", ");
    if (Array.isArray(said)) return said.map((each) => (each === null ? "none" : number(each))).join(", ");
    if (typeof said === "boolean") return said ? "yes" : "no";
    if (typeof said === "number") return Number.isInteger(said) ? grouped(said) : String(said);
    return String(said);
  }

  function all(row) {
    const groups = site.columns.map(([group, listed]) => el("tbody", {},
      el("tr", { class: "group" }, el("th", { scope: "rowgroup", colspan: "3" }, group)),
      ...listed.map(([name, description, unit, better, compared]) => el("tr", {},
        el("th", { scope: "row" }, el("code", {}, name)),
        el("td", { class: "value" }, value(row, name), unit && row[name] !== null ? el("small", { class: "inline" }, unit) : null),
        el("td", { class: "said" }, description, better ? ` (better: ${better})` : "", compared ? "" : el("small", {}, "not compared"))))));
    const table = el("table", { class: "all" }, el("thead", {}, el("tr", {}, ...["Column", "Value", "What it is"].map((name) => el("th", { scope: "col" }, name)))), ...groups);
    return section("all", "Every column", wide("Every column of the row", table));
  }

  function recompute(row) {
    const file = `${taskPages.get(row.task).split("/").pop().replace(/\.html$/, "")}/rows.parquet`;
    const parquet = taskPages.get(row.task).replace(/[^/]*$/, "") + file;
    const equal = row.numerics === "fp32" ? " With the files that made it, on the same kind of processor and with the same software, every compared column comes out equal in every bit." : "";
    return section("again", "Computing it again",
      el("p", { class: "prose" }, `This makes the row again, with those of the seeds before it.${equal}`),
      pre(row.command),
      el("p", { class: "prose" }, "And this computes it again from the file of ", el("a", { href: parquet, download: "" }, "this task’s rows"),
        ", and says whether it is bit-identical, within tolerance, or parted; the second line does so for some rows of the file, drawn."),
      pre(`ticketbench verify rows.parquet --row ${row.row_id.slice(0, 12)}\nticketbench verify rows.parquet --sample 5`));
  }

  function papers(row) {
    const keys = [...(cites.get(row.task) ?? []), ...(cites.get(`method ${row.method}`) ?? [])];
    return [...new Set(keys)].map((key) => bibtex.get(key));
  }

  function citing(row) {
    const found = [site.suite, row.bibtex, ...papers(row)].filter(Boolean);
    return section("citing", "Citing it",
      el("p", { class: "prose" }, "Its permanent id is the digest of what the row is of, and of nothing else: ", el("code", { class: "digest" }, row.row_id), "."),
      pre(`ticketbench cite ${row.row_id}`),
      el("details", { open: "" }, el("summary", {}, "BibTeX of the suite, the row, and its task’s and method’s papers"), pre(found.join("\n\n"))));
  }

  function showRow(row) {
    const facts = [row.kind === "ticket" ? "" : row.kind, `seed ${row.seed}`, `rung ${row.rung}`, times(row) && `${times(row)} compression`, overAll(row) && `${overAll(row)} compression over all parameters`,
      row.found_on === row.trained_on ? (row.found_on === "default" ? "" : `on ${row.found_on}`) : `found on ${row.found_on}, trained on ${row.trained_on}`, row.numerics].filter(Boolean);
    const score = ["done", "collapsed"].includes(row.status) ? `${metric(row, row.test_final)} test ${row.metric} at the last step, ${metric(row, row.test_best)} at the step of lowest validation loss.` : "";
    const status = row.status === "done" ? null : el("p", { class: "notice" }, el("strong", {}, row.status), row.reason ? `: ${row.reason}` : "");
    top(trail(row), row.kind === "dense" ? `Dense network, seed ${row.seed}` : `${named(row)}, seed ${row.seed}`,
      el("p", { class: "facts" }, ...facts.map((fact) => el("span", {}, fact)).flatMap((each) => [each, " "])),
      el("p", { class: "lead" }, score || (methodTitles.get(row.method) ?? "")), ...(status ? [status] : []));
    const beside = el("p", { class: "prose beside" }, el("a", { href: cellAddress(row) }, "All seeds of this cell"), " · ",
      el("a", { href: cellAddress(row, { rung: undefined }) }, "all rungs"));
    place.replaceChildren(...[beside, learning(row), layers(row), recompute(row), citing(row), all(row)].filter(Boolean));
    ownNav();
  }

  // Links to what stands on the page now.
  function ownNav() {
    const names = { rows: "Rows", curve: "Curve", layers: "Layers", again: "Command", citing: "Citing", all: "Columns" };
    nav.replaceChildren(...[...place.querySelectorAll("section[id]")].flatMap(({ id }) => [el("a", { href: `#${id}` }, names[id]), " "]));
  }

  function showList(rows, asked) {
    const first = rows[0];
    const where = asked.rung === undefined ? "every rung" : first.rung === 0 ? "" : `rung ${first.rung}${times(first) ? `, ${times(first)}` : ""}`;
    top(trail(first), first.kind === "dense" ? "Dense network" : named(first),
      el("p", { class: "facts" }, ...[titles.get(first.task), where, `${rows.length} row${rows.length === 1 ? "" : "s"}`].filter(Boolean).map((fact) => el("span", {}, fact)).flatMap((each) => [each, " "])));
    const heads = [["Rung", "n"], ["Seed", "n"], ["Compression", "n"], ["Status", ""], [`Test ${first.metric ?? ""}, last step`, "n"], ["At best step", "n"], ["Best step", "n"], ["Row", ""]];
    const lines = rows.map((row) => el("tr", {}, el("td", { class: "n" }, String(row.rung)), el("td", { class: "n" }, String(row.seed)), el("td", { class: "n" }, times(row) || "–"),
      el("td", {}, row.status, row.reason ? el("small", {}, row.reason) : null), el("td", { class: "n" }, metric(row, row.test_final)), el("td", { class: "n" }, metric(row, row.test_best)),
      el("td", { class: "n" }, row.best_step === null ? "–" : grouped(row.best_step)), el("td", {}, el("a", { href: `row.html#${row.row_id}` }, el("code", {}, row.row_id.slice(0, 12))))));
    const table = el("table", { class: "listed" }, el("thead", {}, el("tr", {}, ...heads.map(([name, kind]) => el("th", { scope: "col", class: kind }, name)))), el("tbody", {}, ...lines));
    const cited = section("citing", "Citing them",
      el("details", { open: "" }, el("summary", {}, "BibTeX of the suite, and of its task’s and method’s papers"), pre([site.suite, ...papers(first)].filter(Boolean).join("\n\n"))),
      el("details", {}, el("summary", {}, "BibTeX of every row"), pre(rows.map((row) => row.bibtex).join("\n\n"))));
    place.replaceChildren(section("rows", "Rows", wide("Rows of this cell", table)), cited);
    ownNav();
  }

  const missing = (text) => {
    head.replaceChildren(...started.cloneNode(true).childNodes);
    place.replaceChildren(el("p", { class: "notice", role: "alert" }, text));
  };

  // A row by its id, or by the first digits of it.
  async function byId(digits) {
    const known = await load(`rows/ids/${digits.slice(0, site.digits)}.js`);
    const found = known.filter(([row]) => row.startsWith(digits));
    if (!found.length) return missing(`No row here has an id that begins with ${digits}.`);
    if (found.length > 1) return missing(`The ids of ${found.length} rows begin with ${digits}: give more digits.`);
    const [[id, task, number]] = found;
    return showRow((await part(task, number)).find((row) => row.row_id === id));
  }

  async function byCell(asked) {
    if (!taskPages.has(asked.task)) return missing(`There is no task ${asked.task} here.`);
    const [, methods] = await load(`rows/${asked.task}/index.js`);
    const rungs = methods.find(([name]) => name === asked.method)?.[1] ?? [];
    const wanted = rungs.filter(([rung]) => asked.rung === undefined || String(rung) === asked.rung).flatMap(([, parts]) => parts);
    const rows = [];
    for (const number of [...new Set(wanted)].sort((a, b) => a - b)) rows.push(...(await part(asked.task, number)));
    const fits = (row) => row.method === asked.method && row.method_params === asked.params && row.kind === asked.kind && row.label === asked.label
      && row.found_on === asked.found_on && row.trained_on === asked.trained_on && row.numerics === asked.numerics
      && (asked.rung === undefined || String(row.rung) === asked.rung) && (asked.version === undefined || String(row.task_version) === asked.version);
    const found = rows.filter(fits).sort((a, b) => a.rung - b.rung || a.seed - b.seed);
    return found.length ? showList(found, asked) : missing("No row here is of this cell.");
  }

  async function show() {
    const hash = window.location.hash.slice(1);
    const said = hash === meanings.id ? "" : hash;
    find.hidden = false;
    meanings.hidden = said !== "";
    nav.replaceChildren(...(said === "" ? ways.cloneNode(true).childNodes : []));
    try {
      if (/^[0-9a-f]{8,32}$/i.test(said)) await byId(said.toLowerCase());
      else if (said.includes("=")) await byCell({ ...DEFAULTS, ...Object.fromEntries(new URLSearchParams(said)) });
      else if (said !== "") missing(`“${said}” is no row’s id: expected its 32 hexadecimal digits (0–9, a–f), or the first 8 of them or more.`);
      else {
        head.replaceChildren(...started.cloneNode(true).childNodes);
        place.replaceChildren();
        return;
      }
      document.body.dataset.shown = said;
      if (!place.contains(document.activeElement)) window.scrollTo(0, 0);
    } catch (error) {
      missing(`The rows could not be read: ${error.message}.`);
    }
  }

  // The address says which row this is, so a link within the page goes there without changing it.
  document.addEventListener("click", (event) => {
    const way = event.target.closest('a[href^="#"]');
    const goal = way && document.getElementById(way.getAttribute("href").slice(1));
    if (!goal) return;
    event.preventDefault();
    goal.tabIndex = -1;
    goal.focus({ preventScroll: true });
    goal.scrollIntoView();
  });
  find.addEventListener("submit", (event) => {
    event.preventDefault();
    window.location.hash = document.getElementById("row-id").value.trim().toLowerCase();
  });
  window.addEventListener("hashchange", show);
  show();
})();
