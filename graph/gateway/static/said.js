// What the person said in a turn: the text, its English, its language, and its change.

import { isOpen } from "./conversation.js";
import { element, iconButton, setOptional, setText } from "./elements.js";
import { describeLanguage, fillLanguages } from "./languages.js";

export class SaidView {
  #turn;
  #original = element("div", { class: "text plain", dir: "auto" });
  #english = element("div", { class: "text plain english", lang: "en", dir: "auto" });
  #caption = element("p", { class: "caption" });

  /** tools: labels, copy, and what becomes of a choice: `again(turn, change)`. */
  constructor(tools) {
    this.tools = tools;
    const { labels } = tools;
    const name = labels.text("messageLanguage");
    this.menu = element("select", { class: "language", "aria-label": name, title: name });
    this.menu.addEventListener("change", () => tools.again(this.#turn, { chosen: this.menu.value }));
    this.edit = iconButton("edit", labels.text("edit"), () => this.openEditor(), { class: "quiet edit" });
    this.texts = element(
      "div",
      { class: "texts" },
      element("div", { class: "side" }, this.#caption, this.#original),
      element("div", { class: "side translation" }, element("p", { class: "caption" }, labels.text("english")), this.#english),
    );
    const copy = tools.copyButton(() => this.#turn.text);
    this.meta = element("div", { class: "meta" }, this.menu, element("span", { class: "actions" }, this.edit, copy));
    const heading = element("h2", { class: "unseen" }, labels.text("youSaid"));
    this.element = element("article", { class: "said" }, heading, this.texts, this.meta);
  }

  update(turn) {
    this.#turn = turn;
    const { labels, languages } = this.tools;
    const language = turn.chosen || turn.told.language || "";
    setText(this.#original, turn.text);
    setOptional(this.#original, "lang", language);
    const english = turn.told.user_input_en ?? "";
    setText(this.#english, english);
    this.texts.classList.toggle("pair", Boolean(english) && english !== turn.text);
    setText(this.#caption, language ? labels.nameOf(language) : labels.text("original"));
    const words = describeLanguage(turn, isOpen(turn), labels);
    fillLanguages(this.menu, { ...words, chosen: turn.chosen, languages: languages(), labels });
    this.menu.classList.toggle("pending", isOpen(turn) && !language);
    this.menu.disabled = this.menu.options.length < 2;
  }

  /** A field in the place of the text; leaving it without a change changes nothing. */
  openEditor() {
    const { labels, again } = this.tools;
    const field = element("textarea", { dir: "auto", "aria-label": labels.text("editing") });
    field.value = this.#turn.text;
    const close = () => {
      form.replaceWith(this.texts, this.meta);
      this.edit.focus();
    };
    const send = (event) => {
      event.preventDefault();
      const text = field.value.trim();
      if (!text) return;
      close();
      again(this.#turn, { text });
    };
    const form = element(
      "form",
      { class: "editor", onsubmit: send },
      field,
      element("button", { type: "button", class: "pill", onclick: close }, labels.text("cancel")),
      element("button", { type: "submit", class: "pill strong" }, labels.text("send")),
    );
    form.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      if (event.key === "Escape") close();
      else if (event.key === "Enter" && !event.shiftKey && event.target === field) send(event);
    });
    this.meta.remove();
    this.texts.replaceWith(form);
    field.style.height = `${field.scrollHeight + 2}px`;
    field.focus();
  }
}
