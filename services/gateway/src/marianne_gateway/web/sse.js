// Server-sent events out of a fetch body (https://html.spec.whatwg.org/multipage/server-sent-events.html): EventSource
// itself can neither POST nor send headers.

/** Yields `{event, data, id}`; `id` is that of the last event that had one. */
export async function* messages(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  const parser = new Parser();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      yield* parser.feed(value);
    }
  } finally {
    await reader.cancel().catch(() => undefined); // the connection may be gone already
  }
}

export class Parser {
  #line = "";
  #afterCr = false;
  #event = "";
  #data = [];
  #id = "";

  *feed(text) {
    if (this.#afterCr && text.startsWith("\n")) text = text.slice(1);
    if (text) this.#afterCr = text.endsWith("\r");
    const lines = text.split(/\r\n|\n|\r/);
    const rest = lines.pop();
    for (const line of lines) {
      const message = this.#take(this.#line + line);
      this.#line = "";
      if (message) yield message;
    }
    this.#line += rest;
  }

  #take(line) {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") this.#event = value;
    else if (name === "data") this.#data.push(value);
    else if (name === "id" && !value.includes("\0")) this.#id = value;
    return null;
  }

  #dispatch() {
    const message = { event: this.#event || "message", data: this.#data.join("\n"), id: this.#id };
    const complete = this.#data.length > 0;
    this.#event = "";
    this.#data = [];
    return complete ? message : null;
  }
}
