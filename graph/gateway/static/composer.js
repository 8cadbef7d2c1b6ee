// The field in which a person writes, with the language and the buttons beside it.

import { fillLanguages } from "./languages.js";

const GROWS_BY_ITSELF = CSS.supports("field-sizing", "content");

export class Composer {
  #isOpen = false;

  /** send(text), stop(), edit() and changed(): what the person does here. */
  constructor({ send, stop, edit, changed }) {
    const find = (id) => document.getElementById(id);
    this.field = find("message");
    this.menu = find("language");
    this.sendButton = find("send");
    this.stopButton = find("stop");
    this.does = { send, stop, edit, changed };
    find("composer").addEventListener("submit", (event) => this.#submit(event));
    this.field.addEventListener("keydown", (event) => this.#press(event));
    this.field.addEventListener("input", () => this.#change());
    this.menu.addEventListener("change", () => changed());
    this.stopButton.addEventListener("click", stop);
  }

  get text() {
    return this.field.value;
  }

  set text(value) {
    this.field.value = value;
    this.#change();
  }

  get chosen() {
    return this.menu.value;
  }

  focus() {
    this.field.focus();
  }

  /** Whether an answer is on its way, which can then be stopped. */
  setOpen(isOpen) {
    const had = document.activeElement;
    this.#isOpen = isOpen;
    this.sendButton.hidden = isOpen;
    this.stopButton.hidden = !isOpen;
    // The button that a person has just used goes away, and the focus with it.
    if (had === this.sendButton || had === this.stopButton) this.focus();
  }

  showLanguages(languages, chosen, labels) {
    fillLanguages(this.menu, { first: labels.text("detect"), chosen, languages, labels });
    this.menu.hidden = this.menu.options.length < 2;
  }

  #submit(event) {
    event.preventDefault();
    const text = this.text.trim();
    if (!text || this.#isOpen) return;
    this.text = "";
    this.does.send(text);
  }

  #press(event) {
    // An input method takes Enter for itself while it composes a character.
    if (event.isComposing || event.keyCode === 229) return;
    const hasKeyboard = !window.matchMedia("(pointer: coarse)").matches;
    if (event.key === "Enter" && !event.shiftKey && hasKeyboard) this.#submit(event);
    else if (event.key === "Escape" && this.#isOpen) this.does.stop();
    else if (event.key === "ArrowUp" && !this.text && this.does.edit()) event.preventDefault();
  }

  #change() {
    if (!GROWS_BY_ITSELF) {
      this.field.style.height = "auto";
      this.field.style.height = `${this.field.scrollHeight}px`;
    }
    this.sendButton.disabled = !this.text.trim();
    this.does.changed();
  }
}
