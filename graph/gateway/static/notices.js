// What the page tells besides the conversation: to everybody, or to screen readers alone.

import { element, iconButton } from "./elements.js";

// Seconds for which a part of an answer stays where only a screen reader finds it.
const SPOKEN_FOR = 10;

export class Notices {
  #board = document.getElementById("notice");
  #voice = document.getElementById("said");

  constructor(labels) {
    this.labels = labels;
  }

  /** A line that stays until it is dismissed or replaced. undo: takes back what it tells of. */
  show(text, undo) {
    const close = iconButton("close", this.labels.text("dismiss"), () => this.clear());
    const parts = [element("span", {}, text), close];
    if (undo) {
      const act = () => {
        this.clear();
        undo();
      };
      parts.splice(1, 0, element("button", { type: "button", class: "pill", onclick: act }, this.labels.text("undo")));
    }
    this.#board.replaceChildren(element("div", { class: "notice" }, ...parts));
  }

  clear() {
    this.#board.replaceChildren();
  }

  /** Read out, once what was said before has been. */
  say(text, language) {
    const line = element("p", language ? { lang: language } : {}, text);
    this.#voice.append(line);
    setTimeout(() => line.remove(), SPOKEN_FOR * 1000);
  }
}
