"""Fetch a chart from its repository or registry, which is all that argosy ever does over the network with Helm."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from argosy import engines, programs, supervisor, temporary
from argosy.documents.plain import load
from argosy.errors import ArgosyError, ToolError
from argosy.helm import workers
from argosy.repository.model import Component

_HERE = ("localhost:", "127.0.0.1:")
"""Registries on this machine, which speak HTTP without TLS, as Docker assumes too."""
_LIMITS = supervisor.Limits(300, 1024, "Fetching")
_PASSED = re.compile(
    r"(?i:HTTPS?_PROXY|NO_PROXY)|SSL_CERT_(?:FILE|DIR)|HELM_(?:(?:CONFIG|CACHE)_HOME|REGISTRY_CONFIG)|DOCKER_CONFIG"
    r"|(?:AWS|AZURE|GOOGLE|CLOUDSDK|PASSWORD_STORE)_\w+|GNUPGHOME|GPG_TTY|DBUS_SESSION_BUS_ADDRESS"
)
"""The variables that say how the network is reached, and what the programs that keep Docker's logins read."""
_LOOPBACK = re.compile(r"http://(?:localhost|127\.0\.0\.1|\[::1\])[:/]", re.IGNORECASE)
_NOWHERE = "http://127.0.0.1:0"
"""A proxy that nobody can be."""


@dataclass(frozen=True, slots=True)
class Known:
    """A chart repository that the user has told Helm of, by `helm repo add`."""

    name: str
    url: str
    user: str = ""
    password: str = field(default="", repr=False)


def fetch(component: Component) -> Mapping[str, bytes]:
    """Return the files of a component's chart by their path in it; raise ArgosyError where it cannot be fetched."""
    hint = "Nothing was changed. Check version and network, or leave --vendor out: then Argo CD fetches it."
    return files(component.repo_url, component.chart, component.version, hint)


def files(repository: str, chart: str, version: str, hint: str, login: Known | None = None) -> Mapping[str, bytes]:
    """Return the files of a chart by their path in it; raise ArgosyError, with the hint, where it cannot be fetched.

    Helm tells a login to whatever host the repository's index leads to.
    """
    with temporary.folder("chart") as folder:
        try:
            _pull(repository, chart, version, folder, login)
        except ArgosyError as error:
            why = _IN_THE_CLEAR.sub(r"it leads to \1, which is not https", _NOISE.sub("", error.message)).rstrip(".")
            raise ArgosyError(
                f"The chart {chart} {version} of {repository} could not be fetched: {why}.", hint
            ) from error
        found = sorted(folder.glob("charts/*/Chart.yaml"))
        if len(found) != 1:
            raise ArgosyError(f"The chart {chart} {version} of {repository} holds no chart.", hint)
        place = found[0].parent
        return {
            path.relative_to(place).as_posix(): path.read_bytes()
            for path in sorted(place.rglob("*"))
            if path.is_file() and not path.is_symlink()
        }


def known() -> Iterator[Known]:
    """Yield the chart repositories that the user's Helm knows."""
    named = os.environ.get("HELM_REPOSITORY_CONFIG")
    listed = load(Path(named) if named else home() / "repositories.yaml").get("repositories")
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict) and each.get("url"):
            name, url, user, password = (str(each.get(key) or "") for key in ("name", "url", "username", "password"))
            yield Known(name, url.rstrip("/"), user, password)


def home() -> Path:
    """Return the folder of Helm's own configuration, which is the user's."""
    if named := os.environ.get("HELM_CONFIG_HOME"):
        return Path(named)
    if base := os.environ.get("XDG_CONFIG_HOME"):
        return Path(base, "helm")
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA", ""), "helm")
    own = Path(os.path.expanduser("~"))  # noqa: PTH111 - it may be nobody's
    return own / ("Library/Preferences/helm" if sys.platform == "darwin" else ".config/helm")


_NOISE = re.compile(r'^Error: |looks like ".*?" is not a valid chart repository or cannot be reached: ')
_IN_THE_CLEAR = re.compile(r'\w+ "(http://[^"]{0,100})[^"]*": proxyconnect .*')


def _pull(repository: str, chart: str, version: str, folder: Path, login: Known | None) -> None:
    is_url = "://" in repository
    reference = chart if is_url else f"oci://{repository}/{chart}"
    plugins, charts = folder / "plugins", folder / "charts"
    for each in (plugins, charts):
        each.mkdir()
    environment = _environment(repository, plugins)
    if workers.package() is None:
        _pull_by_binary(reference, repository if is_url else "", version, charts, environment)
        return
    answer = workers.ask_alone(
        "pull",
        environment,
        _LIMITS,
        chart=reference,
        repo_url=repository if is_url else None,
        version=version,
        untar_dir=str(charts),
        plain_http=repository.startswith(_HERE),
        username=login.user if login else None,
        password=login.password if login else None,
    )
    if why := answer.get("error") or answer.get("odd"):
        raise ArgosyError(why)


def _environment(repository: str, plugins: Path) -> Mapping[str, str]:
    """Return what Helm is to know of this machine: its network and logins, no plugin, and no token besides.

    A repository's index and redirections lead where a stranger wants. A plugin of the user's would fetch from there,
    and Helm itself would in the clear: that goes by a proxy, which there is none of, but on this machine.
    """
    passed = {name: value for name, value in os.environ.items() if _PASSED.fullmatch(name)}
    if not repository.startswith("http://") or _LOOPBACK.match(repository):
        passed |= {"HTTP_PROXY": _NOWHERE, "http_proxy": _NOWHERE}
        if not any(name.upper() == "HTTPS_PROXY" and value for name, value in passed.items()):
            passed |= {"NO_PROXY": "", "no_proxy": ""}
    return {**passed, "HELM_PLUGINS": str(plugins)}


def _pull_by_binary(reference: str, url: str, version: str, folder: Path, environment: Mapping[str, str]) -> None:
    helm = programs.find(engines.HELM)
    if not helm:
        raise ToolError("Helm is missing.", "Install Helm 3.14 or newer: https://helm.sh/docs/intro/install/")
    asked = [str(helm), "pull", "--version", version, "--untar", "--untardir", str(folder)]
    asked += ["--repo", url] if url else []
    asked += ["--plain-http"] if reference.removeprefix("oci://").startswith(_HERE) else []
    code, _, err = supervisor.run([*asked, "--", reference], environment, _LIMITS)
    if code:
        raise ArgosyError(err.strip() or f"helm ended with {code}")
