"""The kubectl that is played does what the real one does: the same requests, the same texts, the same exit code."""

from __future__ import annotations

import copy
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from argosy.kubernetes import kubectl, manifests
from argosy.kubernetes.cluster import _SECRETS
from tests.bootstrap.apiserver import ApiServer, Object, serving
from tests.doctor.cluster import Api, argocd, made
from tests.doctor.cluster import serving as serving_argocd
from tests.kubernetes import played
from tests.status.cluster import kubeconfig

EVERYWHERE, HERE, JSON = "--all-namespaces", ("--namespace", "argocd"), "--output=json"
STDIN, SPLIT = ("--filename", "-"), ("--output", "json")
APPLY = ("apply", "--server-side", "--force-conflicts", *SPLIT, *STDIN)
REVIEW = ("create", "--filename=-", "--validate=false", JSON)


def reviews(*verbs: str) -> list[Object]:
    """Return questions of what somebody may do."""
    head = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
    return [{**head, "spec": {"resourceAttributes": {"verb": each, "resource": "pods"}}} for each in verbs]


def configs(*names: str, namespace: str = "argocd") -> list[Object]:
    """Return ConfigMaps."""
    return [made("v1", "ConfigMap", each, namespace, data={"b": "<é>", "a": "1"}) for each in names]


KEYS = f"--output=go-template={played._KEYS}"
QUESTIONS: Sequence[tuple[tuple[str, ...], list[Object]]] = (
    (("config", "view", "--minify", f"--output=jsonpath={played._CURRENT}"), []),
    (("--context", "test", "version", JSON), []),
    (("get", "configmaps", EVERYWHERE, JSON), []),
    (("get", "configmap", *HERE, JSON), []),
    (("get", "pods", "--namespace", "elsewhere", JSON), []),
    (("get", "configmap", "argocd-cm", *HERE, "--ignore-not-found", JSON), []),
    (("get", "configmap", "absent", *HERE, "--ignore-not-found", JSON), []),
    (("get", "events", EVERYWHERE, "--field-selector=type=Warning", JSON), []),
    (("get", "events", *HERE, "--field-selector=type=Warning", JSON), []),
    (("get", "secret", "argocd-secret", *HERE, KEYS), []),
    (("get", "secret", "absent", *HERE, KEYS), []),
    (("get", "secrets", *HERE, "--selector", "argocd.argoproj.io/secret-type", "--output", f"jsonpath={_SECRETS}"), []),
    (("get", "frobs.argoproj.io", EVERYWHERE, JSON), []),
    (("api-resources", "--no-headers"), []),
    (("get", "secrets,configmaps", EVERYWHERE, "--selector", "a=b", "--ignore-not-found", *SPLIT), []),
    (("get", "secrets,configmaps", *HERE, "--ignore-not-found", *SPLIT), []),
    (("get", "configmaps", "argocd-cm", "absent", *HERE, "--ignore-not-found", *SPLIT), []),
    (("get", "clusterroles", "a", "b", "--ignore-not-found", *SPLIT), []),
    (("get", "--ignore-not-found", *SPLIT, *STDIN), configs("argocd-cm", "absent")),
    (("get", "--ignore-not-found", *SPLIT, *STDIN), configs("absent")),
    (("get", "--ignore-not-found", *SPLIT, *STDIN), [*configs("lost", namespace="elsewhere"), *configs("argocd-cm")]),
    ((*APPLY, "--dry-run=server"), configs("argocd-cm", "new")),
    (APPLY, configs("argocd-cm")),
    (APPLY, [*configs("new"), *configs("lost", namespace="elsewhere")]),
    (REVIEW, reviews("list", "create")),
)
"""What is asked, and the manifests that are given."""

Run = Callable[[Sequence[str], bytes | None], "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the kubeconfig is, in a home of its own."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / "kubeconfig"


def real(command: Sequence[str], stdin: bytes | None) -> subprocess.CompletedProcess[bytes]:
    """Run kubectl."""
    return subprocess.run(command, input=stdin, capture_output=True, check=False)


def said(run: Run, question: Sequence[str], stdin: Sequence[Object] = ()) -> tuple[int, str, str]:
    """Return the exit code and what is printed."""
    command = [str(kubectl.bundled()), *question, "--request-timeout=20s"]
    done = run(command, manifests.listed(stdin).encode() if stdin else None)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize("refuses", [False, True])
def test_it_asks_and_says_the_same(place: Path, refuses: bool) -> None:
    plurals = ("configmaps", "secrets", "events")
    with serving(ApiServer()) as server:
        kubeconfig(place, server.url)
        if refuses:
            server.forbidden = {(verb, plural) for verb in ("get", "list", "patch") for plural in plurals}
        kinds = {each.kind: each.plural for each in server.resources()}
        there = {}
        for each in (*argocd(), *configs("other"), made("v1", "Event", "e", "argocd", type="Warning")):
            metadata = {**each["metadata"], "generation": 1}
            there[kinds[each["kind"]], metadata.get("namespace", ""), metadata["name"]] = {**each, "metadata": metadata}

        def heard(run: Run, question: Sequence[str], stdin: Sequence[Object]) -> object:
            server.objects, server.counter = copy.deepcopy(there), 0
            server.heard.clear()
            return said(run, question, stdin), [each for each in server.heard if not _discovers(each.target)]

        for question, stdin in QUESTIONS:
            if not refuses or set(plurals) & {*question, *(f"{each}s" for each in question)} or stdin:
                assert heard(real, question, stdin) == heard(played.answer, question, stdin)


def _discovers(target: str) -> bool:
    """Return whether a request asks what there is to ask for, which each kubectl keeps for itself."""
    path = target.partition("?")[0].strip("/").split("/")
    return path[0] == "openapi" or len(path) <= {"api": 2, "apis": 3}.get(path[0], 0)


@pytest.mark.parametrize("may", [False, True])
def test_it_asks_for_somebody_else(place: Path, may: bool) -> None:
    with serving_argocd(Api(argocd(), denied={("list", "pods", "")}, may_impersonate=may)) as url:
        kubeconfig(place, url)
        for run in (real, played.answer):
            said(run, ("api-resources", "--no-headers"))  # Which each keeps for itself, as its user may see it.
        question = (*REVIEW, "--as=system:serviceaccount:argocd:x")
        assert said(real, question, reviews("list", "create")) == said(
            played.answer, question, reviews("list", "create")
        )


def test_whatever_is_known_was_compared() -> None:
    """What else is asked, the real kubectl answers."""
    compared = {played.shape([*question, "--request-timeout=20s"]) for question, _ in QUESTIONS}
    assert {*compared, played.shape((*REVIEW, "--as=x"))} == played.KNOWN.keys()
    with pytest.raises(played.UnknownError):
        played.answer(["kubectl", "get", "pods", *HERE, "--output=yaml"])
    with pytest.raises(played.UnknownError):
        played.answer(["kubectl", "delete", "pods", "x", *HERE])


def test_a_folder_is_built_anew_where_a_file_is_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    played.instead(monkeypatch)
    monkeypatch.setenv("PATH", "")
    (tmp_path / "kustomization.yaml").write_text("resources: [a.yaml]\nnamespace: there\n")
    for name in ("a", "b"):
        (tmp_path / "a.yaml").write_text(manifests.listed(configs(name)))
        assert f"name: {name}\n  namespace: there" in kubectl.run("kustomize", str(tmp_path))
