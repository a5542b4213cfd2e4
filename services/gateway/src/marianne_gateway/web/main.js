// The chat page: one conversation, one question at a time.

import { Answer } from "./answer.js";
import { Api, Lost, Refused } from "./api.js";
import { element } from "./dom.js";
import { choose, countryName, current, dress, label, languages } from "./labels.js";

const byId = (id) => document.getElementById(id);
const query = byId("query");
const nationality = byId("nationality");

const api = new Api(askForKey);
let settings = { trace_url_template: null, countries: [] };
let threadId = null;
let running = null; // { answer, abort } of the answer under way

async function ask(text) {
  const body = { query: text };
  if (threadId) body.thread_id = threadId;
  if (nationality.value) body.user_nationality = nationality.value;

  const answer = new Answer(text, {
    retry: () => {
      if (running) return;
      answer.root.remove();
      submit(text);
    },
    choose: submit,
    rate: (messageId, score) => api.rate(messageId, score),
    traceUrl: (traceId) => settings.trace_url_template?.replace("{trace_id}", traceId) ?? null,
  });
  byId("welcome").hidden = true;
  byId("conversation").append(answer.root);
  answer.root.scrollIntoView({ block: "start" });
  running = { answer, abort: new AbortController() };
  await follow(answer, body, running.abort.signal);
}

async function follow(answer, body, signal) {
  try {
    for await (const message of api.ask(body, signal)) {
      answer.show(message);
      if (!signal.aborted) threadId = answer.threadId ?? threadId;
    }
    if (signal.aborted) answer.show({ event: "done", data: { finish_reason: "cancelled" } });
  } catch (error) {
    if (error instanceof Refused) answer.fail(error.message || label("failed"), error.retryable || error.status === 401);
    else if (error instanceof Lost) answer.fail(label("lost"), true);
    else {
      answer.fail(label("failed"), true);
      throw error;
    }
  } finally {
    answer.settle();
  }
}

async function submit(text) {
  const trimmed = text.trim();
  if (!trimmed || running) return;
  query.value = "";
  showRunning(true);
  try {
    await ask(trimmed);
  } finally {
    running = null;
    showRunning(false);
  }
}

async function stop() {
  const messageId = running?.answer.messageId;
  if (messageId) await api.stop(messageId).catch(() => running?.abort.abort());
  else running?.abort.abort();
}

function showRunning(isRunning) {
  byId("send").hidden = isRunning;
  byId("stop").hidden = !isRunning;
}

async function startOver() {
  await stop();
  running?.abort.abort();
  threadId = null;
  byId("conversation").replaceChildren();
  byId("welcome").hidden = false;
  query.focus();
}

/** The key that the reader gives, or null. */
function askForKey(refused) {
  const dialog = byId("key-dialog");
  byId("key-refused").hidden = !refused;
  byId("key").value = "";
  dialog.returnValue = "cancel";
  dialog.showModal();
  return new Promise((resolve) => {
    const settle = () => resolve(dialog.returnValue === "keep" ? byId("key").value.trim() : null);
    dialog.addEventListener("close", settle, { once: true });
  });
}

function listCountries() {
  const chosen = nationality.value;
  const named = settings.countries.map((code) => ({ code, name: countryName(code) }));
  named.sort((one, other) => one.name.localeCompare(other.name, current()));
  const options = named.map(({ code, name }) => element("option", { value: code }, name));
  nationality.replaceChildren(element("option", { value: "" }, "—"), ...options);
  nationality.value = chosen;
}

function listLanguages() {
  const options = languages.map(({ code, name }) => element("option", { value: code, lang: code }, name));
  byId("language").replaceChildren(...options);
  byId("language").value = current();
}

byId("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  submit(query.value);
});
query.addEventListener("keydown", (event) => {
  // Enter while an input method composes a letter belongs to the letter.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  submit(query.value);
});
byId("stop").addEventListener("click", stop);
byId("key-cancel").addEventListener("click", () => byId("key-dialog").close("cancel"));
byId("new-conversation").addEventListener("click", startOver);
byId("language").addEventListener("change", (event) => {
  choose(event.target.value);
  dress(document);
  listCountries();
});

listLanguages();
dress(document);
query.focus();
settings = await api.settings();
listCountries();
