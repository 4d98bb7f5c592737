// The view of a page in its address: `?table-1.sort=-10x&table-1.find=snip`. Copied, the address opens the same view;
// what stands after `#` is left to links.
(() => {
  "use strict";
  const said = () => new URLSearchParams(window.location.search);

  window.ticketbenchView = {
    get: (key) => said().get(key) ?? "",
    set(key, value) {
      const now = said();
      if (now.get(key) === (value || null)) return;
      if (value) now.set(key, value);
      else now.delete(key);
      const query = now.toString();
      try {
        const address = query ? `?${query}` : window.location.pathname;
        window.history.replaceState(window.history.state, "", address + window.location.hash);
      } catch {
        // A page in a sandbox may not change its address. Everything else goes on.
      }
    },
    // What a part of the page is called there: its own id, or its section's, counted where a section has several.
    names(parts) {
      const used = new Map();
      return parts.map((part) => {
        const own = part.id || part.closest("[id]")?.id || "view";
        used.set(own, (used.get(own) ?? 0) + 1);
        return used.get(own) === 1 ? own : `${own}-${used.get(own)}`;
      });
    },
  };
})();
