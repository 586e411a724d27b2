// Shows the API's description. It is read from /openapi.json, so that the page can't say anything else than the service; and it
// is plain JavaScript, so that every build of the service has it.

const METHODS = ["get", "post", "put", "delete"];
let api;

/** An element with attributes and children; texts are never read as HTML. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== ""));
  return element;
}

/** A part that opens. What is in it is made only then: all of it at once would be tens of thousands of elements. */
function opening(attributes, summary, fill) {
  const details = make("details", attributes, make("summary", {}, ...summary));
  details.addEventListener("toggle", () => details.append(...fill()), { once: true });
  return details;
}

/** What a `$ref` stands for, and its name. */
function resolve(part) {
  if (!part?.$ref) return { part, name: undefined };
  const path = part.$ref.slice(2).split("/");
  const found = path.reduce((place, key) => place?.[key], api);
  return { part: resolve(found).part, name: path.at(-1) };
}

/** Code and emphasis within a line. */
function inline(text) {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((piece) => {
    if (piece.startsWith("`")) return make("code", {}, piece.slice(1, -1));
    if (piece.startsWith("**")) return make("strong", {}, ...inline(piece.slice(2, -2)));
    return piece;
  });
}

/** Paragraphs and lists: all of Markdown that the description uses. */
function prose(text = "") {
  return text
    .split(/\n{2,}/)
    .filter(Boolean)
    .map((block) => {
      const lines = block.split("\n");
      if (!lines.every((line) => line.startsWith("- "))) return make("p", {}, ...inline(block));
      return make("ul", {}, ...lines.map((line) => make("li", {}, ...inline(line.slice(2)))));
    });
}

const wordOf = (method) => make("span", { class: `method ${method}` }, method.toUpperCase());

const pretty = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

/** A block of code that can be copied. */
function block(text, label) {
  const button = make("button", { type: "button", class: "copy", "aria-label": `Copy: ${label}` }, "Copy");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
  const code = make("pre", { tabindex: "0", role: "group", "aria-label": label }, make("code", {}, text));
  // Only pages that came over HTTPS, or from this machine, may write to the clipboard.
  return make("div", { class: "block" }, code, navigator.clipboard ? button : "");
}

/** A schema's type in a few words. */
function typeOf(schema) {
  const { part, name } = resolve(schema);
  if (!part) return "any";
  if (part.enum) return part.enum.map((word) => JSON.stringify(word)).join(" | ");
  const union = part.oneOf ?? part.anyOf;
  if (union) return name ?? union.map(typeOf).join(" or ");
  const types = [part.type ?? "any"].flat();
  const words = types.map((type) => (type === "array" ? `array of ${typeOf(part.items)}` : type));
  const format = part.format && !part.format.startsWith("int") ? ` (${part.format})` : "";
  return (name && types.includes("object") ? name : words.join(" | ")) + format;
}

/** What a value is held to, in words. */
function boundsOf(schema) {
  const { part } = resolve(schema);
  const rules = {
    default: (value) => `default ${JSON.stringify(value)}`,
    minimum: (value) => `at least ${value}`,
    maximum: (value) => `at most ${value}`,
    minLength: (value) => `${value} or more characters`,
    maxLength: (value) => `${value} characters at most`,
    minItems: (value) => `${value} or more items`,
    maxItems: (value) => `${value} items at most`,
    pattern: (value) => `pattern ${value}`,
  };
  const found = Object.entries(rules).filter(([rule]) => part?.[rule] !== undefined);
  return found.map(([rule, say]) => say(part[rule])).join(", ");
}

/** A named value: a parameter, a header or a member. */
function term(name, schema, { description, required, where }) {
  const bounds = boundsOf(schema);
  return make(
    "div",
    { class: "term" },
    make(
      "dt",
      {},
      make("code", {}, name),
      where ? make("span", { class: "where" }, where) : "",
      required ? make("span", { class: "required" }, "required") : "",
    ),
    make(
      "dd",
      {},
      make("span", { class: "type" }, typeOf(schema)),
      bounds ? make("span", { class: "bounds" }, bounds) : "",
      ...prose(description ?? resolve(schema).part?.description),
    ),
  );
}

/** The properties of an object, those of its parts included. */
function propertiesOf(part) {
  return (part.allOf ?? [part]).flatMap((each) => {
    const { part: object } = resolve(each);
    const required = object.required ?? [];
    return Object.entries(object.properties ?? {}).map(([name, value]) => ({ name, value, required: required.includes(name) }));
  });
}

function hasMembers(schema) {
  const { part } = resolve(schema);
  if (part?.items) return hasMembers(part.items);
  return Boolean(part && (part.oneOf || part.anyOf || propertiesOf(part).length > 0));
}

/** The members of an object; forms and lists go on within. */
function members(schema) {
  if (!hasMembers(schema)) return [];
  const { part } = resolve(schema);
  if (part.items) return members(part.items);
  const forms = part.oneOf ?? part.anyOf;
  if (forms) return forms.map((form) => nested(form, typeOf(form)) ?? make("p", {}, typeOf(form)));
  const terms = propertiesOf(part).map(({ name, value, required }) => {
    const shown = term(name, value, { required });
    shown.lastChild.append(nested(value, `Members of ${name}`) ?? "");
    return shown;
  });
  return [make("dl", { class: "terms" }, ...terms)];
}

function nested(schema, title) {
  return hasMembers(schema) ? opening({ class: "nested" }, [title], () => members(schema)) : undefined;
}

/** A body's forms by their content types, with examples. */
function contents(content = {}) {
  return Object.entries(content).flatMap(([type, { schema, example, examples }]) => {
    const shown = example !== undefined ? { Example: { value: example } } : (examples ?? {});
    return [
      make("p", { class: "content" }, make("code", {}, type), " ", make("span", { class: "type" }, typeOf(schema))),
      ...members(schema),
      ...Object.entries(shown).map(([name, { value }]) => block(pretty(value), `${name} of ${type}`)),
    ];
  });
}

/** An answer: its status opens what is in it. */
function answer(status, reference) {
  const { part } = resolve(reference);
  const headers = Object.entries(part.headers ?? {});
  const links = Object.keys(part.links ?? {});
  const summary = [make("span", { class: `status s${status[0]}` }, status), make("span", {}, ...inline(part.description))];
  const terms = headers.map(([name, header]) => {
    const { part: said } = resolve(header);
    return term(name, said.schema, { description: said.description });
  });
  return opening({ class: "answer" }, summary, () => [
    ...contents(part.content),
    make("h5", {}, "Headers"),
    make("dl", { class: "terms" }, ...terms),
    links.length > 0 ? make("p", {}, "Leads to: ", ...links.flatMap((id) => [linkTo(id), " "])) : "",
  ]);
}

const linkTo = (id) => make("a", { href: `#${id}` }, id);

/** The words that a key needs one of. */
const scopesOf = (operation) => [...new Set((operation.security ?? []).flatMap((place) => Object.values(place).flat()))];

/** How to ask from a shell. */
function curl(method, path, operation) {
  const parameters = (operation.parameters ?? []).map((parameter) => resolve(parameter).part);
  const filled = parameters
    .filter((parameter) => parameter.in === "path")
    .reduce((target, { name, example }) => target.replace(`{${name}}`, encodeURIComponent(example ?? name)), path);
  const query = parameters
    .filter((parameter) => parameter.in === "query" && parameter.required)
    .map(({ name, example }) => `${name}=${encodeURIComponent(example ?? "")}`)
    .join("&");
  const lines = [`curl ${method === "get" ? "" : `-X ${method.toUpperCase()} `}'${location.origin}${filled}${query && `?${query}`}'`];
  if (scopesOf(operation).length > 0) lines.push(`-H "Authorization: Bearer $KEY"`);
  const json = operation.requestBody?.content["application/json"];
  if (json) {
    const value = json.example ?? Object.values(json.examples ?? {}).at(-1)?.value;
    lines.push(`-H 'Content-Type: application/json'`, `-d '${JSON.stringify(value)}'`);
  }
  return lines.join(" \\\n  ");
}

/** One operation, closed at first. */
function operationOf({ method, path, operation }) {
  const scopes = scopesOf(operation);
  const parameters = (operation.parameters ?? []).map((parameter) => resolve(parameter).part);
  const { requestBody } = operation;
  const title = make("h3", {}, wordOf(method), make("code", { class: "path" }, path), make("span", { class: "title" }, operation.summary));
  return opening({ class: "operation", id: operation.operationId }, [title], () => [
    make(
      "div",
      { class: "body" },
      ...prose(operation.description),
      make("p", { class: "scopes" }, scopes.length > 0 ? ["A key needs ", ...inline(scopes.map((word) => `\`${word}\``).join(" or ")), "."] : "No key is needed."),
      block(curl(method, path, operation), `Ask for ${operation.summary}`),
      ...(parameters.length > 0
        ? [
            make("h4", {}, "Parameters"),
            make(
              "dl",
              { class: "terms" },
              ...parameters.map((parameter) => term(parameter.name, parameter.schema, { ...parameter, where: parameter.in })),
            ),
          ]
        : []),
      ...(requestBody ? [make("h4", {}, "Body"), ...prose(requestBody.description), ...contents(requestBody.content)] : []),
      make("h4", {}, "Answers"),
      ...Object.entries(operation.responses).map(([status, reference]) => answer(status, reference)),
    ),
  ]);
}

/** All operations by their tags, in the order of the tags. */
function groups() {
  const all = Object.entries(api.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ method, path, operation: item[method] })),
  );
  return api.tags.map((tag) => ({ tag, operations: all.filter(({ operation }) => operation.tags.includes(tag.name)) }));
}

function show() {
  document.getElementById("version").textContent = api.info.version;
  const content = document.getElementById("content");
  const index = document.getElementById("index");
  content.append(make("section", { class: "about" }, ...prose(api.info.description)));
  for (const { tag, operations } of groups()) {
    const id = `tag-${tag.name.toLowerCase().replaceAll(" ", "-")}`;
    content.append(
      make("section", { "aria-labelledby": id }, make("h2", { id }, tag.name), ...prose(tag.description), ...operations.map(operationOf)),
    );
    index.append(
      make(
        "section",
        {},
        make("h2", {}, tag.name),
        make(
          "ul",
          {},
          ...operations.map(({ method, path, operation }) =>
            make(
              "li",
              { "data-words": `${method} ${path} ${operation.summary}`.toLowerCase() },
              make("a", { href: `#${operation.operationId}`, title: path }, wordOf(method), make("span", {}, operation.summary)),
            ),
          ),
        ),
      ),
    );
  }
}

/** Leaves those in the index that have every word. */
function find(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const items = [...document.querySelectorAll("#index li")];
  for (const item of items) item.hidden = !words.every((word) => item.dataset.words.includes(word));
  for (const section of document.querySelectorAll("#index section")) section.hidden = !section.querySelector("li:not([hidden])");
  const count = items.filter((item) => !item.hidden).length;
  document.getElementById("found").textContent = words.length > 0 ? `${count} operations found` : "";
}

/** Opens the operation that the address names. */
function open() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target?.matches("details.operation")) return;
  target.open = true;
  target.scrollIntoView();
  target.querySelector("summary").focus({ preventScroll: true });
}

try {
  const answered = await fetch("/openapi.json");
  if (!answered.ok) throw new Error(`the service answered ${answered.status}`);
  api = await answered.json();
  show();
  open();
  addEventListener("hashchange", open);
  // The address stays the same where the link is pressed again: what was closed opens all the same.
  document.addEventListener("click", (event) => {
    if (event.target.closest('a[href^="#"]')?.hash === location.hash) open();
  });
  document.getElementById("find").addEventListener("input", (event) => find(event.target.value));
} catch (error) {
  const link = make("a", { href: "/openapi.json" }, "/openapi.json");
  document.getElementById("content").append(make("p", { role: "alert" }, `The description could not be shown (${error.message}). It is at `, link, "."));
}
