// OpenAI's API as the gateway speaks it: the models that there are, and one answer as it comes.

import { EventReader } from "./events.js";

// Below the page's own address, so that a gateway may stand behind any path.
const MODELS = "v1/models";
const CHAT = "v1/chat/completions";
const LAST = "[DONE]";
const CODES = { overloaded: "busy", timeout: "late", invalid_api_key: "key" };

/**
 * What went wrong, in a kind that the labels have a sentence for: `key`, `busy`, `late`, `refused`,
 * `server`, `unreachable` (no connection), `lost` (it broke off), `odd` (no answer of a gateway).
 * detail: the server's own words.  retryAfter: seconds, 0 for unknown.
 */
export class Failure extends Error {
  constructor(kind, { detail = "", status = 0, retryAfter = 0, requestId = "" } = {}) {
    super(detail || kind);
    Object.assign(this, { kind, detail, status, retryAfter, requestId });
  }
}

/** The name of the graph, and the languages that it serves; none where that is not known. */
export async function findModels(key) {
  const answer = await reach(MODELS, { headers: headersOf(key) });
  const found = await answer.json().catch(() => null);
  if (!found?.data?.length) throw new Failure("odd", { status: answer.status });
  const names = found.data.map((model) => String(model.id));
  const [graph] = names;
  const fixed = names.filter((name) => name.startsWith(`${graph}:`));
  return { graph, languages: fixed.map((name) => name.slice(graph.length + 1)) };
}

/**
 * An answer: `{told}`, the gateway's `parley` as far as it is known, `{text}` for each part, then
 * `{finish, told}`.
 * Throws Failure, or the reason of the signal where that ended it.
 */
export async function* ask(body, key, signal) {
  const headers = { ...headersOf(key), "content-type": "application/json" };
  const request = { method: "POST", headers, body: JSON.stringify(body), signal };
  const answer = await reach(CHAT, request);
  if (!answer.headers.get("content-type")?.startsWith("text/event-stream")) {
    throw new Failure("odd", { status: answer.status });
  }
  let isWhole = false;
  for await (const data of dataOf(answer.body, signal)) {
    isWhole ||= data === LAST;
    if (data !== LAST) yield* read(data);
  }
  if (!isWhole) throw new Failure("lost");
}

function headersOf(key) {
  return key ? { authorization: `Bearer ${key}` } : {};
}

/** An answer with a good status. */
async function reach(path, request) {
  let answer;
  try {
    answer = await fetch(path, { ...request, cache: "no-store", credentials: "same-origin" });
  } catch (cause) {
    throw request.signal?.aborted ? cause : new Failure("unreachable");
  }
  if (answer.ok) return answer;
  const said = await answer.json().catch(() => null);
  throw new Failure(kindOf(answer.status), {
    detail: detailOf(said?.error),
    status: answer.status,
    retryAfter: secondsOf(answer.headers.get("retry-after")),
    requestId: answer.headers.get("x-request-id") ?? "",
  });
}

async function* dataOf(stream, signal) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  const events = new EventReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* events.feed(value);
    }
  } catch (cause) {
    throw signal.aborted ? cause : new Failure("lost");
  } finally {
    // Whoever reads no further does not let the server write on; what broke is closed already.
    reader.cancel().catch(() => {});
  }
}

function* read(data) {
  let chunk;
  try {
    chunk = JSON.parse(data);
  } catch {
    throw new Failure("odd", { detail: data.slice(0, 200) });
  }
  if (chunk?.error) {
    const { code, request_id: requestId = "" } = chunk.error;
    throw new Failure(CODES[code] ?? "server", { detail: detailOf(chunk.error), requestId });
  }
  const choice = chunk?.choices?.[0];
  if (choice?.delta?.content) yield { text: String(choice.delta.content) };
  if (choice?.finish_reason) yield { finish: choice.finish_reason, told: choice.parley ?? {} };
  else if (choice?.parley) yield { told: choice.parley };
}

function kindOf(status) {
  if (status === 401 || status === 403) return "key";
  if (status === 429 || status === 503) return "busy";
  if (status === 408 || status === 504) return "late";
  return status < 500 ? "refused" : "server";
}

function detailOf(error) {
  return String(error?.message ?? "").slice(0, 500);
}

/** `Retry-After` is a number of seconds or a date. */
function secondsOf(value) {
  const seconds = /^\d{1,6}$/.test(value ?? "") ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, Math.ceil(seconds)) : 0;
}
