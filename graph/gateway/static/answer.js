// What came of a turn: the answer, its English, what it lacks, its steps, and what went wrong.

import { State, isOpen } from "./conversation.js";
import { element, icon, iconButton, setOptional, setText } from "./elements.js";
import { Rendered } from "./markdown.js";
import { problemElement } from "./problem.js";
import { stepsElement } from "./steps.js";

export class AnswerView {
  #turn;
  #noted = "";

  /** tools: as for a SaidView. */
  constructor(tools) {
    this.tools = tools;
    const { labels } = tools;
    const codeTools = (text) => [tools.copyButton(() => text, "copyCode")];
    this.original = new Rendered(element("div", { class: "text" }), codeTools);
    this.english = new Rendered(element("div", { class: "text", lang: "en" }), codeTools);
    this.later = element("p", { class: "later" }, labels.text("englishLater"));
    this.caption = element("p", { class: "caption" });
    this.texts = element(
      "div",
      { class: "texts" },
      element("div", { class: "side" }, this.caption, this.original.root),
      element("div", { class: "side translation" }, element("p", { class: "caption" }, labels.text("english")), this.english.root, this.later),
    );
    this.waiting = element("p", { class: "waiting" }, element("span", { class: "unseen" }, labels.text("writing")));
    this.waiting.append(...Array.from({ length: 3 }, () => element("i")));
    this.notes = element("div", { class: "notes" });
    this.again = iconButton("again", labels.text("again"), () => tools.again(this.#turn), { class: "quiet again" });
    this.copy = tools.copyButton(() => this.#turn.answer);
    this.steps = element("div", { class: "steps" });
    this.meta = element("div", { class: "meta" }, element("span", { class: "actions" }, this.copy, this.again), this.steps);
    const heading = element("h2", { class: "unseen" }, labels.text("answered"));
    this.element = element("article", { class: "answer" }, heading, this.texts, this.waiting, this.notes, this.meta);
  }

  update(turn) {
    this.#turn = turn;
    const { answer, told } = turn;
    const { labels } = this.tools;
    const open = isOpen(turn);
    const language = turn.chosen || told.language || "";
    const english = told.response_en ?? "";
    this.original.show(answer);
    setOptional(this.original.root, "lang", language);
    setText(this.caption, language ? labels.nameOf(language) : labels.text("original"));
    this.english.show(english);
    this.texts.hidden = !answer;
    this.texts.classList.toggle("pair", english ? english !== answer : open && language !== "en");
    this.later.hidden = Boolean(english);
    this.waiting.hidden = !open;
    this.element.setAttribute("aria-busy", String(open));
    this.meta.hidden = open || turn.state === State.FAILED;
    this.copy.hidden = !answer;
    if (open) this.#clearNotes();
    else this.#showNotes(turn);
  }

  #clearNotes() {
    this.#noted = "";
    this.notes.replaceChildren();
    this.steps.replaceChildren();
  }

  /** What does not change once an answer has ended; a person may have opened it. */
  #showNotes(turn) {
    const shown = JSON.stringify([turn.state, turn.finish, turn.told, turn.failure, turn.times]);
    if (shown === this.#noted) return;
    this.#noted = shown;
    this.notes.replaceChildren(...this.#notesOf(turn));
    this.steps.replaceChildren(...stepsElement(turn, this.tools.labels));
  }

  #notesOf(turn) {
    const { labels } = this.tools;
    const found = [];
    const say = (kind, text) => found.push(element("p", { class: kind }, text));
    if (turn.told.degraded?.length) found.push(degradedElement(turn.told.degraded, labels));
    if (turn.finish === "length") say("remark", labels.text("cutOff"));
    if (turn.state === State.STOPPED) say("remark", labels.text("stopped"));
    if (turn.state === State.DONE && !turn.answer.trim()) say("remark", labels.text("nothing"));
    if (turn.state === State.FAILED) found.push(problemElement(turn, this.tools));
    return found;
  }
}

function degradedElement(entries, labels) {
  const sentence = ({ step, reason }) =>
    labels.has(reason) ? labels.text(reason, { step }) : labels.text("otherReason", { step, reason });
  return element(
    "div",
    { class: "degraded" },
    icon("warning"),
    element("div", {}, element("strong", {}, labels.text("degraded")), ...entries.map((each) => element("p", {}, sentence(each)))),
  );
}
