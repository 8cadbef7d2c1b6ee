// The page: the conversation, what shows it, and what a person does with it.

import { Composer } from "./composer.js";
import { Conversation, isOpen } from "./conversation.js";
import { copying } from "./copying.js";
import { Labels } from "./labels.js";
import { Notices } from "./notices.js";
import { Panel } from "./panel.js";
import { keyForm } from "./problem.js";
import { readSaved, writeStored } from "./saved.js";
import { Store } from "./store.js";
import { Talk } from "./talk.js";
import { TurnList } from "./turnlist.js";
import { showExamples } from "./welcome.js";

// Milliseconds between two writings of a conversation that grows.
const SAVE_EVERY = 500;

class Page {
  #saving = 0;
  #isStoreFull = false;

  constructor() {
    this.labels = new Labels(navigator.languages);
    this.labels.apply(document);
    this.store = new Store("localStorage");
    this.secrets = new Store("sessionStorage");
    this.notices = new Notices(this.labels);
    this.conversation = new Conversation();
    this.talk = new Talk(
      () => this.secrets.get("key"),
      (turn, text) => this.#follow(turn, text),
    );
    this.list = new TurnList(this.#tools());
    this.composer = new Composer({
      send: (text) => this.send(text),
      stop: () => this.talk.stop(),
      edit: () => this.list.editLast(),
      changed: () => this.#keepDraft(),
    });
    this.panel = new Panel(this);
  }

  #tools() {
    return {
      labels: this.labels,
      languages: () => this.talk.languages,
      copyButton: copying(this.labels, this.notices),
      again: (turn, change) => this.again(turn, change),
      useKey: (key, turn) => this.useKey(key, turn),
      hasKey: () => Boolean(this.secrets.get("key")),
    };
  }

  async start() {
    this.#restore(this.store.get("conversation"));
    this.composer.showLanguages([], this.store.get("language"), this.labels);
    this.composer.text = this.store.get("draft");
    this.store.watch("conversation", (text) => isOpen(this.conversation.last) || this.#restore(text));
    window.addEventListener("pagehide", () => this.#save());
    window.addEventListener("online", () => this.prepare());
    this.show();
    this.list.toEnd();
    this.composer.focus();
    await this.prepare();
  }

  /** Learn the languages. Without an answer, the first message tries again and says what is wrong. */
  async prepare() {
    const door = document.getElementById("door");
    try {
      await this.talk.prepare();
      door.replaceChildren();
    } catch (failure) {
      if (failure.kind !== "key") return;
      const { labels } = this;
      const words = document.createElement("strong");
      words.textContent = labels.text(this.secrets.get("key") ? "keyWrong" : "key");
      door.replaceChildren(words, keyForm(labels, (key) => this.useKey(key)));
    }
    this.choose(this.composer.chosen);
    this.panel.update();
    this.show();
  }

  /** The language of what is written next, where the server has it; "" for detection. */
  choose(code) {
    const { languages } = this.talk;
    this.composer.showLanguages(languages, languages.includes(code) ? code : "", this.labels);
    this.#keepDraft();
  }

  send(text) {
    this.notices.clear();
    this.#answer(this.conversation.add(text, this.composer.chosen));
    this.list.toEnd();
  }

  /** Answer a turn anew; what the person loses by it comes back at a click. */
  again(turn, change = {}) {
    const before = this.conversation.turns;
    this.talk.stop();
    const lost = before.at(-1) !== turn ? "takenAway" : change.text && change.text !== turn.text ? "changed" : "";
    this.#answer(this.conversation.restart(turn, change));
    this.composer.focus();
    if (lost) this.notices.show(this.labels.text(lost), () => this.replace(before));
    else this.notices.clear();
  }

  /** Other turns in the place of these. notice: the label that says so, beside the way back. */
  replace(turns, notice) {
    const before = this.conversation.turns;
    this.talk.stop();
    this.conversation.replace(turns);
    this.#save();
    this.show();
    this.list.toEnd();
    this.composer.focus();
    if (notice && before.length) this.notices.show(this.labels.text(notice), () => this.replace(before));
  }

  async useKey(key, turn) {
    this.secrets.set("key", key);
    await this.prepare();
    if (turn) this.again(turn);
    else this.composer.focus();
  }

  show() {
    const { turns, last } = this.conversation;
    document.getElementById("welcome").hidden = turns.length > 0;
    document.getElementById("new").disabled = turns.length === 0;
    showExamples(this.talk.languages, this.labels, (text) => this.send(text));
    this.list.show(turns);
    this.composer.setOpen(isOpen(last));
  }

  #answer(turn) {
    this.show();
    this.#saveSoon();
    this.notices.say(this.labels.text("writing"));
    this.talk.answer(turn, this.conversation.messagesFor(turn));
  }

  #follow(turn, text) {
    if (!this.conversation.turns.includes(turn)) return;
    this.#saveSoon();
    if (text) {
      const known = this.conversation.turns.findLast((each) => each.told.language);
      this.notices.say(text, turn.chosen || known?.told.language);
    } else if (!isOpen(turn)) {
      this.notices.say(this.labels.text("answerEnds"));
    }
    this.show();
  }

  #restore(text) {
    try {
      this.conversation.replace(text ? readSaved(text).turns : []);
      this.show();
    } catch {
      // What an older page kept, or somebody else, is not worth a message; the file would be.
    }
  }

  #keepDraft() {
    this.store.set("draft", this.composer.text);
    this.store.set("language", this.composer.chosen);
  }

  #saveSoon() {
    this.#saving ||= setTimeout(() => this.#save(), SAVE_EVERY);
  }

  #save() {
    clearTimeout(this.#saving);
    this.#saving = 0;
    const { turns } = this.conversation;
    const isKept = this.store.set("conversation", turns.length ? writeStored(turns) : "");
    if (!isKept && !this.#isStoreFull) this.notices.show(this.labels.text("storeFull"));
    this.#isStoreFull = !isKept;
  }
}

new Page().start();
