// Server-sent events, as https://html.spec.whatwg.org/multipage/server-sent-events.html has them.

/** Reads events from a text that comes in any parts. Only their data matters here. */
export class EventReader {
  #rest = "";
  #data = [];
  #afterReturn = false;

  /** The data of the events that are complete with this part. */
  feed(part) {
    const found = [];
    let text = this.#rest + part;
    // A part may end between the two characters of one line end.
    if (this.#afterReturn && text.startsWith("\n")) text = text.slice(1);
    if (part) this.#afterReturn = text.endsWith("\r");
    const lines = text.split(/\r\n|\n|\r/);
    this.#rest = lines.pop();
    for (const line of lines) this.#read(line, found);
    return found;
  }

  #read(line, found) {
    if (line === "") {
      if (this.#data.length) found.push(this.#data.join("\n"));
      this.#data = [];
      return;
    }
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") this.#data.push(value);
  }
}
