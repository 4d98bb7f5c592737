// Sorts and filters the main tables and chooses their columns. Without this file, or where it fails, they stay complete.
// Templates say: on a table `data-sortable` (boards and lists of tasks are anyway) and `data-noun`, what its rows are; on
// a row `data-family`, `data-cost`, `data-tag`; on a head `data-first`, which way it sorts first; on a cell `data-order`.
(() => {
  "use strict";
  const view = window.ticketbenchView;
  const tables = [...document.querySelectorAll("table.board:not(.sided, .transfer), table.tasks, table[data-sortable]")];
  if (!view || tables.length === 0) return;
  const assets = document.currentScript.src;
  const FILTERS = { family: "Family", cost: "Cost class", tag: "Tag" }; // by the data attribute of a row
  const ENOUGH = 4; // fewer rows are sorted, and need no search
  const MISSING = new Set(["", "–", "—", "?", "n/a"]);
  const NUMBER = /^[^\p{L}\d+-]*([+-]?\d[\d,]*\.?\d*(?:e[+-]?\d+)?)/iu;

  const make = (tag, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  };
  const words = (node) => [...node.childNodes].map((each) => each.textContent).join(" ").replace(/\s+/g, " ").trim();
  const unique = (values) => [...new Set(values)].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));

  // What a cell says before its small print: the mean without its half-width, the name without its title.
  function main(cell) {
    const first = cell.querySelector(".mean, .name, a");
    if (first) return words(first);
    const copy = cell.cloneNode(true);
    for (const small of copy.querySelectorAll("small, .badge, .note, .half")) small.remove();
    return words(copy);
  }

  function number(text) {
    const found = NUMBER.exec(text.replace(/−/g, "-"));
    return found ? Number(found[1].replace(/,/g, "")) : null;
  }

  // Says in every cell of a column by what it is sorted and found, and returns whether these are numbers.
  function prepare(cells) {
    const known = cells.filter((cell) => !MISSING.has(cell.dataset.order ?? main(cell)));
    const numbers = known.every((cell) => number(cell.dataset.order ?? main(cell)) !== null);
    for (const cell of cells) {
      const said = cell.dataset.order ?? main(cell);
      const missing = !known.includes(cell) || said === "";
      cell.dataset.order = missing ? "" : numbers ? String(number(said)) : said.toLowerCase();
      const notes = [...cell.querySelectorAll(".note, .badge")].map(words).join(" ");
      cell.dataset.search = numbers && cell.tagName !== "TH" ? notes : words(cell);
    }
    return numbers;
  }

  // Missing values come last whichever way a column is sorted.
  function register(DataTable) {
    const types = DataTable.ext.type.order;
    const compare = { number: (a, b) => a - b, text: (a, b) => a.localeCompare(b, "en", { numeric: true }) };
    for (const [kind, forward] of Object.entries(compare)) {
      const last = (order) => (a, b) => (a === null || b === null ? (a === null) - (b === null) : order(a, b));
      types[`ticketbench-${kind}-pre`] = (said) => (said === "" ? null : kind === "number" ? Number(said) : said);
      types[`ticketbench-${kind}-asc`] = last(forward);
      types[`ticketbench-${kind}-desc`] = last((a, b) => forward(b, a));
    }
    DataTable.ext.errMode = "throw";
  }

  // Rows that keep their place whatever is sorted: a group's heading, and what stands over several columns.
  function grouped(table) {
    const groups = [{ heading: null, pinned: [], rows: [] }];
    for (const row of [...table.tBodies].flatMap((body) => [...body.rows])) {
      if (row.matches(".family") || row.querySelector("[scope=rowgroup]")) {
        groups.push({ heading: row, pinned: [], rows: [] });
      } else {
        const spans = row.matches(".dense") || [...row.cells].some((cell) => cell.colSpan > 1 || cell.rowSpan > 1);
        groups.at(-1)[spans ? "pinned" : "rows"].push(row);
      }
    }
    return groups;
  }

  function enhance(table, name, DataTable) {
    const heads = [...(table.tHead?.rows[0]?.cells ?? [])];
    const groups = grouped(table);
    const rows = groups.flatMap((group) => group.rows);
    const fits = table.tHead?.rows.length === 1 && heads.every((head) => head.colSpan === 1);
    if (!fits || rows.length < 2 || rows.some((row) => row.cells.length !== heads.length)) return;

    const numbers = heads.map((_, column) => prepare(rows.map((row) => row.cells[column])));
    const titles = heads.map(main);
    const slugs = titles.map((title) => title.toLowerCase().replace(/×/g, "x").replace(/[\s,]+/g, "-"));
    const keys = slugs.map((slug, column) => (slug && slugs.indexOf(slug) === column ? slug : `${slug}-${column}`));
    const spans = new Map(
      groups.flatMap((group) => [group.heading, ...group.pinned]).filter(Boolean).map((row) => {
        let from = 0;
        return [row, [...row.cells].map((cell) => ({ cell, from, to: (from += cell.colSpan) }))];
      }),
    );
    const body = table.tBodies[0];
    for (const row of spans.keys()) row.remove();
    body.append(...rows);
    groups.forEach((group, place) => {
      for (const row of group.rows) row.append(make("td", { textContent: String(place) }));
    });
    heads[0].parentNode.append(make("th", { textContent: "Group" }));

    const noun = table.dataset.noun ?? (table.matches(".tasks") ? "tasks" : "methods");
    const status = make("p", { className: "count" });
    status.setAttribute("role", "status");
    let api = null;

    // DataTables itself says here which way the groups are sorted.
    const mark = () => {
      const [sorted] = api?.order() ?? [];
      heads.forEach((head, column) => {
        if (sorted?.[0] === column) head.setAttribute("aria-sort", sorted[1] === "asc" ? "ascending" : "descending");
        else head.removeAttribute("aria-sort");
      });
      table.classList.toggle("sorted", Boolean(sorted));
      return sorted;
    };

    const place = () => {
      const shown = new Set([...body.rows]);
      for (const group of groups) {
        const first = group.rows.length ? [...body.rows].find((row) => group.rows.includes(row)) : undefined;
        const fixed = [...(group.heading && first ? [group.heading] : []), ...group.pinned];
        if (group === groups[0]) body.prepend(...fixed);
        else if (first) first.before(...fixed);
        else body.append(...fixed);
      }
      const visible = rows.filter((row) => shown.has(row)).length;
      const sorted = mark();
      const count = visible === rows.length ? `${visible} ${noun}` : `${visible} of ${rows.length} ${noun}`;
      const order = sorted ? `, by ${titles[sorted[0]]}, ${sorted[1] === "asc" ? "ascending" : "descending"}` : "";
      if (status.textContent !== count + order) status.textContent = count + order;
    };

    const group = heads.length;
    api = new DataTable(table, {
      paging: false,
      info: false,
      autoWidth: false,
      order: [],
      orderFixed: { pre: [[group, "asc"]] },
      ordering: { handler: false, indicators: false },
      layout: { topStart: null, topEnd: null, bottomStart: null, bottomEnd: null },
      language: { zeroRecords: `No ${noun} match.`, emptyTable: "" },
      drawCallback: place,
      columnDefs: [
        { targets: group, visible: false, searchable: false },
        ...numbers.map((each, column) => ({ targets: column, type: `ticketbench-${each ? "number" : "text"}` })),
      ],
    });

    const fit = () => {
      for (const cells of spans.values()) {
        for (const { cell, from, to } of cells) {
          const left = heads.slice(from, to).filter((_, place) => api.column(from + place).visible()).length;
          cell.hidden = left === 0;
          if (left) cell.colSpan = left;
        }
      }
      mark();
    };

    const bar = make("div", { className: "bar" });
    bar.setAttribute("role", "group");
    bar.setAttribute("aria-label", `Sort, filter and choose columns: ${table.closest("[aria-label]")?.ariaLabel ?? name}`);
    const resets = [];
    const reset = make("button", { type: "button", textContent: "Reset", hidden: true });
    const changed = () => {
      reset.hidden = !resets.some(({ initial }) => !initial());
    };

    sortable({ api, heads, titles, keys, numbers, name, changed, resets });
    if (rows.length >= ENOUGH) {
      find({ api, bar, name, noun, changed, resets });
      filters({ api, bar, rows, name, changed, resets });
      columns({ api, bar, heads, titles, keys, name, fit, changed, resets });
      bar.append(reset, status);
      (table.closest(".scroll") ?? table).before(bar);
    }
    reset.addEventListener("click", () => {
      for (const each of resets) each.clear();
      api.draw();
      changed();
      bar.querySelector("input").focus();
    });
    fit();
    api.draw();
    changed();
  }

  // Every head becomes a button: first its natural order, then the other way round, then the page's own order.
  function sortable({ api, heads, titles, keys, numbers, name, changed, resets }) {
    const key = `${name}.sort`;
    const falls = (head, column) => numbers[column] && !head.matches(".n"); // scores do, counts do not
    const first = heads.map((head, column) => head.dataset.first ?? (falls(head, column) ? "desc" : "asc"));
    const sort = (column, direction) => {
      api.order(direction ? [[column, direction]] : []);
      view.set(key, direction ? (direction === "desc" ? "-" : "") + keys[column] : "");
    };
    heads.forEach((head, column) => {
      const title = head.querySelector(".dt-column-title") ?? head;
      const button = make("button", { type: "button", className: "sort", title: `Sort by ${titles[column]}` });
      button.append(...title.childNodes);
      title.append(button);
      button.addEventListener("click", () => {
        const [now] = api.order();
        const way = now?.[0] === column ? now[1] : "";
        const other = first[column] === "asc" ? "desc" : "asc";
        sort(column, way === "" ? first[column] : way === first[column] ? other : "");
        api.draw();
        changed();
      });
    });
    const said = view.get(key);
    const column = keys.indexOf(said.replace(/^-/, ""));
    if (column >= 0) sort(column, said.startsWith("-") ? "desc" : "asc");
    resets.push({ initial: () => api.order().length === 0, clear: () => sort(0, "") });
  }

  function find({ api, bar, name, noun, changed, resets }) {
    const key = `${name}.find`;
    const input = make("input", { type: "search", autocomplete: "off", spellcheck: false, value: view.get(key) });
    const search = () => {
      api.search(input.value);
      view.set(key, input.value);
    };
    input.addEventListener("input", () => {
      search();
      api.draw();
      changed();
    });
    bar.append(make("label", {}, `Find ${noun} `, input));
    search();
    resets.push({ initial: () => input.value === "", clear: () => ((input.value = ""), search()) });
  }

  function filters({ api, bar, rows, name, changed, resets }) {
    for (const [attribute, label] of Object.entries(FILTERS)) {
      const valuesOf = (row) => {
        const said = (row.dataset[attribute] ?? "").trim();
        return attribute === "tag" ? said.split(/\s+/).filter(Boolean) : said ? [said] : [];
      };
      const values = unique(rows.flatMap(valuesOf));
      if (values.length < 2) continue;
      const key = `${name}.${attribute}`;
      const select = make("select", { autocomplete: "off" }, make("option", { value: "", textContent: "all" }));
      select.append(...values.map((value) => make("option", { value, textContent: value })));
      const filter = () => {
        const wanted = select.value;
        const keep = (_text, _data, index) => valuesOf(api.row(index).node()).includes(wanted);
        api.search.fixed(attribute, wanted ? keep : null);
        view.set(key, wanted);
      };
      select.value = values.includes(view.get(key)) ? view.get(key) : "";
      select.addEventListener("change", () => {
        filter();
        api.draw();
        changed();
      });
      bar.append(make("label", {}, `${label} `, select));
      filter();
      resets.push({ initial: () => select.value === "", clear: () => ((select.value = ""), filter()) });
    }
  }

  function columns({ api, bar, heads, titles, keys, name, fit, changed, resets }) {
    const key = `${name}.hide`;
    const hidden = new Set(view.get(key).split(","));
    const boxes = heads.slice(1).map((_, place) => {
      const box = make("input", { type: "checkbox", autocomplete: "off", checked: !hidden.has(keys[place + 1]) });
      box.addEventListener("change", () => {
        apply();
        changed();
      });
      return box;
    });
    const apply = () => {
      boxes.forEach((box, place) => api.column(place + 1).visible(box.checked, false));
      view.set(key, keys.filter((_, column) => column > 0 && !boxes[column - 1].checked).join(","));
      fit();
    };
    const choice = make("details", { className: "choice" }, make("summary", { textContent: "Columns" }));
    const list = make("fieldset", {}, make("legend", { textContent: "Columns shown" }));
    list.append(...boxes.map((box, place) => make("label", {}, box, ` ${titles[place + 1]}`)));
    choice.append(list);
    choice.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !choice.open) return;
      choice.open = false;
      choice.querySelector("summary").focus();
    });
    bar.append(choice);
    apply();
    const all = () => boxes.every((box) => box.checked);
    resets.push({ initial: all, clear: () => (boxes.forEach((box) => (box.checked = true)), apply()) });
  }

  async function library() {
    await new Promise((loaded, failed) => {
      document.head.append(
        make("script", { src: new URL("datatables.js", assets), onload: loaded, onerror: failed }),
      );
    });
    // From a file no module can be loaded but one that an address holds whole.
    const text = encodeURIComponent(window.ticketbenchTableLibrary);
    return (await import(`data:text/javascript;charset=utf-8,${text}`)).default;
  }

  (async () => {
    const DataTable = await library();
    register(DataTable);
    const names = view.names(tables);
    tables.forEach((table, place) => {
      const own = table.cloneNode(true);
      try {
        enhance(table, names[place], DataTable);
      } catch (error) {
        table.replaceWith(own);
        console.error(error);
      }
    });
    document.documentElement.dataset.tables = "ready";
  })();
})();
