// What was said: turns of a message and its answer, and what the gateway is told of them.

/** How far a turn has come. */
export const State = Object.freeze({
  WAITING: "waiting",
  WRITING: "writing",
  DONE: "done",
  STOPPED: "stopped",
  FAILED: "failed",
});
// A request may have no more messages.
const MOST_MESSAGES = 2_000;

/**
 * text: what the person said.  chosen: the language that the person chose, "" for detection.
 * answer: what has come of it.  told: the gateway's `parley` of it, {} before the first words.
 * finish: why it ended.  failure: what went wrong.  times: seconds to its first words and its end.
 */
export function newTurn(text, chosen = "") {
  return { id: crypto.getRandomValues(new Uint32Array(2)).join("-"), text, chosen, ...unanswered() };
}

function unanswered() {
  return { answer: "", state: State.WAITING, told: {}, finish: "", failure: null, times: {} };
}

export class Conversation {
  turns = [];

  get last() {
    return this.turns.at(-1);
  }

  add(text, chosen) {
    this.turns = [...this.turns, newTurn(text, chosen)];
    return this.last;
  }

  /** Take a turn back to its message, without what came after it: it is to be answered anew. */
  restart(turn, { text = turn.text, chosen = turn.chosen } = {}) {
    const place = this.turns.indexOf(turn);
    const anew = { ...turn, text, chosen, ...unanswered() };
    this.turns = [...this.turns.slice(0, place), anew];
    return anew;
  }

  replace(turns) {
    this.turns = turns;
  }

  /**
   * The messages of a request for the answer to a turn. A turn that got no answer is left out, as
   * the gateway itself does.
   */
  messagesFor(turn) {
    const before = this.turns.slice(0, this.turns.indexOf(turn)).filter((each) => each.answer.trim());
    const said = before.flatMap((each) => [
      { role: "user", content: each.text },
      { role: "assistant", content: each.answer },
    ]);
    return [...said.slice(2 - MOST_MESSAGES), { role: "user", content: turn.text }];
  }
}

/** Whether an answer is on its way. */
export function isOpen(turn) {
  return turn?.state === State.WAITING || turn?.state === State.WRITING;
}
