// The turns one below the other, and where the window looks at them.

import { AnswerView } from "./answer.js";
import { element } from "./elements.js";
import { SaidView } from "./said.js";

// Pixels from the end within which a person is taken to follow the answer.
const NEAR = 80;

export class TurnList {
  #views = new Map();
  #root = document.getElementById("turns");
  #button = document.getElementById("latest");
  #follows = true;
  #place = 0;

  constructor(tools) {
    this.tools = tools;
    window.addEventListener("scroll", () => this.#look(), { passive: true });
    new ResizeObserver(() => this.#settle()).observe(document.querySelector("main"));
    this.#button.addEventListener("click", () => this.toEnd());
  }

  /** Show these turns; the parts of one that did not change stay as they are. */
  show(turns) {
    const kept = new Set(turns.map((turn) => turn.id));
    for (const [id, { item }] of this.#views) {
      if (kept.has(id)) continue;
      item.remove();
      this.#views.delete(id);
    }
    for (const turn of turns) {
      const view = this.#views.get(turn.id) ?? this.#add(turn);
      view.said.update(turn);
      view.answer.update(turn);
    }
  }

  /** Whether there is a message to change. */
  editLast() {
    const view = [...this.#views.values()].at(-1);
    view?.said.openEditor();
    return Boolean(view);
  }

  toEnd() {
    this.#follows = true;
    this.#settle();
  }

  #add(turn) {
    const said = new SaidView(this.tools);
    const answer = new AnswerView(this.tools);
    const item = element("li", { class: "turn" }, said.element, answer.element);
    this.#root.append(item);
    const view = { item, said, answer };
    this.#views.set(turn.id, view);
    return view;
  }

  /** Whoever scrolls up reads there. What grows below has not moved anybody. */
  #look() {
    const { scrollHeight } = document.documentElement;
    const isNear = window.scrollY + window.innerHeight >= scrollHeight - NEAR;
    if (isNear) this.#follows = true;
    else if (window.scrollY < this.#place) this.#follows = false;
    this.#place = window.scrollY;
    this.#button.hidden = isNear || this.#follows;
  }

  #settle() {
    if (this.#follows) window.scrollTo({ top: document.documentElement.scrollHeight });
    this.#look();
  }
}
