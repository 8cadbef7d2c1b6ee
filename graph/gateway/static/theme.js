// Runs before anything is drawn, so that a page that was chosen dark does not first shine.
"use strict";

(() => {
  try {
    const chosen = localStorage.getItem("parley.theme");
    if (chosen) document.documentElement.dataset.theme = chosen;
  } catch {
    // Without a store, the system's own choice holds.
  }
})();
