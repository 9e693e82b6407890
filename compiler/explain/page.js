"use strict";
// Everything that is shown comes from the JSON of `Explanation.to_dict()`, and is put in as text.
const data = JSON.parse(document.getElementById("data").textContent);
const operators = new Map(data.operators.map((each) => [each.id, each]));
const tables = new Map(data.tables.map((each) => [each.name, each]));
let step = data.steps[0];
let chosen = (data.operators.find((each) => each.inputs.length) || data.operators[0]).id;

function make(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((each) => each !== null && each !== ""));
  return node;
}

const WORDS = new Set(("select from where group by having order limit union all distinct as on and or not is null in " +
  "exists between case when then else end insert into values update set delete using with recursive materialized " +
  "join left right full cross lateral inner outer create table index trigger temp temporary sequence if primary key " +
  "constraint check without rowid after of begin returning conflict do nothing default collate cast true false asc " +
  "desc over rows preceding current row unbounded partition unique default not").split(" "));
const TOKEN = /(--[^\n]*)|('(?:[^']|'')*')|("(?:[^"]|"")*")|(\b\d+(?:\.\d+)?(?:e\d+)?\b)|(\w+)|([\s\S])/gi;

function sql(text) {
  const node = make("pre", { class: "sql" });
  for (const [token, remark, string, name, number, word] of text.matchAll(TOKEN)) {
    const kind = remark ? "c" : string ? "s" : name ? "i" : number ? "n"
      : word && WORDS.has(word.toLowerCase()) ? "k" : "";
    node.append(kind ? make("span", { class: kind }, token) : token);
  }
  return node;
}

function size(n) {
  for (const unit of ["bytes", "kB", "MB"]) {
    if (n < 1000) return `${unit === "bytes" ? n : n.toFixed(1)} ${unit}`;
    n /= 1000;
  }
  return `${n.toFixed(1)} GB`;
}

const plural = (n, what) => `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;
const rounded = (n) => (Number.isInteger(n) ? n : n.toFixed(1)).toLocaleString("en");
const titled = (each) => (!each.inputs.length ? each.name : each.name ? `${each.name} = ${each.label}` : each.label);
const stepTitle = (each) => (each.inputs.length === 1 ? each.inputs[0] : "any mix");

function serves(statement, id) {
  return statement.operator === id || statement.parts.some((part) => part.operator === id);
}

function planOf(statement) {
  if (!statement.plan.length) return null;
  const node = make("pre", { class: "plan" });
  statement.plan.forEach((line, i) => {
    node.append((i ? "\n" : "") + "  ".repeat(line.depth) + line.text);
    if (line.scan) node.append(make("span", { class: "bad" }, `  <-- scan of ${line.scan}`));
  });
  return node;
}

function statementNode(each, open) {
  const operator = operators.get(each.operator);
  const who = operator ? titled(operator) : each.label || "the whole step";
  const what = each.what ? `: ${each.what}` : "";
  const node = make("details", { class: serves(each, chosen) ? "own" : "" },
    make("summary", {}, `${each.serial}. ${who}${what}`,
      each.plan.some((line) => line.scan) ? make("span", { class: "bad" }, " scan") : ""));
  if (open) node.open = true;
  if (each.python) node.append(make("p", { class: "soft" }, `in Python: ${each.python}${each.at ? `, at ${each.at}` : ""}`));
  if (each.parts.length) {
    const list = make("ul", { class: "looks mono" });
    for (const part of each.parts) list.append(make("li", {}, `${part.name}: ${part.label} (${part.where})`));
    node.append(make("details", {}, make("summary", {}, plural(each.parts.length, "part")), list));
  }
  node.append(sql(each.sql));
  const plan = planOf(each);
  if (plan) node.append(make("h3", {}, "The database's own plan"), plan);
  return node;
}

function tableNode(name) {
  const table = tables.get(name);
  const held = table.rows === null ? "" : `${table.estimated ? "about " : ""}${plural(table.rows, "row")}` +
    (table.bytes === null ? "" : `, ${size(table.bytes)}`);
  const columns = make("table", {}, make("tr", {}, make("th", {}, "column"), make("th", {}, "type")));
  for (const [column, type] of table.columns) columns.append(make("tr", {}, make("td", { class: "mono" }, column), make("td", { class: "mono" }, type)));
  const indexes = make("ul", { class: "looks" });
  for (const index of table.indexes) indexes.append(make("li", {}, make("code", {}, `${index.name || "key"} (${index.columns.join(", ")})`), ` ${index.use}`));
  const ddl = make("details", {}, make("summary", {}, "SQL that creates it"));
  for (const text of table.ddl) ddl.append(sql(`${text};`));
  return make("div", {}, make("p", {}, make("code", {}, name), held ? ` ${held}` : ""),
    make("p", { class: "soft" }, `${table.reason}; ${table.grows}`), indexes,
    make("div", { class: "scroll" }, columns), ddl);
}

function showOperator() {
  const each = operators.get(chosen);
  const card = document.getElementById("operator");
  card.replaceChildren(make("h2", {}, titled(each)));
  const tags = make("p", {}, make("span", { class: "tag" }, each.inputs.length ? `st.${each.label}` : "input"));
  if (each.inputs.length) {
    const way = each.by_group ? "by group" : each.incremental ? "incremental" : "recomputed";
    tags.append(make("span", { class: `tag ${way.split(" ")[0]}` }, each.incremental ? way : "recomputed in each step"));
    tags.append(make("span", { class: each.python.length ? "tag python" : "tag" }, each.runs));
  }
  for (const name of each.caches) tags.append(make("span", { class: "tag" }, `cache ${name}`));
  for (const i of each.outputs) tags.append(make("span", { class: "tag" }, `output ${i + 1}`));
  card.append(tags, make("p", {}, make("code", {}, each.rows)), make("p", { class: "soft" }, each.why));
  if (each.place) {
    card.append(make("p", { class: "path" }, `${each.place.file}:${each.place.line}${each.function ? ` in ${each.function}` : ""}`));
    if (each.place.text) card.append(make("pre", {}, each.place.text));
  }
  for (const f of each.python) card.append(make("p", {}, make("span", { class: "tag python" }, "Python step"), `${f.name}: ${f.reason}`, make("br"), make("span", { class: "path" }, f.at)));
  for (const view of data.views.filter((view) => view.operator === chosen)) {
    card.append(make("h3", {}, "What it is a view of"), make("p", {}, make("code", {}, view.of)),
      make("p", { class: "soft" }, view.reason),
      make("details", {}, make("summary", {}, `SQL of the view ${view.name}`), sql(`${view.ddl};`)));
  }
  if (each.tables.length) card.append(make("h3", {}, "What it keeps"), ...each.tables.map(tableNode));
  if (each.rule) card.append(make("h3", {}, "What changes in one step"), make("pre", {}, each.rule.trimEnd()));
  const own = step.statements.filter((statement) => serves(statement, chosen) && statement.role !== "clear");
  card.append(make("h3", {}, `Its statements when ${stepTitle(step)} changes`));
  const parts = own.flatMap((statement) => statement.parts.filter((part) => part.operator === chosen));
  for (const part of parts) {
    card.append(make("details", parts.length === 1 ? { open: "" } : {}, make("summary", {}, make("code", {}, part.name)), sql(part.sql)));
  }
  if (parts.length) return;
  if (own.length) card.append(...own.map((statement) => statementNode(statement, own.length === 1 && statement.role !== "step")));
  else card.append(make("p", { class: "soft" }, "none: the change does not come here, or it is written where it is read"));
}

function lookText(look) {
  if (!look.by.length && look.limit === null) return "all of it is read";
  let text = !look.by.length ? "from the start of its order" : look.by.join() === "row" ? "as a whole row" : `by ${look.by.join(", ")}`;
  if (look.create) text += ", which no index begins with, so that all of it is read";
  else if (look.index) text += ` (index ${look.index})`;
  else if (look.application && look.by.length) text += " (which needs an index)";
  if (look.times !== null && look.times !== 1) text += `, ${rounded(look.times)} times`;
  if (look.limit !== null && look.limit > 1) text += `, at most ${plural(look.limit, "row")}`;
  else if (look.limit === 1 && look.most !== 1) text += ", the first row";
  else if (look.most === 1) text += ", at most one row";
  else if (look.average !== null) text += `, ${rounded(look.average)} rows on average, ${rounded(look.most)} at most`;
  return look.create ? `${text}: ${look.create}` : text;
}

function showStep() {
  const card = document.getElementById("step");
  card.replaceChildren(make("h2", {}, `When ${stepTitle(step)} changes`));
  const runs = step.statements.filter((each) => each.role !== "check");
  let text = `${plural(runs.length, "statement")}, one transaction`;
  if (step.cost) {
    const known = step.cost.lookups.filter((look) => look.times !== null);
    text += `; for one changed row ${plural(Math.round(known.reduce((sum, look) => sum + look.times, 0) * 10) / 10, "look-up")}`;
    if (known.length < step.cost.lookups.length) text += ` and ${step.cost.lookups.length - known.length} more for each row that those find`;
    if (step.cost.rows !== null) text += `, ${rounded(step.cost.rows)} row${step.cost.rows === 1 ? "" : "s"} written`;
  }
  card.append(make("p", {}, text));
  if (step.cost && step.cost.lookups.length) {
    const list = make("ul", { class: "looks" });
    for (const look of step.cost.lookups) {
      const whole = look.create || (!look.by.length && look.limit === null);
      list.append(make("li", { class: whole ? "bad" : "" }, make("code", {}, look.table), ` ${lookText(look)}`));
    }
    card.append(list);
  }
  if (step.locked.length) card.append(make("details", {}, make("summary", {}, `locks ${plural(step.locked.length, "row")} of last_update first`), make("p", { class: "mono" }, step.locked.join(", "))));
  card.append(...step.statements.map((each) => statementNode(each, each.role === "step")));
}

function paint() {
  const reached = new Set(step.operators);
  for (const box of document.querySelectorAll(".box")) {
    box.classList.toggle("still", !reached.has(box.dataset.id));
    box.classList.toggle("chosen", box.dataset.id === chosen);
    box.setAttribute("aria-pressed", box.dataset.id === chosen);
  }
  for (const link of document.querySelectorAll(".link")) {
    link.classList.toggle("still", !(reached.has(link.dataset.from) && reached.has(link.dataset.to)));
  }
  for (const button of document.querySelectorAll("nav button")) {
    button.setAttribute("aria-pressed", data.steps[button.dataset.step] === step);
  }
  showOperator();
  showStep();
}

function choose(id) {
  chosen = id;
  paint();
}

for (const box of document.querySelectorAll(".box")) {
  box.setAttribute("tabindex", "0");
  box.setAttribute("role", "button");
  box.addEventListener("click", () => choose(box.dataset.id));
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      choose(box.dataset.id);
    }
  });
}
const nav = document.querySelector("nav");
data.steps.forEach((each, i) => {
  nav.append(make("button", { type: "button", "data-step": i, onclick: () => { step = each; paint(); } }, stepTitle(each)));
});
paint();
