"""The page, as a person uses it: each view, each control, in both themes, on a phone, on paper and by a stranger."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from argosy.web import as_html, writing
from argosy.web.model import Cell, Details, Environment, Everything, Finding, Page, Remark, Row, Tree
from tests.browser.conftest import HOSTILE, SECRET, STRANGER, Browser, faults, written
from tests.changing import commit, create, edit, model
from tests.validating import write_files

VIEWS = (
    *("#/applications", "#/promotion", "#/findings", "#/tree", "#/clusters", "#/projects", "#/unchecked"),
    *("#/application/web", "#/rule/secret-in-git", "#/application/nobody"),
)
ROWS = "tbody tr th a:first-child"


def test_the_matrix_and_its_filters(browser: Browser, page: str) -> None:
    browser.open(page)
    assert browser.texts(ROWS) == ["cart", "web"]
    headers = browser.texts("thead th")
    assert headers == ["application", "dev", "staging ← dev", "prod ← staging"]
    assert browser.texts("tbody tr:first-child .version") == ["1.29.4-alpine", "1.29.4-fix", "1.29.3-alpine"]
    assert any("set by hand" in each for each in browser.texts("tbody tr:first-child .badge.bad"))
    assert any("behind dev" in each for each in browser.texts("tbody tr:last-child .badge.notice"))
    # What has an Application and is in no environment.
    assert "In no environment: root" in browser.text()
    field = browser.type("Search names", "1.30.0")
    browser.until(lambda: browser.texts(ROWS) == ["web"])
    assert browser.hash == "#/applications?q=1.30.0"
    assert browser.text("#said") == "1 of 3 applications"
    field.send_keys(Keys.ESCAPE)
    browser.until(lambda: browser.texts(ROWS) == ["cart", "web"])
    browser.choose("State", "set by hand")
    assert browser.texts(ROWS) == ["cart"]
    browser.choose("Environment", "prod")
    assert browser.texts(ROWS) == []
    # An address says it all: whoever gets it sees the same.
    address = browser.driver.current_url
    browser.open(address)
    assert browser.texts(ROWS) == []
    browser.choose("Environment", "any")
    assert browser.texts(ROWS) == ["cart"]
    browser.choose("State", "with findings")
    assert browser.texts(ROWS) == ["web"]


def test_health_has_filters_of_its_own(browser: Browser, tmp_path: Path) -> None:
    well, ill = (
        Cell("dev", "1.0", [Remark("Healthy", "good")]),
        Cell("dev", "1.0", [Remark("Degraded", "bad")], ["unhealthy"]),
    )
    rows = [Row("shop", [well]), Row("cart", [ill])]
    address = _written(
        tmp_path / "p.html", Page("t", "0", has_health=True, environments=[Environment("dev")], rows=rows)
    )
    browser.open(address)
    browser.choose("State", "unhealthy")
    assert browser.texts(ROWS) == ["cart"]
    browser.choose("State", "out of sync")
    assert browser.texts(ROWS) == []


def test_tiles_lead_to_what_they_count(browser: Browser, page: str) -> None:
    browser.open(page)
    browser.labelled("errors").click()
    assert browser.text("h2") == "Findings"
    assert {*browser.texts(".finding .badge:first-child")} == {"error"}
    browser.go("#/applications")
    browser.labelled("not checked").click()
    assert "was not fetched (offline)" in browser.text("summary")
    browser.all("summary")[0].click()
    assert "argocd/install" in browser.texts("main details li")


def test_an_application_its_manifests_differences_and_history(browser: Browser, page: str) -> None:
    browser.open(page)
    browser.labelled("web").click()
    browser.until(lambda: not browser.all("[aria-busy]"))
    assert browser.text("h2") == "web"
    assert browser.driver.title == "web · gitops"
    # Which settings differ, and of which that is expected.
    tables = {each.get_attribute("aria-label"): each.text for each in browser.all("table")}
    assert "1.30.0" in tables["Settings that differ unexpectedly"]
    assert "replicas" in tables["Settings that are expected to differ"]
    assert "replicas" not in tables["Settings that differ unexpectedly"]
    # The rendered manifests, line by line; what names the environment is no difference.
    assert browser.texts("main .add") == ["+   replicas: 2", "+         image: nginx:1.29.3-alpine"]
    assert not any("staging" in each for each in browser.texts("main .add"))
    browser.labelled("Take what names").click()
    browser.until(lambda: any("staging" in each for each in browser.texts("main .add")))
    browser.choose("From", "staging")
    browser.choose("To", "prod")
    assert "Settings that differ unexpectedly" in browser.text()
    browser.choose("From", "prod")
    browser.choose("To", "dev")
    assert "Nothing is promoted between these two" in browser.text()
    # Manifests, of which no Secret says its data.
    browser.choose("Application", "dev")
    browser.labelled("Open all").click()
    shown = "\n".join(browser.texts("main pre"))
    assert "password: '***'" in shown or 'password: "***"' in shown or "password: ***" in shown
    assert SECRET not in str(browser.script("return document.documentElement.outerHTML"))
    assert browser.labelled("Open all").get_attribute("aria-pressed") == "true"
    browser.choose("Application", "staging")
    assert "login" not in browser.text("main")[browser.text("main").index("Manifests") :]
    assert "Nothing was promoted yet." in browser.text()
    browser.go("#/application/cart")
    history = browser.texts("[aria-label='Promotions and rollbacks'] tbody td")
    assert history[1:5] == ["promotion", "dev", "staging", "1.29.4-alpine"]
    assert "Ada" in history[5]


def test_findings_their_filters_and_their_rules(browser: Browser, page: str) -> None:
    browser.open(page).go("#/findings")
    total = len(browser.all(".finding"))
    assert total >= 2
    browser.choose("Rule", "secret-in-git")
    assert {*browser.texts(".finding a[href*=rule]")} == {"secret-in-git"}
    browser.type("Search messages", "nothing of the kind")
    assert browser.texts(".finding") == []
    assert browser.text("#said").startswith("0 of ")
    browser.type("Search messages", "secret.yaml").send_keys(" prod")
    assert all("prod" in each for each in browser.texts(".finding"))
    browser.labelled("Search messages").clear()
    browser.choose("Rule", "any")
    browser.choose("Environment", "prod")
    browser.choose("Severity", "warning")
    assert not any(each.startswith("error") for each in browser.texts(".finding"))
    browser.choose("Severity", "error")
    browser.all(".finding a[href*=rule]")[0].click()
    assert browser.text("h2") in {"secret-in-git", "project-kind-forbidden"} or browser.text("h3") == "Wrong"
    assert len(browser.texts("main pre")) == 2


def test_the_baseline_is_shown_when_asked_for(browser: Browser, fleet: Path, tmp_path: Path) -> None:
    rows = [Row("shop", [Cell("dev", "1.0")], 0)]
    known = [Finding("a-rule", "error", "Known", "a.yaml", known=True), Finding("b-rule", "warning", "New", "b.yaml")]
    _written(tmp_path / "p.html", Page("t", "0", rows=rows, findings=known))
    browser.open((tmp_path / "p.html").as_uri()).go("#/findings")
    assert len(browser.texts(".finding")) == 1
    browser.labelled("Also those in the baseline").click()
    assert "in the baseline" in browser.texts(".finding .badge")
    assert "baseline=1" in browser.hash


def test_the_tree(browser: Browser, page: str) -> None:
    browser.open(page).go("#/tree")
    summaries = browser.texts("main summary")
    assert any("Application root" in each for each in summaries)
    # A part is drawn when it is opened.
    assert not any("Deployment web" in each for each in browser.texts("main .leaf"))
    next(each for each in browser.all("main summary") if "Application web-dev" in each.text).click()
    browser.until(lambda: any("Deployment web" in each for each in browser.texts("main .leaf")))
    browser.type("Search the tree", "service cart")
    browser.until(lambda: "3 places found." in browser.text())
    assert sum("Service cart" in each for each in browser.texts("main .leaf")) == 3
    browser.labelled("all of cart").click()
    assert browser.hash == "#/application/cart"


def test_clusters_projects_and_who_may_do_what(browser: Browser, page: str) -> None:
    browser.open(page).go("#/clusters")
    assert "in-cluster" in browser.texts("main .card h3")
    browser.labelled("Which").click()
    assert "web-prod" in browser.text("main .card details")
    # Four projects, seven Applications, one cluster.
    assert len(browser.all("main svg g")) == 12
    browser.go("#/projects")
    assert {*browser.texts("main .card h3")} >= {"dev", "prod", "staging"}
    browser.type("Search projects", "proj:prod:deployer")
    assert browser.texts("main .card h3") == ["prod"]
    assert "p, proj:prod:deployer, applications, sync, prod/*, allow" in browser.text("main .card")
    assert "argocd-rbac-cm" in browser.text()


def test_promotion_as_a_picture_that_leads_on(browser: Browser, page: str) -> None:
    browser.open(page).go("#/promotion")
    assert {*browser.texts("main svg text.title")} == {"dev", "staging", "prod"}
    assert browser.all("main svg[role=img][aria-label]")
    browser.labelled("1 application").click()
    assert browser.text("h2") == "Applications"
    assert len(browser.texts(ROWS)) == 1


def test_the_keyboard_reaches_everything(browser: Browser, page: str) -> None:
    browser.open(page)
    body = browser.all("body")[0]
    body.send_keys(Keys.TAB)
    focused = browser.driver.switch_to.active_element
    assert focused.text == "Skip to the content"
    focused.send_keys(Keys.ENTER)
    assert browser.script("return document.activeElement.id") == "main"
    browser.driver.switch_to.active_element.send_keys("/")
    assert browser.driver.switch_to.active_element.get_attribute("type") == "search"
    assert browser.driver.switch_to.active_element.get_attribute("value") == ""
    for view in VIEWS:
        browser.go(view)
        seen = set()
        browser.script("document.activeElement.blur(); window.scrollTo(0, 0)")
        count = browser.script(
            "return [...document.querySelectorAll('a[href], button, input, select, summary, [tabindex=\"0\"]')]"
            ".filter(e => e.checkVisibility()).length"
        )
        assert isinstance(count, int)
        for _ in range(count + 1):
            browser.driver.switch_to.active_element.send_keys(Keys.TAB)
            seen.add(
                browser.script(
                    "return document.activeElement.outerHTML.slice(0, 300) + document.activeElement.offsetTop"
                )
            )
        assert len(seen) > 6
        outline = browser.script("return getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none" or browser.script("return document.activeElement === document.body")
    # A view that is new says so to who hears it.
    browser.go("#/clusters")
    assert browser.script("return document.activeElement.tagName") == "H2"


def test_themes_are_kept(browser: Browser, page: str) -> None:
    browser.open(page)
    browser.script("localStorage.clear()")
    browser.open(page)
    papers = {}
    for name in ("auto", "light", "dark"):
        assert browser.text("#theme") == f"Theme: {name}"
        papers[name] = browser.script("return getComputedStyle(document.body).backgroundColor")
        if name != "dark":
            browser.all("#theme")[0].click()
    assert papers["light"] == "rgb(255, 255, 255)"
    assert papers["dark"] == "rgb(13, 17, 23)"
    browser.open(page)
    assert browser.text("#theme") == "Theme: dark"
    browser.all("#theme")[0].click()
    assert browser.text("#theme") == "Theme: auto"
    browser.driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    )
    assert browser.script("return getComputedStyle(document.body).backgroundColor") == papers["dark"]
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 800, 1400])
def test_nothing_keeps_anybody_out(browser: Browser, page: str, theme: str, width: int) -> None:
    browser.open(page, width=width)
    while browser.text("#theme") != f"Theme: {theme}":
        browser.all("#theme")[0].click()
    # A window is never as narrow as a phone.
    browser.driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    )
    folder = os.environ.get("SCREENSHOTS")
    try:
        for view in VIEWS:
            browser.go(view)
            assert faults(browser) == [], view
            wide = browser.script("return document.documentElement.scrollWidth > document.documentElement.clientWidth")
            assert not wide, f"{view} is wider than {width}"
            if folder:
                name = view.removeprefix("#/").replace("/", "-")
                browser.driver.save_screenshot(str(Path(folder, f"{name}-{theme}-{width}.png")))
    finally:
        browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert browser.complaints == []


def test_a_stranger_runs_nothing_and_no_secret_is_there(browser: Browser, tmp_path: Path) -> None:
    write_files(tmp_path / "gitops", STRANGER)
    address = written(tmp_path / "gitops", tmp_path / "page.html")
    source = (tmp_path / "page.html").read_text()
    assert SECRET not in source
    browser.open(address)
    for view in (*VIEWS[:7], f"#/application/{HOSTILE}", "#/rule/<b>", f"#/findings?q={HOSTILE}"):
        browser.go(view)
        opened = "document.querySelectorAll('details').forEach(each => { each.open = true })"
        browser.script(f"for (let n = 0; n < 9; n++) {opened}")
        assert browser.script("return typeof hacked") == "undefined"
        assert browser.all("main img, main script") == []
    browser.script("location.hash = '#/application/' + encodeURIComponent(arguments[0])", HOSTILE)
    browser.until(lambda: browser.text("h2") == HOSTILE)
    browser.until(lambda: not browser.all("[aria-busy]"))
    browser.labelled("Open all").click()
    shown = browser.text()
    assert HOSTILE in shown
    assert SECRET not in shown
    assert SECRET.replace("-", "") not in shown
    assert "QUJDQUJD" not in shown
    assert shown.count("***") >= 6
    assert "https://git.example.com/acme/gitops.git" in shown
    assert browser.complaints == []
    # Nothing was asked for, and the policy lets nothing be.
    assert browser.script("return performance.getEntriesByType('resource').length") == 0
    assert (
        browser.script(
            "return new Promise(done => { const s = document.createElement('script');"
            "try { s.textContent = 'hacked=2'; document.body.append(s) } catch {} done(typeof hacked) })"
        )
        == "undefined"
    )
    assert (
        browser.driver.execute_async_script(
            "fetch('https://example.com/').then(() => arguments[0]('sent'), () => arguments[0]('refused'))"
        )
        == "refused"
    )
    with pytest.raises(Exception, match="TrustedHTML"):
        browser.script("document.body.innerHTML = '<b>x</b>'")


def _written(place: Path, page: Page) -> str:
    everything = Everything(page, [Details(each.name) for each in page.rows], Tree(), {})
    files = as_html.written(everything)
    writing.write(place, files, is_file=True)
    return place.as_uri()


def test_long_lists_come_as_one_scrolls_or_asks_or_prints(browser: Browser, tmp_path: Path) -> None:
    rows = [Row(f"app-{number:04}", [Cell("dev", "1.0")]) for number in range(700)]
    environments = [Environment("dev")]
    browser.open(_written(tmp_path / "p.html", Page("t", "0", environments=environments, rows=rows)))
    begun = len(browser.all("tbody tr"))
    assert begun < 400
    browser.script("scrollTo(0, document.body.scrollHeight)")
    browser.until(lambda: len(browser.all("tbody tr")) > begun)
    browser.script("scrollTo(0, 0)")
    browser.labelled("Show all 700 applications").click()
    assert len(browser.all("tbody tr")) == 700
    browser.type("Search names", "app-06")
    browser.until(lambda: {each[:6] for each in browser.texts(ROWS)} == {"app-06"})
    assert browser.text("#said") == "100 of 700 applications"
    browser.labelled("Search names").send_keys(Keys.ESCAPE)
    browser.until(lambda: len(browser.all("tbody tr")) < 400)
    browser.script("dispatchEvent(new Event('beforeprint'))")
    assert len(browser.all("tbody tr")) == 700
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert browser.texts("nav, .filters, button") == []
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_a_folder_s_parts_are_fetched_when_they_are_looked_at(
    browser: Browser, fleet: Path, web: tuple[Path, str]
) -> None:
    folder, url = web
    file = written(fleet, folder / "page")
    assert {each.name for each in (folder / "page/data").iterdir()} == {"0.bin", "1.bin"}
    browser.open(f"{url}/page/index.html#/applications")
    assert browser.script("return performance.getEntriesByType('resource').map(e => e.name)") == []
    browser.go("#/application/web")
    assert "Deployment web" in browser.text()
    browser.go("#/tree")
    assert "Application root" in browser.text()
    # A browser reads no other file of a disk: then it says what to do.
    browser.open(file).go("#/application/web")
    assert "argosy serve" in browser.text("[role=alert]")


def test_what_is_served_follows_changes(browser: Browser, tmp_path: Path) -> None:
    root = create(tmp_path / "gitops", model(("web",), ("dev", "prod")))
    process = subprocess.Popen(
        [sys.executable, "-m", "argosy", "serve", "--port", "0", "--quiet"],
        cwd=root,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:")
        browser.open(address + "#/applications")
        assert browser.texts(".version") == ["1.29.3-alpine"] * 2
        edit(root, "environments/dev/web/deployment.yaml", "1.29.3-alpine", "1.31.0")
        commit(root)
        browser.until(lambda: browser.texts(".version") == ["1.31.0", "1.29.3-alpine"])
        assert "behind dev" in browser.text("table")
        # What is not committed yet shows in the manifests.
        edit(root, "environments/dev/web/deployment.yaml", "1.31.0", "1.32.0")
        browser.go("#/application/web")
        browser.until(lambda: "nginx:1.32.0" in str(browser.script("return document.body.textContent")))
        assert browser.complaints == []
    finally:
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
    assert (process.returncode, rest) == (0, "")
    ended = "return document.getElementById('said').textContent"
    browser.until(lambda: "has ended" in str(browser.script(ended)))
