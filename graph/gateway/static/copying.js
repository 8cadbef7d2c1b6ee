// Copying texts, and files that come and go.

import { element, icon } from "./elements.js";

const DONE_FOR = 2_000;
// Bytes over which a file is no conversation that a person held.
const LARGEST_FILE = 32 << 20;

/** Makes buttons that copy what `textOf` gives at that time. */
export function copying(labels, notices) {
  return (textOf, label = "copy") => {
    const name = labels.text(label);
    const button = element("button", { type: "button", class: "quiet copy", "aria-label": name, title: name }, icon("copy"));
    button.addEventListener("click", async () => {
      if (!(await copy(textOf()))) return notices.show(labels.text("notCopied"));
      notices.say(labels.text("copied"));
      button.replaceChildren(icon("check"));
      setTimeout(() => button.replaceChildren(icon("copy")), DONE_FOR);
    });
    return button;
  };
}

/** Whether the text was copied. Pages without TLS have no clipboard but the old way to it. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyByMarking(text);
  }
}

function copyByMarking(text) {
  const had = document.activeElement;
  const field = element("textarea", { class: "unseen", readonly: true });
  field.value = text;
  document.body.append(field);
  field.select();
  const isDone = document.execCommand("copy");
  field.remove();
  had?.focus();
  return isDone;
}

/** Give the person a file. */
export function downloadFile(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  element("a", { href: address, download: name }).click();
  // The browser has taken hold of the content by then.
  setTimeout(() => URL.revokeObjectURL(address), DONE_FOR);
}

/** The text of a file. Throws the label that says why there is none. */
export async function readFile(file) {
  if (file.size > LARGEST_FILE) throw new FileProblem("fileLarge");
  try {
    return await file.text();
  } catch {
    throw new FileProblem("fileUnread");
  }
}

/** kind: the label that says why a file has no text. */
export class FileProblem extends Error {
  constructor(kind) {
    super(kind);
    Object.assign(this, { kind, where: "" });
  }
}

/** A conversation as a person would paste it elsewhere. */
export function asPlainText(turns, labels) {
  const said = ({ text, answer }) =>
    [`${labels.text("youSaid")}: ${text}`, answer && `Parley: ${answer}`].filter(Boolean).join("\n\n");
  return turns.map(said).join("\n\n");
}
