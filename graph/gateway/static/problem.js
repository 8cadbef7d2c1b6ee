// What went wrong with an answer, and the ways on from there.

import { element, icon } from "./elements.js";

/** A sentence for the kind of failure, the server's own words, and a button or a field for a key. */
export function problemElement(turn, { labels, again, useKey, hasKey }) {
  const { kind, detail, requestId } = turn.failure;
  const words = element("div", { class: "words" }, element("strong", {}, sentence(kind, hasKey(), labels)));
  if (detail && kind !== "key") words.append(element("p", { class: "detail", lang: "en", dir: "auto" }, detail));
  if (requestId) words.append(element("p", { class: "detail" }, labels.text("requestId", { id: requestId })));
  const wait = waitElement(turn.failure, labels);
  if (wait) words.append(wait);
  if (kind === "key") {
    words.append(keyForm(labels, (key) => useKey(key, turn)));
  } else {
    const button = { type: "button", class: "pill retry", onclick: () => again(turn) };
    words.append(element("button", button, labels.text("retry")));
  }
  return element("div", { class: "problem", role: "alert" }, icon("warning"), words);
}

/** A field for the key that the server asks for. */
export function keyForm(labels, use) {
  const field = element("input", { type: "password", required: true, autocomplete: "off", spellcheck: "false" });
  const onsubmit = (event) => {
    event.preventDefault();
    use(field.value.trim());
  };
  return element(
    "form",
    { class: "key", onsubmit },
    element("label", {}, labels.text("keyField"), field),
    element("button", { type: "submit", class: "pill strong" }, labels.text("keySend")),
    element("p", { class: "detail" }, labels.text("keyKept")),
  );
}

function sentence(kind, hasKey, labels) {
  if (kind === "key" && hasKey) return labels.text("keyWrong");
  return labels.text(labels.has(kind) ? kind : "server");
}

/** Counts down to the time from which the server wants to be asked again. */
function waitElement({ retryAfter, since }, labels) {
  const left = () => Math.ceil(retryAfter - (Date.now() - since) / 1000);
  if (!retryAfter || !(left() > 0)) return null;
  // The alert was read out once; a number that changes each second is not.
  const line = element("p", { class: "wait", "aria-live": "off" });
  const show = () => {
    const seconds = new Intl.NumberFormat(labels.language, { style: "unit", unit: "second", unitDisplay: "long" });
    line.textContent = labels.text("busyFor", { seconds: seconds.format(left()) });
    line.hidden = left() <= 0;
  };
  const clock = setInterval(() => {
    show();
    if (left() <= 0 || !line.isConnected) clearInterval(clock);
  }, 1000);
  show();
  return line;
}
