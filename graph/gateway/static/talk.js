// One answer at a time: asked for, followed while it comes, stopped.

import { Failure, ask, findModels } from "./completions.js";
import { State } from "./conversation.js";

const ENDED = new DOMException("the person stopped the answer", "AbortError");

export class Talk {
  #ending = null;
  #models = null;

  /** keyOf(): the API key, "" for none.  changed(turn, part): after each change of a turn. */
  constructor(keyOf, changed) {
    this.keyOf = keyOf;
    this.changed = changed;
  }

  get languages() {
    return this.#models?.languages ?? [];
  }

  /** Ask the gateway what there is. Throws Failure. */
  async prepare() {
    this.#models ??= await findModels(this.keyOf());
  }

  stop() {
    this.#ending?.abort(ENDED);
    this.#ending = null;
  }

  /** Ask for the answer to a turn, which was not asked for yet. It never throws. */
  async answer(turn, messages) {
    this.stop();
    const ending = new AbortController();
    this.#ending = ending;
    const begun = performance.now();
    const seconds = () => (performance.now() - begun) / 1000;
    try {
      await this.prepare();
      ending.signal.throwIfAborted();
      const parley = turn.chosen ? { parley: { language: turn.chosen } } : {};
      const body = { model: this.#models.graph, messages, stream: true, ...parley };
      for await (const part of ask(body, this.keyOf(), ending.signal)) this.#take(turn, part, seconds());
      turn.state = State.DONE;
      turn.times.whole = seconds();
    } catch (cause) {
      this.#end(turn, cause, ending.signal);
    }
    if (this.#ending === ending) this.#ending = null;
    this.changed(turn);
  }

  #take(turn, { text, finish, told }, now) {
    if (text) {
      turn.times.first ??= now;
      turn.state = State.WRITING;
      turn.answer += text;
    }
    if (told) turn.told = told;
    if (finish) turn.finish = finish;
    this.changed(turn, text);
  }

  #end(turn, cause, signal) {
    if (signal.aborted) {
      turn.state = State.STOPPED;
      return;
    }
    turn.state = State.FAILED;
    const { kind, detail, retryAfter, requestId } =
      cause instanceof Failure ? cause : new Failure("odd", { detail: String(cause) });
    turn.failure = { kind, detail, retryAfter, requestId, since: Date.now() };
  }
}
