// One question and its answer, built event by event.

import { citations } from "./citations.js";
import { element, outwardLink } from "./dom.js";
import { current, labelled } from "./labels.js";
import { foldUncited, isSample, sourceList } from "./source_list.js";
import { Flow } from "./text.js";

const MARKED = new Set(["quoted", "supported", "cited"]);
const ENDINGS = new Set(["cancelled", "interrupted", "length"]);

export class Answer {
  #sources = [];
  #cited = new Set();
  #withheld = 0;
  #meta = null;
  #errors = 0;
  #parts;
  #flow;
  #actions;

  /** `actions`: `retry()`, `choose(option)`, `rate(messageId, score)`, and `traceUrl(traceId)` or null. */
  constructor(question, actions) {
    this.#actions = actions;
    this.#parts = {
      status: element("p", { className: "status", role: "status" }),
      notices: element("div", { className: "notices" }),
      text: element("div", { className: "text", role: "log", "aria-live": "polite" }),
      after: element("div", { className: "after" }),
    };
    this.#flow = new Flow(this.#parts.text);
    const title = labelled(element("h2", { className: "unseen" }), "answer");
    this.root = element(
      "article",
      { className: "turn" },
      element("p", { className: "question", dir: "auto" }, question),
      element("div", { className: "answer" }, title, ...Object.values(this.#parts)),
    );
    this.#stage("understanding");
  }

  get threadId() {
    return this.#meta?.thread_id ?? null;
  }

  get messageId() {
    return this.#meta?.message_id ?? null;
  }

  /** Shows one event of the turn; kinds it does not know are passed over. */
  show({ event, data }) {
    switch (event) {
      case "meta":
        return this.#begin(data);
      case "status":
        return this.#stage(data.stage);
      case "sources":
        return this.#rest(data.sources);
      case "token":
        return this.#write(data);
      case "withheld":
        return this.#withhold();
      case "degraded":
        return this.#notice(element("p", { className: "notice", dir: "auto" }, data.consequence));
      case "clarification":
        return this.#askBack(data.questions);
      case "error":
        return this.fail(data.message, data.retryable);
      case "done":
        return this.#end(data);
    }
  }

  /** Says that the answer broke off, and offers another try. */
  fail(message, retryable) {
    this.#errors += 1;
    const shown = element("div", { className: "failure", role: "alert" }, element("p", { dir: "auto" }, message));
    if (this.#meta?.trace_id) {
      shown.append(labelled(element("p", { className: "reference" }), "reference", { id: this.#meta.trace_id }));
    }
    if (retryable) {
      const again = labelled(element("button", { type: "button", className: "strong" }), "retry");
      again.addEventListener("click", () => this.#actions.retry());
      shown.append(again);
    }
    this.#parts.after.append(shown);
    this.settle();
  }

  /** Nothing more will come. */
  settle() {
    this.#parts.status.remove();
  }

  #begin(meta) {
    this.#meta = meta;
    if (meta.memory === "expired") this.#notice(labelled(element("p", { className: "notice" }), "expired"));
  }

  #stage(stage) {
    const known = ["understanding", "retrieving", "answering", "checking"].includes(stage);
    if (known) this.#parts.status.replaceChildren(labelled(element("span"), stage));
  }

  #rest(sources) {
    this.#sources = sources;
    if (sources.length === 0) return;
    if (sources.some(isSample)) this.#notice(labelled(element("p", { className: "notice sample" }), "sample"));
    this.root.querySelector(".answer").append(sourceList(sources));
  }

  #write(token) {
    const { spans, block } = this.#flow.write(token.text, token.lang || current());
    const last = spans.at(-1);
    if (!last) return;
    if (token.replaces) {
      spans.forEach((span) => span.classList.add("replaced"));
      last.append(labelled(element("span", { className: "verdict" }), "replaced"));
    } else if (MARKED.has(token.verdict)) {
      last.append(labelled(element("span", { className: "verdict" }), token.verdict));
    }
    last.append(...citations(token.citations, this.#sources, block));
    for (const id of token.citations) this.#cited.add(parseInt(id, 10));
  }

  #withhold() {
    this.#withheld += 1;
    this.#parts.after.querySelector(".withheld")?.remove();
    const name = this.#withheld === 1 ? "withheldOne" : "withheldMany";
    const note = labelled(element("p", { className: "withheld" }), name, { count: this.#withheld });
    this.#parts.after.prepend(note);
  }

  #notice(node) {
    this.#parts.notices.append(node);
  }

  #askBack(questions) {
    for (const { question, why, options = [] } of questions) {
      const asked = element("div", { className: "asked-back" }, element("p", { dir: "auto" }, question));
      if (why) asked.append(element("p", { className: "why", dir: "auto" }, why));
      const choices = options.map((option) => {
        const choice = element("button", { type: "button", dir: "auto" }, option);
        choice.addEventListener("click", () => this.#actions.choose(option));
        return choice;
      });
      asked.append(element("div", { className: "options" }, ...choices));
      this.#parts.after.append(asked);
    }
  }

  #end(done) {
    this.settle();
    const list = this.root.querySelector(".sources");
    if (list) foldUncited(list, this.#cited);
    if (ENDINGS.has(done.finish_reason)) {
      this.#parts.after.append(labelled(element("p", { className: "ending" }), done.finish_reason));
    }
    if (this.#meta && this.#errors === 0) this.root.querySelector(".answer").append(this.#foot());
  }

  #foot() {
    const foot = element("footer", { className: "foot" }, this.#thumb("up", "helpful"), this.#thumb("down", "unhelpful"));
    const trace = this.#meta.trace_sampled ? this.#actions.traceUrl(this.#meta.trace_id) : null;
    if (trace) foot.append(outwardLink(trace, labelled(element("span"), "trace")));
    return foot;
  }

  #thumb(score, name) {
    const thumb = element("button", { type: "button", className: `thumb ${score}`, "aria-pressed": "false" });
    thumb.append(labelled(element("span", { className: "unseen" }), name));
    thumb.addEventListener("click", async () => {
      await this.#actions.rate(this.messageId, score);
      for (const other of thumb.parentElement.querySelectorAll(".thumb")) {
        other.setAttribute("aria-pressed", String(other === thumb));
      }
      thumb.parentElement.querySelector(".thanks")?.remove();
      thumb.parentElement.append(labelled(element("span", { className: "thanks", role: "status" }), "thanks"));
    });
    return thumb;
  }
}
