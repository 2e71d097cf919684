"""How quickly the page of a large repository opens and filters, in a real browser: `python -m benchmarks.page`.

The details are those of a small repository's application, a thousand times under other names, so that the page is as
large as a real one of 1,000 applications in 5 environments.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from argosy.web import as_html, gathering, writing
from argosy.web.model import Details, Everything, Finding, Node, Row
from tests import goldens
from tests.browser import chromium

APPLICATIONS, FINDINGS = 1000, 5000
ENVIRONMENTS = ("dev", "test", "qa", "staging", "prod")
_TYPED = """
const [field, text] = [document.querySelector("input[type=search]"), arguments[0]];
field.value = text;
const start = performance.now();
field.dispatchEvent(new Event("input"));
document.body.getBoundingClientRect();
return performance.now() - start;
"""
_OPENED = """
const [name, done] = arguments, start = performance.now();
location.hash = "#/application/" + name;
const wait = () => document.querySelector("main pre") ? done(performance.now() - start) : setTimeout(wait, 1);
setTimeout(wait, 1);
"""


def page() -> Everything:
    """Return the page of a large repository."""
    from argosy.repository.model import Format  # noqa: PLC0415
    from argosy.template import creation, rendering  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "gitops")
        chained = tuple((name, "") for name in ENVIRONMENTS)
        creation.create(root, rendering.render(goldens.repository(Format.HELM, environments=chained)), branch="main")
        small = gathering.gather(root, gathering.Wish())
    row = next(each for each in small.page.rows if each.name == "my-app")
    details = next(each for each in small.details if each.name == "my-app")
    names = [f"app-{number:04}" for number in range(APPLICATIONS)]
    findings = [
        Finding(
            "resources-missing", "warning", f"A container of {name} sets no limit.", f"environments/dev/{name}.yaml"
        )
        for name in names
        for _ in range(FINDINGS // APPLICATIONS)
    ]
    rows = [Row(name, row.cells) for name in names]
    large = replace(small.page, rows=rows, findings=findings)
    nodes = [
        Node("Application", name, "dev", children=[Node("Deployment", name)] * 4) for name in names for _ in range(5)
    ]
    root_node = Node("Application", "root", children=nodes)
    return Everything(large, [_renamed(details, name) for name in names], replace(small.tree, roots=[root_node]), {})


def _renamed(details: Details, name: str) -> Details:
    def renamed(each: Any) -> Any:
        resources = [replace(one, text=one.text.replace("my-app", name), name=name) for one in each.resources]
        return replace(each, name=each.name.replace("my-app", name), resources=resources)

    return replace(details, name=name, applied=[renamed(each) for each in details.applied])


def main() -> None:
    """Measure, and print a row for each figure."""
    everything = page()
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        files = as_html.written(everything)
        print(f"| writing it | {time.perf_counter() - start:.1f} s |")
        writing.write(Path(folder, "page.html"), files, is_file=True)
        apart = as_html.written(everything, apart=True)
        sizes = [len(each) / 1e6 for each in (files["index.html"], apart["index.html"])]
        print(f"| one file / the folder's index.html | {sizes[0]:.1f} MB / {sizes[1]:.1f} MB |")
        driver = chromium.started(Path(folder, "profile"))
        try:
            paints = []
            for _ in range(5):
                driver.get("about:blank")
                driver.get(Path(folder, "page.html").as_uri())
                time.sleep(1)
                paints.append(driver.execute_script("return performance.getEntriesByType('paint').at(-1).startTime"))
            print(f"| first contentful paint | {sorted(paints)[2]:.0f} ms |")
            for view in ("applications", "findings", "projects"):
                driver.execute_script("location.hash = arguments[0]", f"#/{view}")
                time.sleep(1)
                taken = [driver.execute_script(_TYPED, text) for text in ("a", "app", "app-09", "app-099", "none", "")]
                print(f"| filtering {view} | {max(taken):.0f} ms at most |")
            driver.execute_script("location.hash = '#/application/app-0500'")
            taken = driver.execute_async_script(_OPENED, "app-0900")
            print(f"| opening an application | {taken:.0f} ms |")
        finally:
            driver.quit()


if __name__ == "__main__":
    main()
