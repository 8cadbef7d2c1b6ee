// What the page says, in the language of the browser where it is known, else in English.

import { ENGLISH } from "./english.js";
import { FRENCH } from "./french.js";
import { ITALIAN } from "./italian.js";

const KNOWN = { en: ENGLISH, fr: FRENCH, it: ITALIAN };

export class Labels {
  #texts;
  #names;

  /** languages: the person's own, the dearest first, as `navigator.languages` has them. */
  constructor(languages) {
    const codes = languages.map((each) => each.toLowerCase().split("-")[0]);
    this.language = codes.find((code) => code in KNOWN) ?? "en";
    this.#texts = KNOWN[this.language];
    this.#names = new Intl.DisplayNames([this.language], { type: "language" });
  }

  /** A text with `{name}` in it replaced. */
  text(key, values = {}) {
    return this.#texts[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
  }

  has(key) {
    return key in this.#texts;
  }

  /** `fr` as this language calls it, with a capital letter, for it stands alone. */
  nameOf(code) {
    const name = this.#names.of(code) ?? code;
    return name.charAt(0).toLocaleUpperCase(this.language) + name.slice(1);
  }

  percent(share) {
    // Nothing that was only guessed is called certain.
    const shown = Math.min(Math.floor(share * 100) / 100, share < 1 ? 0.99 : 1);
    return new Intl.NumberFormat(this.language, { style: "percent" }).format(shown);
  }

  seconds(value) {
    const isShort = value < 0.1;
    const digits = isShort ? 0 : value < 10 ? 2 : 1;
    const unit = { style: "unit", unitDisplay: "short", unit: isShort ? "millisecond" : "second" };
    const shape = { ...unit, minimumFractionDigits: digits, maximumFractionDigits: digits };
    return new Intl.NumberFormat(this.language, shape).format(isShort ? value * 1000 : value);
  }

  /** Say everything below a root: texts, names of what has no text of its own, tips, placeholders. */
  apply(root) {
    document.documentElement.lang = this.language;
    for (const each of root.querySelectorAll("[data-text]")) {
      each.textContent = this.text(each.dataset.text);
    }
    for (const each of root.querySelectorAll("[data-name]")) {
      each.setAttribute("aria-label", this.text(each.dataset.name));
      if (each.localName === "button") each.title = this.text(each.dataset.name);
    }
    for (const each of root.querySelectorAll("[data-tip]")) each.title = this.text(each.dataset.tip);
    for (const each of root.querySelectorAll("[data-placeholder]")) {
      each.placeholder = this.text(each.dataset.placeholder);
    }
  }
}
