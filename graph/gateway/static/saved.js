// A conversation as JSON: in a file, as `ChatClient` saves it too, and in the browser's own store.
// Whoever wrote it may be anybody, so every part of it is checked.

import { State, isOpen, newTurn } from "./conversation.js";

const FORMAT = "parley-conversation";
const VERSION = 1;
const LANGUAGE = /^[a-z]{2,3}$/;
const KEPT_STATES = [State.DONE, State.STOPPED, State.FAILED];

/** A file that is no conversation. kind: the label that says why.  where: the part that is wrong. */
export class WrongFile extends Error {
  constructor(kind, where = "") {
    super(`${kind} ${where}`);
    Object.assign(this, { kind, where });
  }
}

/** The text of a file. chosen: the language in which the person goes on, "" for detection. */
export function writeFile(turns, chosen) {
  const history = [];
  const predictions = turns.map((turn) => {
    const prediction = record(turn);
    if (prediction.response && prediction.response_en) {
      history.push(prediction.user_input_en, prediction.response_en);
    }
    return { ...prediction, history: [...history] };
  });
  const language = chosen || null;
  const head = { format: FORMAT, version: VERSION, language, timeout: null };
  return `${JSON.stringify({ ...head, history, turns: predictions }, null, 2)}\n`;
}

/** The same for the browser's store, without the history that each turn of a file repeats. */
export function writeStored(turns) {
  return JSON.stringify({ format: FORMAT, version: VERSION, turns: turns.map(record) });
}

/** The turns and the language of either text. Throws WrongFile. */
export function readSaved(text) {
  const content = parse(text);
  if (content?.format !== FORMAT) throw new WrongFile("fileOther");
  if (content.version !== VERSION) throw new WrongFile("fileVersion", String(content.version).slice(0, 20));
  if (!Array.isArray(content.turns)) throw new WrongFile("fileBroken", "turns");
  return {
    turns: content.turns.map((turn, i) => readTurn(turn, `turns[${i}]`)),
    chosen: LANGUAGE.test(content.language ?? "") ? content.language : "",
  };
}

/** A turn with the names that the graph gives its fields, and three of the page's own. */
function record(turn) {
  const { told } = turn;
  return {
    user_input: turn.text,
    user_input_en: "",
    response_en: "",
    steps: [],
    ...told,
    response: turn.answer,
    page: {
      chosen: turn.chosen,
      state: isOpen(turn) ? State.STOPPED : turn.state,
      finish: turn.finish,
      failure: turn.failure,
      times: turn.times,
    },
  };
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new WrongFile("fileNotJson");
  }
}

function readTurn(value, where) {
  if (!isObject(value)) throw new WrongFile("fileBroken", where);
  const text = need(value, "user_input", isText, where);
  const answer = need(value, "response", isText, where, "");
  if (!text.trim()) throw new WrongFile("fileBroken", `${where}.user_input`);
  const page = isObject(value.page) ? value.page : {};
  const known = KEPT_STATES.includes(page.state) ? page.state : State.DONE;
  return {
    ...newTurn(text, LANGUAGE.test(page.chosen ?? "") ? page.chosen : ""),
    answer,
    told: readTold(value, where),
    state: known,
    finish: isText(page.finish) ? page.finish : "",
    failure: known === State.FAILED ? readFailure(page.failure) : null,
    times: readTimes(page.times),
  };
}

function readTold(value, where) {
  const told = {
    user_input_en: need(value, "user_input_en", isText, where, ""),
    response_en: need(value, "response_en", isText, where, ""),
    steps: need(value, "steps", isListOf(isStep), where, []),
  };
  const optional = {
    language: (code) => isText(code) && LANGUAGE.test(code),
    language_confidence: (share) => Number.isFinite(share) && share >= 0 && share <= 1,
    route: isText,
    request_id: isText,
    degraded: isListOf((entry) => isObject(entry) && isText(entry.step) && isText(entry.reason)),
  };
  for (const [name, fits] of Object.entries(optional)) {
    if (name in value) told[name] = need(value, name, fits, where);
  }
  return told;
}

function readFailure(value) {
  const { kind, detail, requestId } = isObject(value) ? value : {};
  const text = (each) => (isText(each) ? each : "");
  return { kind: text(kind) || "server", detail: text(detail), retryAfter: 0, requestId: text(requestId) };
}

function readTimes(value) {
  const given = Object.entries(isObject(value) ? value : {});
  return Object.fromEntries(given.filter(([, seconds]) => Number.isFinite(seconds)));
}

function need(value, name, fits, where, otherwise) {
  const found = name in value ? value[name] : otherwise;
  if (!fits(found)) throw new WrongFile("fileBroken", `${where}.${name}`);
  return found;
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value) {
  return typeof value === "string";
}

function isListOf(fits) {
  return (value) => Array.isArray(value) && value.every(fits);
}

function isStep(value) {
  return isObject(value) && isText(value.name) && isText(value.model) && Number.isFinite(value.seconds);
}
