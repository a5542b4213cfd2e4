// The reference of the API, out of its OpenAPI description.

import { element } from "./dom.js";

const byId = (id) => document.getElementById(id);
let described;

function resolve(schema) {
  return schema.$ref ? described.components.schemas[schema.$ref.split("/").at(-1)] : schema;
}

function typeOf(schema) {
  if (schema.$ref) return schema.$ref.split("/").at(-1);
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.type === "array") return `${typeOf(schema.items)}[]`;
  if (schema.additionalProperties?.type) return `{ [clé]: ${schema.additionalProperties.type} }`;
  return schema.format ? `${schema.type} (${schema.format})` : (schema.type ?? "objet");
}

/** Backquotes mark code. */
function prose(text) {
  return text.split("`").map((part, index) => (index % 2 ? element("code", {}, part) : part));
}

function table(caption, rows) {
  if (rows.length === 0) return null;
  const lines = rows.map(([name, type, text]) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, element("code", {}, name)),
      element("td", {}, element("code", {}, type)),
      element("td", {}, ...prose(text)),
    ),
  );
  const made = element("table", {}, element("caption", {}, caption), element("tbody", {}, ...lines));
  return element("div", { className: "scroll" }, made);
}

function fields(schema) {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).map(([name, field]) => [
    required.has(name) ? name : `${name} ?`,
    typeOf(field),
    field.description ?? "",
  ]);
}

function entry(title, said, ...children) {
  const summary = element("summary", {}, element("code", {}, title), " ", element("span", { className: "said" }, ...prose(said)));
  return element("details", { className: "entry" }, summary, ...children);
}

function route(path, method, operation) {
  const body = operation.requestBody?.content["application/json"].schema;
  const parameters = (operation.parameters ?? []).map(({ name, schema, description }) => [name, typeOf(schema), description ?? ""]);
  const answers = Object.entries(operation.responses).map(([status, { content, description }]) => {
    const [kind, { schema = {} } = {}] = Object.entries(content ?? {})[0] ?? ["—"];
    return [status, schema.$ref ? typeOf(schema) : kind, description];
  });
  return entry(
    `${method.toUpperCase()} ${path}`,
    operation.summary,
    operation.description ? element("p", {}, ...prose(operation.description)) : null,
    table("Chemin et en-têtes", parameters),
    body ? table("Corps JSON", fields(resolve(body))) : null,
    table("Réponses", answers),
  );
}

described = await (await fetch("/openapi.json")).json();
byId("summary").textContent = described.info.summary;
for (const [path, operations] of Object.entries(described.paths)) {
  for (const [method, operation] of Object.entries(operations)) byId("routes").append(route(path, method, operation));
}
const stream = described.paths["/chat/stream"].post.responses["200"].content["text/event-stream"];
for (const { title, properties } of stream.itemSchema.oneOf) {
  const schema = resolve(properties.data.contentSchema);
  byId("events").append(entry(title, schema.description ?? "", table("Champs", fields(schema))));
}
for (const name of ["Source", "Answer", "ErrorBody", "Fault", "Thread", "Turn"]) {
  const schema = described.components.schemas[name];
  byId("events").append(entry(name, schema.description ?? "", table("Champs", fields(schema))));
}
byId("example").textContent = stream.example;
