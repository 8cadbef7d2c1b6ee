// What a browser keeps for the page. It may be full or forbidden; the page then goes on without it.

const PREFIX = "parley.";

/** Texts by name. kind: `localStorage`, or `sessionStorage` for what ends with the tab. */
export class Store {
  #kind;
  #own = new Map();

  constructor(kind) {
    this.#kind = kind;
  }

  get(name) {
    if (this.#own.has(name)) return this.#own.get(name);
    try {
      return window[this.#kind].getItem(PREFIX + name) ?? "";
    } catch {
      return "";
    }
  }

  /** Whether the browser took it. Until the page is left, it is known here in any case. */
  set(name, text) {
    try {
      const store = window[this.#kind];
      if (text) store.setItem(PREFIX + name, text);
      else store.removeItem(PREFIX + name);
      this.#own.delete(name);
      return true;
    } catch {
      this.#own.set(name, text);
      return false;
    }
  }

  /** Call back with the text when another tab sets it. */
  watch(name, changed) {
    window.addEventListener("storage", (event) => {
      if (event.key === PREFIX + name) changed(event.newValue ?? "");
    });
  }
}
