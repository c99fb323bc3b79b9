
"use strict";
(function () {
  const PAGE = 200;
  const SEVERITIES = ["critical", "high", "medium", "low", "info"];
  const data = JSON.parse(document.getElementById("data").textContent);
  const form = document.getElementById("filters");
  const body = document.getElementById("rows");
  const more = document.getElementById("more");
  const count = document.getElementById("count");
  let matching = [];
  let shown = 0;

  // Text is only ever set as text, never as markup.
  function element(name, text, className) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  function labelled(label, text) {
    const made = element("p");
    made.append(element("b", label + ":"), " " + text);
    return made;
  }

  function sourceOf([before, inside, after]) {
    const made = element("pre");
    made.tabIndex = 0;
    made.append(before, element("mark", inside), after);
    return made;
  }

  function findingOf(row) {
    const cell = element("td");
    cell.append(element("strong", row.title), " ", element("code", row.rule), element("p", row.message));
    if (row.fix) cell.append(labelled("fix", row.fix));
    if (row.check) cell.append(labelled("check", row.check));
    if (row.commit) cell.append(labelled("commit", row.commit));
    if (row.suppressed !== null) cell.append(labelled("suppressed", row.suppressed));
    if (row.related.length) cell.append(labelled("also in", row.related.join(", ")));
    const weaknesses = row.cwe.map((number) => ", CWE-" + number).join("");
    cell.append(labelled("detector", row.detector + ", confidence " + row.confidence + weaknesses));
    cell.append(labelled("fingerprint", row.fingerprint));
    if (row.source) cell.append(sourceOf(row.source));
    return cell;
  }

  function rowOf(row) {
    const made = element("tr");
    const severity = element("td");
    severity.append(element("span", row.severity, "severity " + row.severity));
    const owner = element("td");
    row.owner.forEach((name, at) => owner.append(...(at ? [element("br"), name] : [name])));
    made.append(severity, findingOf(row), element("td", row.place, "place"), owner);
    return made;
  }

  function showUpTo(end) {
    const rows = matching.slice(shown, end).map(rowOf);
    body.append(...rows);
    shown += rows.length;
    more.hidden = shown === matching.length;
    count.textContent = matching.length + " of " + data.length + " findings match; " + shown + " shown.";
  }

  function choice(name, label, values) {
    const wrapper = element("label", label);
    const select = element("select");
    select.name = name;
    select.append(new Option("all", ""), ...values.map((value) => new Option(value, "=" + value)));
    wrapper.append(select);
    form.append(wrapper);
  }

  function distinct(values) {
    return Array.from(new Set(values)).sort();
  }

  function build() {
    const present = new Set(data.map((row) => row.severity));
    choice("severity", "Severity", SEVERITIES.filter((severity) => present.has(severity)));
    choice("detector", "Detector", distinct(data.map((row) => row.detector)));
    choice("rule", "Rule", distinct(data.map((row) => row.rule)));
    choice("owner", "Owner", distinct(data.flatMap((row) => row.owner)));
    const text = element("label", "Text (press / to search)");
    const search = element("input");
    search.name = "text";
    search.type = "search";
    text.append(search);
    const suppressed = element("label", undefined, "check");
    const box = element("input");
    box.name = "suppressed";
    box.type = "checkbox";
    suppressed.append(box, "Show suppressed");
    form.append(text, suppressed);
    form.hidden = false;
  }

  function apply() {
    const wanted = new FormData(form);
    const exact = (name, value) => !wanted.get(name) || wanted.get(name) === "=" + value;
    const needle = (wanted.get("text") || "").toLowerCase();
    const owned = (row) => !wanted.get("owner") || row.owner.some((owner) => exact("owner", owner));
    const texts = (row) => [row.title, row.rule, row.message, row.place, row.commit || "", row.fingerprint, ...row.related];
    matching = data.filter((row) =>
      exact("severity", row.severity) && exact("detector", row.detector) && exact("rule", row.rule) && owned(row) &&
      (row.suppressed === null || wanted.get("suppressed")) &&
      (!needle || texts(row).some((text) => text.toLowerCase().includes(needle))));
    body.replaceChildren();
    shown = 0;
    showUpTo(PAGE);
  }

  build();
  apply();
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  more.addEventListener("click", () => showUpTo(shown + PAGE));
  window.addEventListener("beforeprint", () => showUpTo(matching.length));
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches && event.target.matches("input, select, textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      form.elements.namedItem("text").focus();
    }
  });
})();
