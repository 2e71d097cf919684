"""A real browser, and repositories whose pages it shows: one with something of everything, and a stranger's."""

from __future__ import annotations

import functools
import http.server
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from argosy.web import as_html, gathering, writing
from tests.browser import chromium
from tests.changing import commit, create, edit, model
from tests.loopback import listening
from tests.validating import write_files

LONGEST = 120
"""After how many seconds something does not come any more."""
HOSTILE = "</script><script>hacked=1</script><img src=x onerror=hacked=1>"
SECRET = "hunter2-in-the-clear"


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """Yield a browser with a profile of its own; fail where there is none."""
    if missing := chromium.missing():
        pytest.fail(missing, pytrace=False)
    made = chromium.started(tmp_path_factory.mktemp("profile"))
    try:
        yield made
    finally:
        made.quit()


class Browser:
    """What a person does with a page."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, url: str, *, width: int = 1200) -> Browser:
        """Show a page anew."""
        self.driver.get("about:blank")
        self.complaints.clear()  # Those of what was shown before.
        self.driver.set_window_size(width, 900)
        self.driver.get(url)
        self.until(lambda: self.text("h2"))
        return self

    def go(self, place: str) -> Browser:
        """Go to another view."""
        self.script("location.hash = arguments[0]", place)
        self.until(lambda: not self.all("[aria-busy]"))
        return self

    def all(self, selector: str) -> list[WebElement]:
        """Return the elements that a selector means."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector: str = "main") -> str:
        """Return the text that is shown of the first element."""
        return next((each.text for each in self.all(selector)), "")

    def texts(self, selector: str) -> list[str]:
        """Return the texts that are shown."""
        found = self.script(
            "return [...document.querySelectorAll(arguments[0])].filter(e => e.checkVisibility())"
            ".map(e => (e.innerText ?? e.textContent).trim())",
            selector,
        )
        assert isinstance(found, list)
        return found

    def script(self, code: str, *arguments: object) -> object:
        """Run what a test asks of the page."""
        return self.driver.execute_script(code, *arguments)

    def labelled(self, label: str) -> WebElement:
        """Return the control with a label, or the button or link with a name, as a person looks for it."""
        for each in self.all("main label, main button, main a, main summary"):
            if each.text.split("\n")[0].strip().startswith(label) and each.is_displayed():
                inside = each.find_elements(By.CSS_SELECTOR, "input, select")
                return inside[0] if inside else each
        raise AssertionError(f"Nothing is called {label!r}: {self.text()}")

    def choose(self, label: str, option: str) -> None:
        """Choose an option by its text."""
        select = self.labelled(label)
        for each in select.find_elements(By.TAG_NAME, "option"):
            if each.text.startswith(option):
                each.click()
                return
        raise AssertionError(f"{label} has no {option}: {select.text}")

    def type(self, label: str, text: str) -> WebElement:
        """Put a text into a field."""
        field = self.labelled(label)
        field.clear()
        field.send_keys(text)
        return field

    def until(self, holds: Callable[[], object]) -> None:
        """Wait for something to hold."""
        WebDriverWait(self.driver, LONGEST, 0.05).until(lambda _: holds())

    @property
    def hash(self) -> str:
        """Where the page is."""
        return str(self.script("return location.hash"))

    @property
    def complaints(self) -> list[str]:
        """What the browser complained of, such as what the page's policy forbids."""
        return [each["message"] for each in self.driver.get_log("browser")]  # type: ignore[no-untyped-call]


@pytest.fixture
def browser(driver: webdriver.Chrome) -> Browser:
    """Return the browser, as a person has it in hand."""
    return Browser(driver)


AXE = importlib.util.find_spec("axe_playwright_python")


@functools.cache
def axe() -> str:
    """Return axe-core, which a package for another driver carries; nothing else of that is used."""
    assert AXE
    assert AXE.submodule_search_locations
    return (Path(AXE.submodule_search_locations[0]) / "axe.min.js").read_text(encoding="utf-8")


def faults(browser: Browser) -> list[str]:
    """Return what axe finds wrong by WCAG 2.2 AA, with the elements."""
    browser.script(axe())
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = browser.driver.execute_async_script(
        "const [tags, done] = arguments; axe.run(document, {runOnly: tags, resultTypes: ['violations']}).then(r =>"
        "done(r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html).join(' | ').slice(0, 600))))",
        tags,
    )
    return list(found)


def _fleet(folder: Path) -> Path:
    """Make a repository with something of everything, and return its root."""
    root = create(folder, model(("cart", "web"), ("dev", "staging", "prod")))
    edit(root, "environments/dev/cart/deployment.yaml", "1.29.3-alpine", "1.29.4-alpine")
    commit(root, message="Run cart 1.29.4")
    promotion = ("promote", "cart", "--from", "dev", "--to", "staging", "--commit", "--yes", "--no-validate")
    subprocess.run([sys.executable, "-m", "argosy", *promotion], cwd=root, check=True, capture_output=True)
    for environment in ("dev", "prod"):
        secret = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: login}}\nstringData: {{password: {SECRET}}}\n"
        write_files(root, {f"environments/{environment}/web/secret.yaml": secret})
    commit(root, message="Log in")
    edit(root, "environments/dev/web/deployment.yaml", "1.29.3-alpine", "1.30.0")
    commit(root, message="Run web 1.30.0")
    edit(root, "environments/dev/web/deployment.yaml", "replicas: 1", "replicas: 4")
    commit(root, message="More of it")
    edit(root, "environments/staging/cart/deployment.yaml", "1.29.4-alpine", "1.29.4-fix")
    commit(root, message="Mend cart by hand")
    return root


STRANGER = {
    "argocd/app.yaml": f"""\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: {json.dumps(HOSTILE)}
  namespace: argocd
  labels: {{app.kubernetes.io/name: {json.dumps(HOSTILE)}, environment: {json.dumps(HOSTILE)}}}
spec:
  project: {json.dumps(HOSTILE)}
  source:
    repoURL: https://ada:{SECRET}@git.example.com/acme/gitops.git
    targetRevision: {json.dumps(HOSTILE)}
    path: apps
  destination: {{name: {json.dumps(HOSTILE)}, namespace: {json.dumps(HOSTILE)}}}
""",
    "argocd/project.yaml": f"""\
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {{name: {json.dumps(HOSTILE)}, namespace: argocd}}
spec:
  description: {json.dumps(HOSTILE)}
  sourceRepos: [{json.dumps(HOSTILE)}]
  destinations: [{{server: {json.dumps(HOSTILE)}, namespace: {json.dumps(HOSTILE)}}}]
  roles: [{{name: {json.dumps(HOSTILE)}, groups: [{json.dumps(HOSTILE)}], policies: [{json.dumps(HOSTILE)}]}}]
""",
    "apps/all.yaml": f"""\
apiVersion: v1
kind: ConfigMap
metadata: {{name: {json.dumps(HOSTILE)}}}
data:
  {json.dumps(HOSTILE)}: {json.dumps(HOSTILE)}
  config.yaml: |
    password: {SECRET}
  config.json: '{{"dbPassword": "{SECRET}", "user": "ada"}}'
---
apiVersion: v1
kind: Secret
metadata: {{name: login}}
stringData: {{note: {SECRET}}}
---
apiVersion: isindir.github.com/v1alpha3
kind: SopsSecret
metadata: {{name: sealed}}
spec: {{secretTemplates: [{{name: a, stringData: {{note: {SECRET}}}}}]}}
---
apiVersion: v1
kind: Pod
metadata: {{name: shop}}
spec:
  containers:
    - name: {json.dumps(HOSTILE)}
      image: {json.dumps(HOSTILE)}
      env: [{{name: DB_PASSWORD, value: {SECRET}}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: key}}
data:
  key: |
    -----BEGIN RSA PRIVATE KEY-----
    MIIEpAIBAAKCAQEA{SECRET.replace("-", "")}0123456789abcdefghijklmnopqrstuvwxyz
    {"QUJD" * 16}
    -----END RSA PRIVATE KEY-----
""",
    "charts/</script><script>hacked=1</script>.yaml": "kind: [",
}


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with something of everything."""
    return _fleet(tmp_path_factory.mktemp("fleet") / "gitops")


@pytest.fixture(scope="session")
def page(fleet: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the address of its page in one file."""
    return written(fleet, tmp_path_factory.mktemp("page") / "page.html")


def written(root: Path, place: Path) -> str:
    """Write a repository's page, and return its address."""
    is_file = place.suffix == ".html"
    writing.write(place, as_html.written(gathering.gather(root, gathering.Wish()), apart=not is_file), is_file=is_file)
    return (place if is_file else place / "index.html").as_uri()


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """Yield a folder, and the address under which a plain server has it."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(tmp_path))  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with listening(Handler) as url:
        yield tmp_path, url
