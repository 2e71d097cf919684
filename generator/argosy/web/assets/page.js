"use strict";
(() => {
  // Other people's text is put into the page as text alone: no HTML is made of it, which the page's policy forbids too.
  const data = JSON.parse(document.getElementById("page").textContent);
  const environments = data.environments || [], rows = data.rows || [], findings = data.findings || [];
  const rules = new Map((data.rules || []).map((each) => [each.id, each]));
  const applications = new Map(rows.map((each) => [each.name, each]));
  const main = document.getElementById("main"), said = document.getElementById("said");
  const AT_ONCE = 50;

  const h = (tag, properties, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties || {})) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value !== undefined && value !== false && value !== null) element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.flat(3).filter((each) => each !== undefined && each !== null && each !== false && each !== ""));
    return element;
  };
  const counted = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
  const say = (text) => { if (said.textContent !== text) said.textContent = text; };
  const code = (text) => h("code", {}, text);
  const badge = (text, tone) => h("span", { class: `badge ${tone || ""}` }, text);
  const listed = (items, show = code) => items && items.length ? h("span", {}, items.map((each, at) => [at ? ", " : "", show(each)])) : h("span", { class: "soft" }, "none");
  const facts = (pairs) => h("dl", {}, pairs.filter(([, value]) => value !== undefined && value !== "" && value !== null).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));

  // Where the page is: #/view/name?filters. The address is all that there is to keep, so that it can be sent to others.
  const place = () => {
    const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
    const [view, ...names] = path.split("/").map((each) => { try { return decodeURIComponent(each); } catch { return each; } });
    return { view: view || "applications", name: names[0] || "", filters: new URLSearchParams(query || "") };
  };
  const address = (view, name, filters) => {
    const query = new URLSearchParams(Object.entries(filters || {}).filter(([, value]) => value)).toString();
    return `#/${view}${name ? "/" + encodeURIComponent(name) : ""}${query ? "?" + query : ""}`;
  };
  const link = (text, ...where) => h("a", { href: address(...where) }, text);
  const keep = (filters) => {
    const here = place();
    history.replaceState(null, "", address(here.view, here.name, filters));
  };

  // Parts of the page that are packed, and unpacked when they are looked at.
  const unpacked = new Map();
  const chunk = (number) => {
    if (!unpacked.has(number)) unpacked.set(number, unpack(number));
    return unpacked.get(number);
  };
  const unpack = async (number) => {
    const held = document.getElementById(`chunk-${number}`);
    let packed;
    if (held) packed = new Blob([Uint8Array.from(atob(held.textContent), (each) => each.charCodeAt(0))]);
    else {
      const answer = await fetch(`data/${number}.bin`);
      if (!answer.ok) throw new Error(`data/${number}.bin: ${answer.status}`);
      packed = await answer.blob();
    }
    return new Response(packed.stream().pipeThrough(new DecompressionStream("gzip"))).json();
  };
  const whole = new Promise((done) => document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", done) : done());
  const later = (number, show) => {
    const waiting = h("div", { "aria-busy": "true" }, h("p", { class: "soft" }, "Unpacking …"));
    whole.then(() => chunk(number)).then(
      (found) => waiting.replaceWith(...[show(found)].flat(3)),
      (error) => waiting.replaceWith(h("p", { class: "badge bad", role: "alert" }, `This part cannot be read (${error.message}). A page in a folder has to be opened over HTTP: argosy serve, or argosy report --html FILE for one file.`)),
    );
    return waiting;
  };

  // A long list: its beginning at once, more as one scrolls, all of it when somebody asks for it, or prints.
  let lists = [];
  const long = (parent, show, noun) => {
    let items = [], shown = 0;
    const all = h("button", { type: "button", onclick: () => add(items.length) }), above = h("p", {}, all), below = h("div");
    const add = (count) => {
      parent.append(...items.slice(shown, shown + count).map(show));
      shown = Math.min(shown + count, items.length);
      all.textContent = `Show all ${counted(items.length, noun)}`;
      above.hidden = shown >= items.length;
    };
    const watch = new IntersectionObserver((seen) => { if (seen.some((each) => each.isIntersecting)) add(AT_ONCE); }, { rootMargin: "400px" });
    const fill = (chosen) => {
      [items, shown] = [chosen, 0];
      parent.replaceChildren();
      add(AT_ONCE);
      watch.unobserve(below);
      watch.observe(below);
    };
    lists.push({ all: () => add(items.length), end: () => watch.disconnect() });
    return { above, below, fill };
  };
  addEventListener("beforeprint", () => lists.forEach((each) => each.all()));

  // Filters: each change shows the list anew, and is kept in the address.
  const filtered = (fields, show) => {
    const values = () => Object.fromEntries(fields.map(({ name, input }) => [name, input.type === "checkbox" ? (input.checked ? "1" : "") : input.value]));
    const change = () => { keep(values()); show(values()); };
    for (const { input } of fields) input.addEventListener(input.type === "search" ? "input" : "change", change);
    return h("form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
      fields.map(({ label, input }) => input.type === "checkbox" ? h("label", { class: "check" }, input, label) : h("label", {}, label, input)));
  };
  const search = (label, value) => ({ name: "q", label, input: Object.assign(h("input", { type: "search", autocomplete: "off", spellcheck: "false" }), { value: value || "" }) });
  const choice = (name, label, options, value) => {
    const input = h("select", {}, options.map(([each, text]) => h("option", { value: each }, text)));
    input.value = options.some(([each]) => each === value) ? value : options[0][0];
    return { name, label, input };
  };
  const check = (name, label, value) => ({ name, label, input: Object.assign(h("input", { type: "checkbox" }), { checked: value === "1" }) });
  const words = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);
  const has = (text, wanted) => wanted.every((each) => text.includes(each));

  // Applications × environments.
  const STATES = [["", "any"], ["behind", "behind"], ["hand", "set by hand"], ["undecided", "undecided"], ["unknown", "unknown"], ["findings", "with findings"], ...(data.has_health ? [["unsynced", "out of sync"], ["unhealthy", "unhealthy"]] : [])];
  const found = new Map();
  for (const each of findings) if (!each.known) for (const one of [each, ...(each.also || [])]) if (one.application) found.set(one.application, (found.get(one.application) || new Set()).add(each));
  const texts = new Map(rows.map((row) => [row.name, [row.name, ...(row.cells || []).flatMap((each) => [each.environment, each.version || "", ...(each.facts || []), ...(each.remarks || []).map((one) => one.text)])].join(" ").toLowerCase()]));
  const columns = environments.filter((each) => !each.elsewhere), isThere = (row) => !row.cells || row.cells.some((cell) => columns.some((each) => each.name === cell.environment));
  const cellOf = (cell) => cell && [h("span", { class: "version" }, cell.version || "no image"), (cell.remarks || []).map((each) => badge(each.text, each.tone))];
  const rowOf = (row) => {
    const cells = new Map((row.cells || []).map((each) => [each.environment, each]));
    const count = (found.get(row.name) || { size: 0 }).size;
    return h("tr", { role: "row" },
      h("th", { scope: "row", role: "rowheader" }, link(row.name, "application", row.name), count ? [" ", h("a", { class: "badge notice", href: address("findings", "", { q: row.name }) }, counted(count, "finding"))] : ""),
      columns.map((each) => h("td", { role: "cell", "data-label": each.name || "no environment" }, cellOf(cells.get(each.name)))));
  };
  const showApplications = ({ filters }) => {
    const body = h("tbody", { role: "rowgroup" }), elsewhere = h("p"), list = long(body, rowOf, "application");
    const show = ({ q, state, environment }) => {
      const wanted = words(q);
      const chosen = rows.filter((row) => has(texts.get(row.name), wanted)
        && (!environment || (row.cells || []).some((cell) => cell.environment === environment))
        && (!state || (state === "findings" ? found.has(row.name) : (row.cells || []).some((cell) => (!environment || cell.environment === environment) && (cell.states || []).includes(state)))));
      list.fill(chosen.filter(isThere));
      const others = chosen.filter((row) => !isThere(row));
      elsewhere.replaceChildren(...(others.length ? ["In no environment: ", listed(others, (row) => link(row.name, "application", row.name))] : []));
      say(`${chosen.length.toLocaleString("en")} of ${counted(rows.length, "application")}`);
    };
    const fields = [search("Search names, versions and images", filters.get("q")), choice("state", "State", STATES, filters.get("state")), choice("environment", "Environment", [["", "any"], ...columns.map((each) => [each.name, each.name || "none"])], filters.get("environment"))];
    const form = filtered(fields, show);
    const table = h("table", { role: "table", "aria-label": "Applications and environments" },
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, h("th", { scope: "col", role: "columnheader" }, "application"),
        columns.map((each) => h("th", { scope: "col", role: "columnheader", title: each.note }, each.name || "no environment", each.source ? h("span", { class: "soft" }, ` ← ${each.source}`) : "", each.revision && each.revision !== "HEAD" ? h("span", { class: "soft" }, ` (${each.revision})`) : "")))), body);
    show(Object.fromEntries(fields.map(({ name, input }) => [name, input.value])));
    return [heading("Applications"), tiles(), form, list.above, table, list.below, elsewhere];
  };
  const tiles = () => {
    const count = data.count || {}, errors = findings.filter((each) => each.severity === "error" && !each.known).length, warnings = findings.filter((each) => each.severity !== "error" && !each.known).length;
    const tile = (number, text, href) => h("li", {}, h("strong", {}, (number || 0).toLocaleString("en")), href ? h("a", { href }, text) : text);
    return [
      h("ul", { class: "tiles", "aria-label": "In short" }, tile(rows.length, "applications"), tile(errors, "errors", address("findings", "", { severity: "error" })), tile(warnings, "warnings", address("findings", "", { severity: "warning" })), tile(count.passed, "documents passed"), tile(count.failed, "failed"), tile(count.skipped, "not checked", address("unchecked")), tile(count.unreached, "unreached", address("tree"))),
      data.summary ? h("p", {}, data.summary) : "",
      count.title ? h("p", {}, count.title) : "",
      data.notes && data.notes.length ? h("ul", { class: "notes" }, data.notes.map((each) => h("li", {}, each))) : "",
    ];
  };

  // One application.
  const showApplication = ({ name, filters }) => {
    const row = applications.get(name);
    if (!row) return [heading("No such application"), h("p", {}, `${name} is not in this repository. `, link("All applications", "applications"))];
    const cells = (row.cells || []).map((each) => h("div", { class: "card" }, h("h3", {}, each.environment || "no environment"), h("p", {}, cellOf(each)), each.facts && each.facts.length ? h("ul", {}, each.facts.map((one) => h("li", {}, one))) : ""));
    const own = [...(found.get(name) || [])];
    return [heading(name), h("p", {}, link("← All applications", "applications")), cells,
      own.length ? [h("h3", {}, counted(own.length, "finding")), own.slice(0, 20).map(findingOf), own.length > 20 ? h("p", {}, h("a", { href: address("findings", "", { q: name }) }, "All of them")) : ""] : "",
      later(row.chunk, (several) => detailsOf(several.find((each) => each.name === name) || { name }, filters))];
  };
  const detailsOf = (details, filters) => [differencesOf(details, filters), manifestsOf(details, filters), historyOf(details)];
  const labelOf = (each) => each.environment ? `${each.environment} (${each.name})` : each.name;

  const manifestsOf = (details, filters) => {
    const applied = details.applied || [];
    if (!applied.length) return [h("h3", {}, "Manifests"), h("p", { class: "soft" }, "No Application applies it.")];
    const holder = h("div");
    const picked = choice("manifests", "Application", applied.map((each, at) => [String(at), labelOf(each)]), filters.get("manifests"));
    const show = () => {
      const each = applied[Number(picked.input.value)], resources = each.resources || [];
      const items = resources.map((one) => h("details", {}, h("summary", {}, code(`${one.kind} ${one.name}`), " ", h("span", { class: "soft" }, [one.namespace, one.phase, one.wave ? `wave ${one.wave}` : ""].filter(Boolean).join(", "))), text(one.text || "", `${one.kind} ${one.name}`)));
      const all = h("button", { type: "button", "aria-pressed": "false", onclick: () => {
        const open = all.getAttribute("aria-pressed") !== "true";
        items.forEach((one) => { one.open = open; });
        all.setAttribute("aria-pressed", String(open));
      } }, "Open all");
      holder.replaceChildren(facts([["cluster", each.cluster], ["namespace", each.namespace], ["project", each.project ? h("a", { href: address("projects", "", { q: each.project }) }, each.project) : ""], ["source", listed(each.sources)]]),
        ...(each.problems || []).map((one) => h("p", { class: "badge notice" }, one)), ...(items.length ? [h("p", {}, all)] : []), ...items);
    };
    picked.input.addEventListener("change", show);
    show();
    return [h("h3", {}, "Manifests"), h("div", { class: "filters" }, h("label", {}, picked.label, picked.input)), holder];
  };
  const text = (content, label) => h("pre", { tabindex: "0", role: "region", "aria-label": label }, content);

  const historyOf = (details) => {
    const events = details.history || [];
    const names = ["when", "what", "from", "to", "version", "who", "commit", ""];
    const row = (each) => h("tr", { role: "row" }, [each.when, each.what, each.source, each.target, each.version, each.who, code(each.commit), each.undone ? badge(each.undone, "notice") : ""].map((value, at) => h("td", { role: "cell", "data-label": names[at] || "then" }, value || "")));
    return [h("h3", {}, "History"), details.history_note ? h("p", { class: "badge notice" }, details.history_note) : "",
      events.length ? h("table", { role: "table", "aria-label": "Promotions and rollbacks" }, h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, names.map((each) => each ? h("th", { scope: "col", role: "columnheader" }, each) : h("td", { role: "cell" })))), h("tbody", { role: "rowgroup" }, events.map(row))) : h("p", { class: "soft" }, "Nothing was promoted yet.")];
  };

  // Differences between environments: keys as promotion sees them, and the manifests, line by line.
  const keysOf = (keys, title) => h("div", {}, h("h4", {}, `${title} (${keys.length})`), keys.length ? h("table", { role: "table", "aria-label": title },
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ["key", "from", "to", "why"].map((each) => h("th", { scope: "col", role: "columnheader" }, each)))),
    h("tbody", { role: "rowgroup" }, keys.map((each) => h("tr", { role: "row" }, [code(each.name), code(each.source), code(each.target), [each.verdict, each.why].filter(Boolean).join(": ")].map((value, at) => h("td", { role: "cell", "data-label": ["key", "from", "to", "why"][at] }, value)))))) : h("p", { class: "soft" }, "Nothing."));
  const differencesOf = (details, filters) => {
    const applied = details.applied || [];
    if (applied.length < 2) return "";
    const promoted = details.differences || [], options = applied.map((each, at) => [String(at), labelOf(each)]);
    const first = promoted[0], at = (name, otherwise) => String(Math.max(applied.findIndex((each) => each.environment === name), otherwise));
    const from = choice("from", "From", options, filters.get("from") || (first ? at(first.source, 0) : "0"));
    const to = choice("to", "To", options, filters.get("to") || (first ? at(first.target, 1) : "1"));
    const level = check("as", "Take what names an environment for the same", filters.get("as") ?? "1");
    const holder = h("div");
    const show = () => {
      const one = applied[Number(from.input.value)], other = applied[Number(to.input.value)];
      const way = promoted.find((each) => each.source === one.environment && each.target === other.environment), keys = (way && way.keys) || [];
      const drawn = compare(one, other, level.input.checked);
      holder.replaceChildren(...[
        way && way.unknown ? h("p", { class: "badge notice" }, way.unknown) : "",
        way ? [keysOf(keys.filter((each) => !each.expected), "Settings that differ unexpectedly"), keysOf(keys.filter((each) => each.expected), "Settings that are expected to differ")] : h("p", { class: "soft" }, "Nothing is promoted between these two: which settings are expected to differ is not known."),
        h("h4", {}, `Rendered manifests (${drawn.length ? counted(drawn.length, "resource") + " differ" : "the same"})`), drawn].flat(3).filter(Boolean));
    };
    for (const each of [from, to, level]) each.input.addEventListener("change", show);
    show();
    return [h("h3", {}, "Differences"), h("div", { class: "filters" }, [from, to].map((each) => h("label", {}, each.label, each.input)), h("label", { class: "check" }, level.input, level.label)), holder];
  };
  const leveled = (content, applied) => {
    const escaped = (each) => each.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const names = [[applied.namespace, "‹namespace›"], [applied.environment, "‹environment›"]].filter(([each]) => each);
    return names.reduce((so, [each, instead]) => so.replace(new RegExp(`(?<![\\w])${escaped(each)}(?![\\w])`, "g"), instead), content);
  };
  const compare = (one, other, isLevel) => {
    const read = (applied) => new Map((applied.resources || []).map((each) => [isLevel ? leveled(`${each.kind} ${each.name}`, applied) : `${each.kind} ${each.name}`, isLevel ? leveled(each.text || "", applied) : each.text || ""]));
    const before = read(one), after = read(other);
    return [...new Set([...before.keys(), ...after.keys()])].filter((each) => before.get(each) !== after.get(each)).map((name) => {
      const lines = lineDiff((before.get(name) ?? "").split("\n"), (after.get(name) ?? "").split("\n"));
      const count = (mark) => lines.filter(([each]) => each === mark).length;
      const what = !before.has(name) ? `only in ${labelOf(other)}` : !after.has(name) ? `only in ${labelOf(one)}` : `+${count("+")} −${count("-")}`;
      return h("details", { open: count("+") + count("-") < 40 }, h("summary", {}, code(name), " ", h("span", { class: "soft" }, what)), h("pre", { tabindex: "0", role: "region", "aria-label": `Difference of ${name}` }, near(lines).map(([mark, line]) => h("span", { class: mark === "+" ? "add" : mark === "-" ? "del" : "same" }, `${mark} ${line}`))));
    });
  };
  const near = (lines) => {
    const kept = lines.map((_, at) => lines.slice(Math.max(0, at - 3), at + 4).some(([mark]) => mark !== " "));
    return lines.flatMap((each, at) => kept[at] ? [each] : at && kept[at - 1] ? [["…", ""]] : []);
  };
  const lineDiff = (one, other) => {
    let start = 0, endOne = one.length, endOther = other.length;
    while (start < endOne && start < endOther && one[start] === other[start]) start++;
    while (endOne > start && endOther > start && one[endOne - 1] === other[endOther - 1]) { endOne--; endOther--; }
    const a = one.slice(start, endOne), b = other.slice(start, endOther), width = b.length + 1;
    const same = (lines) => lines.map((each) => [" ", each]);
    // The longest common part; of what is too long for that, all goes and all comes.
    let middle = [...a.map((each) => ["-", each]), ...b.map((each) => ["+", each])];
    if (a.length * b.length <= 4e6) {
      const longest = new Uint32Array((a.length + 1) * width);
      for (let i = a.length - 1; i >= 0; i--) for (let j = b.length - 1; j >= 0; j--) longest[i * width + j] = a[i] === b[j] ? longest[(i + 1) * width + j + 1] + 1 : Math.max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
      middle = [];
      let i = 0, j = 0;
      while (i < a.length || j < b.length) {
        if (i < a.length && j < b.length && a[i] === b[j]) { middle.push([" ", a[i]]); i++; j++; }
        else if (i < a.length && (j === b.length || longest[(i + 1) * width + j] >= longest[i * width + j + 1])) middle.push(["-", a[i++]]);
        else middle.push(["+", b[j++]]);
      }
    }
    return [...same(one.slice(0, start)), ...middle, ...same(one.slice(endOne))];
  };

  // Findings, and what their rules say.
  const whereOf = (each) => h("span", {}, code(each.line ? `${each.path}:${each.line}` : each.path), each.application ? [" ", applications.has(each.application) ? link(each.application, "application", each.application) : each.application, each.environment ? ` in ${each.environment}` : ""] : "");
  const findingOf = (each) => h("div", { class: `card finding ${each.severity}` },
    h("p", {}, badge(each.severity, each.severity === "error" ? "bad" : "notice"), each.known ? badge("in the baseline", "") : "", link(each.rule, "rule", each.rule)),
    h("p", {}, each.message), h("p", { class: "soft" }, whereOf(each), each.resource ? [" ", code(each.resource)] : ""), each.hint ? h("p", {}, each.hint) : "",
    each.also && each.also.length ? h("details", {}, h("summary", {}, `and in ${counted(each.also.length, "other place")}`), h("ul", {}, each.also.slice(0, 500).map((one) => h("li", {}, whereOf(one))), each.also.length > 500 ? h("li", {}, `and ${(each.also.length - 500).toLocaleString("en")} more`) : "")) : "");
  const read = new Map();
  const readable = (each) => {
    if (!read.has(each)) read.set(each, [each.rule, each.message, each.path, each.hint, each.application, each.environment, each.resource, ...(each.also || []).map((one) => `${one.path} ${one.application || ""} ${one.environment || ""}`)].join(" ").toLowerCase());
    return read.get(each);
  };
  const showFindings = ({ filters }) => {
    const holder = h("div"), list = long(holder, findingOf, "finding");
    const counts = new Map();
    for (const each of findings) counts.set(each.rule, (counts.get(each.rule) || 0) + 1);
    const names = [...new Set(findings.flatMap((each) => [each.environment, ...(each.also || []).map((one) => one.environment)]).filter(Boolean))].sort();
    const fields = [search("Search messages, files and applications", filters.get("q")), choice("severity", "Severity", [["", "any"], ["error", "error"], ["warning", "warning"]], filters.get("severity")),
      choice("rule", "Rule", [["", "any"], ...[...counts].sort().map(([each, count]) => [each, `${each} (${count})`])], filters.get("rule")), choice("environment", "Environment", [["", "any"], ...names.map((each) => [each, each])], filters.get("environment")), check("baseline", "Also those in the baseline", filters.get("baseline"))];
    const show = ({ q, severity, rule, environment, baseline }) => {
      const wanted = words(q);
      const chosen = findings.filter((each) => (baseline || !each.known) && (!severity || each.severity === severity) && (!rule || each.rule === rule)
        && (!environment || [each, ...(each.also || [])].some((one) => one.environment === environment)) && has(readable(each), wanted));
      list.fill(chosen);
      say(`${chosen.length.toLocaleString("en")} of ${counted(findings.length, "finding")}`);
    };
    const form = filtered(fields, show);
    show(Object.fromEntries(fields.map(({ name, input }) => [name, input.type === "checkbox" ? (input.checked ? "1" : "") : input.value])));
    return [heading("Findings"), form, findings.length ? "" : h("p", {}, "Nothing was found."), list.above, holder, list.below];
  };
  const showRule = ({ name }) => {
    const rule = rules.get(name);
    if (!rule) return [heading("No such rule"), h("p", {}, link("All findings", "findings"))];
    return [heading(rule.id), h("p", {}, badge(rule.severity, rule.severity === "error" ? "bad" : "notice"), h("a", { href: address("findings", "", { rule: rule.id }) }, counted(findings.filter((each) => each.rule === rule.id).length, "finding"))),
      h("p", {}, rule.summary), h("p", {}, rule.explanation), h("h3", {}, "Wrong"), text(rule.bad || "", "A wrong example"), h("h3", {}, "Right"), text(rule.good || "", "A right example")];
  };
  const skippedOf = (several) => several.map((each) => h("details", {}, h("summary", {}, each.reason, " ", h("span", { class: "soft" }, `(${(each.paths || []).length})`)), h("ul", {}, (each.paths || []).slice(0, 1000).map((path) => h("li", {}, code(path))))));
  const showUnchecked = () => [heading("Not checked"), h("p", {}, "What could not be judged, and why: it is not known to be right."), data.skipped && data.skipped.length ? skippedOf(data.skipped) : h("p", {}, "Everything was checked.")];

  // From the roots to the resources.
  const showTree = ({ filters }) => {
    const field = search("Search the tree", filters.get("q")), holder = h("div", { class: "tree" });
    const below = (node) => node.children || [];
    const title = (node) => [code(`${node.kind} ${node.name}`), " ", h("span", { class: "soft" }, [node.where, node.wave ? `wave ${node.wave}` : "", node.repeated ? "see above" : ""].filter(Boolean).join(", ")), node.reason ? h("div", { class: "badge notice" }, `? ${node.reason}`) : ""];
    const draw = (node, depth) => {
      const more = node.application && applications.has(node.application) ? link(`all of ${node.application}`, "application", node.application) : "";
      if (!below(node).length) return h("div", { class: "leaf" }, title(node), " ", more);
      const element = h("details", {}, h("summary", {}, title(node)));
      const fill = () => { if (element.open && element.childElementCount === 1) element.append(more ? h("div", { class: "leaf" }, more) : "", ...below(node).map((each) => draw(each, depth + 1))); };
      element.addEventListener("toggle", fill);
      element.open = depth < 1 || node.open === true;
      fill();
      return element;
    };
    const pruned = (node, wanted, left) => {
      if (left.count <= 0) return null;
      if (has(`${node.kind} ${node.name} ${node.where || ""} ${node.path || ""}`.toLowerCase(), wanted)) { left.count--; return { ...node, open: false }; }
      const children = below(node).map((each) => pruned(each, wanted, left)).filter(Boolean);
      return children.length ? { ...node, children, open: true } : null;
    };
    return [heading("Tree"), filtered([field], () => field.show && field.show()), later(0, (tree) => {
      field.show = () => {
        const wanted = words(field.input.value), left = { count: 300 };
        const roots = wanted.length ? (tree.roots || []).map((each) => pruned(each, wanted, left)).filter(Boolean) : tree.roots || [];
        holder.replaceChildren(...roots.map((each) => draw(each, 0)), ...(wanted.length ? [h("p", { class: "soft" }, left.count <= 0 ? "The first 300 are shown." : `${counted(300 - left.count, "place")} found.`)] : []));
        say(wanted.length ? `${counted(300 - left.count, "place")} found` : counted(roots.length, "root"));
      };
      field.show();
      return [holder, tree.unreached && tree.unreached.length ? [h("h3", {}, "Unreached: nothing leads to it"), skippedOf(tree.unreached)] : ""].flat(2).filter(Boolean);
    })];
  };

  const pictureOf = (title) => {
    const held = [...document.querySelectorAll("template[data-picture]")].find((each) => each.dataset.picture === title);
    return held ? h("div", { class: "scrolls", tabindex: "0", role: "region", "aria-label": title }, held.content.cloneNode(true)) : "";
  };
  const showPromotion = () => {
    const counts = (state) => new Map(columns.map((each) => [each.name, rows.filter((row) => (row.cells || []).some((cell) => cell.environment === each.name && (cell.states || []).includes(state))).length]));
    const behind = counts("behind"), hand = counts("hand"), undecided = counts("undecided");
    const names = ["environment", "from", "behind", "set by hand", "undecided", "read at"];
    const cell = (state, count, name) => count ? h("a", { href: address("applications", "", { state, environment: name }) }, counted(count, "application")) : "none";
    return [heading("Promotion"), pictureOf("How releases are promoted") || h("p", { class: "soft" }, "No environments are known."),
      h("table", { role: "table", "aria-label": "What is still to be promoted" }, h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, names.map((each) => h("th", { scope: "col", role: "columnheader" }, each)))),
        h("tbody", { role: "rowgroup" }, columns.map((each) => h("tr", { role: "row" }, [h("th", { scope: "row", role: "rowheader" }, each.name || "no environment"), ...[each.source || "–", cell("behind", behind.get(each.name), each.name), cell("hand", hand.get(each.name), each.name), cell("undecided", undecided.get(each.name), each.name), each.commit ? [each.revision, " ", code(each.commit)] : each.revision || "–"].map((value, at) => h("td", { role: "cell", "data-label": names[at + 1] }, value))]))))];
  };

  // Clusters, projects, and who may do what.
  const showClusters = () => [heading("Clusters"), (data.clusters || []).map((each) => h("div", { class: "card" }, h("h3", {}, each.name), facts([["server", each.server ? code(each.server) : ""], ["labels", each.labels && each.labels.length ? listed(each.labels) : ""], ["declared in", each.path ? code(each.path) : "nothing here"], ["Applications", (each.applications || []).length.toLocaleString("en")]]), each.applications && each.applications.length ? h("details", {}, h("summary", {}, "Which"), listed(each.applications)) : "")), data.clusters && data.clusters.length ? "" : h("p", {}, "None are known."), pictureOf("Projects, Applications and clusters")];
  const showProjects = ({ filters }) => {
    const holder = h("div"), projects = data.projects || [];
    const projectOf = (each) => h("div", { class: "card" }, h("h3", {}, each.name), each.description ? h("p", {}, each.description) : "",
      facts([["declared in", each.path ? code(each.path) : ""], ["sources", each.path ? listed(each.sources) : ""], ["destinations", each.path ? listed(each.destinations) : ""], ["kinds in namespaces", each.path ? listed(each.kinds) : ""], ["kinds of the cluster", each.path ? listed(each.cluster_kinds) : ""], ["denied", each.denied && each.denied.length ? listed(each.denied) : ""], ["sync windows", each.windows && each.windows.length ? listed(each.windows) : ""], ["Applications", each.applications && each.applications.length ? listed(each.applications) : "none"]]),
      each.roles && each.roles.length ? h("table", { role: "table", "aria-label": `Roles of ${each.name}` }, h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ["role", "groups", "may"].map((one) => h("th", { scope: "col", role: "columnheader" }, one)))), h("tbody", { role: "rowgroup" }, each.roles.map((one) => h("tr", { role: "row" }, h("th", { scope: "row", role: "rowheader" }, one.name, one.description ? h("div", { class: "soft" }, one.description) : ""), h("td", { role: "cell", "data-label": "groups" }, listed(one.groups)), h("td", { role: "cell", "data-label": "may" }, (one.policies || []).map((line) => h("div", {}, code(line)))))))) : "");
    const list = long(holder, projectOf, "project");
    const field = search("Search projects, kinds, groups and destinations", filters.get("q"));
    const show = ({ q }) => {
      const wanted = words(q), chosen = projects.filter((each) => has(JSON.stringify(each).toLowerCase(), wanted));
      list.fill(chosen);
      say(`${chosen.length.toLocaleString("en")} of ${counted(projects.length, "project")}`);
    };
    const form = filtered([field], show);
    show({ q: field.input.value });
    return [heading("Projects and access"), form, list.above, holder, list.below, data.access && data.access.length ? [h("h3", {}, "Argo CD's own policy (argocd-rbac-cm)"), text(data.access.join("\n"), "Argo CD's own policy")] : ""];
  };

  const VIEWS = [["applications", "Applications", showApplications], ["promotion", "Promotion", showPromotion], ["findings", `Findings (${findings.filter((each) => !each.known).length.toLocaleString("en")})`, showFindings], ["tree", "Tree", showTree], ["clusters", "Clusters", showClusters], ["projects", "Projects", showProjects]];
  const OTHERS = { application: [showApplication, "applications"], rule: [showRule, "findings"], unchecked: [showUnchecked, ""] };
  const heading = (title) => { document.title = `${title} · ${data.title}`; return h("h2", { tabindex: "-1" }, title); };
  const forget = () => { lists.forEach((each) => each.end()); lists = []; };
  const tabs = VIEWS.map(([view, title]) => h("a", { href: address(view), "data-view": view }, title));
  document.getElementById("views").append(h("ul", {}, tabs.map((each) => h("li", {}, each))));
  let isFirst = true;
  const route = () => {
    const here = place();
    const [show, tab] = OTHERS[here.view] || [(VIEWS.find(([view]) => view === here.view) || VIEWS[0])[2], here.view];
    for (const each of tabs) each.dataset.view === tab ? each.setAttribute("aria-current", "page") : each.removeAttribute("aria-current");
    forget();
    main.replaceChildren(...show(here).flat(4).filter(Boolean));
    if (!isFirst) { main.querySelector("h2").focus({ preventScroll: true }); scrollTo(0, 0); }
    isFirst = false;
  };
  addEventListener("hashchange", () => { if (location.hash !== "#main") route(); });
  document.getElementById("skip").addEventListener("click", (event) => { event.preventDefault(); main.focus(); });
  addEventListener("keydown", (event) => {
    const isTyping = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    const field = main.querySelector("input[type=search]");
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey && field) { event.preventDefault(); field.focus(); }
    if (event.key === "Escape" && event.target === field && field.value) { field.value = ""; field.dispatchEvent(new Event("input")); }
  });

  // Light, dark, or as the system says.
  const THEMES = ["auto", "light", "dark"], theme = document.getElementById("theme");
  const kept = (value) => { try { return value === undefined ? localStorage.getItem("argosy-theme") : localStorage.setItem("argosy-theme", value); } catch { return null; } };
  const paint = (name) => {
    if (name === "auto") delete document.documentElement.dataset.theme; else document.documentElement.dataset.theme = name;
    theme.textContent = `Theme: ${name}`;
    theme.value = name;
  };
  paint(THEMES.includes(kept()) ? kept() : "auto");
  theme.addEventListener("click", () => { const next = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length]; paint(next); kept(next); });

  // Who serves the page says when there is a newer one.
  if (document.documentElement.hasAttribute("data-follow")) {
    let known;
    setInterval(async () => {
      try {
        const answer = await fetch("version", { cache: "no-store" });
        const version = answer.ok ? await answer.text() : known;
        if (known !== undefined && version !== known) location.reload();
        known = version;
      } catch { say("argosy serve has ended: this page is not followed any more."); }
    }, 1000);
  }
  route();
})();
