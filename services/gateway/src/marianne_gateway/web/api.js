// The gateway's routes. A lost connection is taken up where it broke off; a missing key is asked for.

import { messages } from "./sse.js";

const PAUSES_MS = [300, 700, 1500, 3000, 5000];
const KEY = "marianne.key";

/** What the gateway refused: `status`, and the `error` object of its body. */
export class Refused extends Error {
  constructor(status, error) {
    super(error?.message ?? "");
    this.status = status;
    this.code = error?.code ?? "internal";
    this.retryable = error?.retryable ?? status >= 500;
  }
}

/** The stream broke off for good, or nobody answers. */
export class Lost extends Error {}

export class Api {
  #askForKey;

  /** `askForKey(refused)` resolves to a key, or to null when there will be none. */
  constructor(askForKey) {
    this.#askForKey = askForKey;
  }

  async settings() {
    return (await this.#send("/page.json")).json();
  }

  /** Yields `{event, data}` up to `done`, each once. Throws Refused or Lost; `signal` ends it quietly. */
  async *ask(body, signal) {
    const turn = { body, key: randomKey(), messageId: null, lastId: "" };
    let losses = 0;
    for (;;) {
      try {
        const response = await this.#open(turn, signal);
        for await (const message of messages(response.body)) {
          losses = 0;
          turn.lastId = message.id;
          const data = JSON.parse(message.data);
          if (message.event === "meta") turn.messageId = data.message_id;
          yield { event: message.event, data };
          if (message.event === "done") return;
        }
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Refused && !(turn.messageId && error.retryable)) throw error;
        if (!(error instanceof Refused || error instanceof TypeError || error instanceof DOMException)) throw error;
      }
      if (losses >= PAUSES_MS.length) throw new Lost();
      await new Promise((resolve) => setTimeout(resolve, PAUSES_MS[losses]));
      losses += 1;
    }
  }

  async stop(messageId) {
    await this.#send(`/chat/stream/${messageId}`, { method: "DELETE" });
  }

  async rate(messageId, score) {
    await this.#send("/feedback", json("POST", { message_id: messageId, score }));
  }

  // Asking again under the same key starts no second turn, so a question whose answer never began is simply sent again.
  #open(turn, signal) {
    if (turn.messageId) {
      const headers = turn.lastId ? { "Last-Event-ID": turn.lastId } : {};
      return this.#send(`/chat/stream/${turn.messageId}`, { headers, signal });
    }
    const request = json("POST", turn.body);
    return this.#send("/chat/stream", { ...request, headers: { ...request.headers, "Idempotency-Key": turn.key }, signal });
  }

  async #send(path, request = {}) {
    for (;;) {
      const key = sessionStorage.getItem(KEY);
      const headers = { ...request.headers, ...(key ? { Authorization: `Bearer ${key}` } : {}) };
      const response = await fetch(path, { ...request, headers });
      if (response.ok) return response;
      const refusal = new Refused(response.status, (await response.json().catch(() => null))?.error);
      if (response.status !== 401) throw refusal;
      const given = await this.#askForKey(key !== null);
      if (!given) throw refusal;
      sessionStorage.setItem(KEY, given);
    }
  }
}

// crypto.randomUUID is missing where the page came without TLS.
function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function json(method, body) {
  return { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
}
