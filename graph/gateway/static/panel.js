// What stands in the page's head: the conversation as a whole, and how it looks.

import { FileProblem, asPlainText, copy, downloadFile, readFile } from "./copying.js";
import { WrongFile, readSaved, writeFile } from "./saved.js";

export class Panel {
  #root = document.getElementById("panel");

  constructor(page) {
    this.page = page;
    this.#onClick("new", () => page.replace([], "cleared"));
    this.#onClick("both", () => this.#showBoth(!this.showsBoth));
    this.#onClick("copy-all", () => this.#copy());
    this.#onClick("download", () => this.#download());
    this.#onClick("load", () => document.getElementById("file").click());
    this.#onClick("forget", () => this.#forget());
    document.getElementById("file").addEventListener("change", (event) => this.#load(event.target));
    document.getElementById("themes").addEventListener("change", (event) => this.#setTheme(event.target.value));
    this.#setTheme(page.store.get("theme"));
    this.#showBoth(page.store.get("both") === "yes");
    this.update();
  }

  get showsBoth() {
    return document.body.classList.contains("both");
  }

  update() {
    document.getElementById("forget").hidden = !this.page.secrets.get("key");
  }

  #onClick(id, act) {
    document.getElementById(id).addEventListener("click", act);
  }

  #showBoth(isShown) {
    document.body.classList.toggle("both", isShown);
    document.getElementById("both").setAttribute("aria-pressed", String(isShown));
    this.page.store.set("both", isShown ? "yes" : "");
  }

  #setTheme(theme) {
    const radio = this.#root.querySelector(`input[value="${theme === "light" || theme === "dark" ? theme : ""}"]`);
    radio.checked = true;
    if (radio.value) document.documentElement.dataset.theme = radio.value;
    else delete document.documentElement.dataset.theme;
    this.page.store.set("theme", radio.value);
  }

  async #copy() {
    this.#root.hidePopover();
    const { conversation, labels, notices } = this.page;
    const isDone = await copy(asPlainText(conversation.turns, labels));
    notices.show(labels.text(isDone ? "copied" : "notCopied"));
  }

  #download() {
    this.#root.hidePopover();
    const { conversation, composer } = this.page;
    const day = new Date().toISOString().slice(0, 10);
    downloadFile(`parley-${day}.json`, writeFile(conversation.turns, composer.chosen));
  }

  /** Another file may follow, even the same one again. */
  async #load(input) {
    const [file] = input.files;
    this.#root.hidePopover();
    if (!file) return;
    try {
      const { turns, chosen } = readSaved(await readFile(file));
      this.page.replace(turns, "replaced");
      this.page.choose(chosen);
    } catch (cause) {
      if (!(cause instanceof WrongFile || cause instanceof FileProblem)) throw cause;
      this.page.notices.show(this.page.labels.text(cause.kind, { where: cause.where }));
    }
    input.value = "";
  }

  #forget() {
    this.#root.hidePopover();
    this.page.secrets.set("key", "");
    this.update();
  }
}
