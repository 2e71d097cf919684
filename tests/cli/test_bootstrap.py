"""`argosy bootstrap`, as people meet it: kubectl, and a server that answers as Kubernetes' API does.

From nothing to the end it is the real kubectl; in the other stories, the one that is played.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from argosy.cli.bootstrap import command as of_bootstrap
from argosy.kubernetes import kubectl
from argosy.repository.model import ArgocdStyle, Format
from tests.bootstrap.apiserver import ApiServer, serving
from tests.bootstrap.argocd import VERSION, definition, installation, workload
from tests.bootstrap.site import Site, lay_out
from tests.changing import commit, edit, git, model, state
from tests.conftest import Argosy, Result
from tests.kubernetes import played
from tests.status.cluster import kubeconfig

KEPT = (
    {"kind": "Application", "name": "legacy"},
    {"kind": "AppProject", "name": "former"},
    {"kind": "ApplicationSet", "name": "all"},
)
DONE = ["namespace", "definitions", "established", "install", "rollout", "projects", "root", "synced"]


@pytest.fixture
def cluster() -> Iterator[ApiServer]:
    """Return an empty cluster."""
    with serving(ApiServer()) as found:
        yield found


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return a site whose repository no test changes: argosy only reads it."""
    site = lay_out(tmp_path_factory.mktemp("site"), ApiServer())

    def everything() -> tuple[object, str]:
        return state(site.root), git(site.root, "ls-remote", "origin")

    before = everything()
    yield site
    assert everything() == before


@pytest.fixture
def own() -> None:
    """Have a site with a repository that this test may change."""


@pytest.fixture
def site(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    cluster: ApiServer,
    monkeypatch: pytest.MonkeyPatch,
    *,
    argosy: Argosy,
    shared_site: Site,
) -> Site:
    """Return a site, in whose repository one is; that is one for all tests, but for those that have their `own`."""
    if "own" in request.fixturenames:
        return entered(lay_out(tmp_path, cluster), monkeypatch)
    install = shutil.copytree(shared_site.install, tmp_path / "install")
    config = kubeconfig(tmp_path / "kubeconfig", cluster.url, context="blue", current="blue")
    return entered(Site(shared_site.root, shared_site.url, cluster, install, config), monkeypatch)


def entered(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Go to a site's repository, with its kubeconfig and nothing else that kubectl would look at."""
    monkeypatch.setenv("KUBECONFIG", str(site.kubeconfig))
    monkeypatch.setenv("HOME", str(site.kubeconfig.parent))
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1")
    if bundled := kubectl.bundled():
        monkeypatch.setenv("PATH", f"{Path(bundled).parent}{os.pathsep}{os.environ['PATH']}")
    played.instead(monkeypatch)
    monkeypatch.chdir(site.root)
    return site


@pytest.fixture
def bootstrap(argosy: Argosy, site: Site) -> Argosy:
    """Return what runs the command on the site."""

    def run(*arguments: str) -> Result:
        return argosy("bootstrap", "--install", str(site.install), *arguments)

    return run


_DONE: list[str] = []


@pytest.fixture
def done(bootstrap: Argosy, site: Site) -> Site:
    """Return the site with all done: carried out once, and from then on as that left the cluster."""
    if not _DONE:
        assert bootstrap("--yes").code == 0
        _DONE.append(json.dumps([site.cluster.counter, *site.cluster.objects.items()]).replace(site.url, "<url>"))
    site.cluster.counter, *objects = json.loads(_DONE[0].replace("<url>", site.url))
    site.cluster.objects = {(plural, namespace, name): each for (plural, namespace, name), each in objects}
    site.cluster.written.clear()
    return site


def states(result: Result) -> dict[str, str]:
    """Return the states of the steps that JSON tells of."""
    return {each["name"]: each["state"] for each in json.loads(result.out)["steps"]}


# What it does


def test_from_nothing_to_a_root_application_that_is_synced(
    bootstrap: Argosy, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kubectl, "subprocess", subprocess)
    result = bootstrap("--yes")
    assert result.code == 0, result.err
    assert result.out.splitlines() == [
        "done     Namespace argocd: created",
        "done     Argo CD's definitions: 3 created",
        "done     Argo CD's CRDs are established: ready",
        f"done     Argo CD {VERSION}: 6 created",
        "done     Argo CD is rolled out: ready",
        "done     AppProjects argocd, dev, prod: 3 created",
        "done     Application root: created",
        "done     Application root synced and healthy: ready",
    ]
    assert f"context blue, {site.cluster.url}: Kubernetes v1.37.1" in result.err
    assert "https://localhost:8080, as admin; the first password:" in result.err
    assert "delete secret argocd-initial-admin-secret" in result.err
    source = site.cluster.get("applications", "root")["spec"]["source"]
    assert (source["repoURL"], source["targetRevision"], source["path"]) == (site.url, "main", "argocd")
    order = [each.split()[1].partition("/")[0] for each in site.cluster.written]
    assert list(dict.fromkeys(order))[0:2] == ["namespaces", "customresourcedefinitions"]
    assert list(dict.fromkeys(order))[-2:] == ["appprojects", "applications"]


def test_once_more_it_changes_nothing_and_asks_nothing(
    bootstrap: Argosy, done: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, run = list[str](), kubectl.run

    def counted(*arguments: str, **options: Any) -> str:
        asked.append(arguments[0])
        return run(*arguments, **options)

    monkeypatch.setattr(kubectl, "run", counted)
    result = bootstrap()
    assert result.code == 0, result.err
    assert {line.split()[0] for line in result.out.splitlines()} == {"there"}
    assert done.cluster.written == []
    # What there is of all steps, and what would become of it, are one question each.
    assert (asked.count("get"), asked.count("apply"), len(asked)) == (6, 1, 12)


@pytest.mark.parametrize(
    ("refused", "step"), [(("get", "configmaps"), "install"), (("patch", "appprojects"), "projects")]
)
def test_what_the_cluster_refuses_is_unknown_of_its_step_alone(
    bootstrap: Argosy, done: Site, refused: tuple[str, str], step: str
) -> None:
    done.cluster.forbidden = {refused}
    result = bootstrap("--dry-run", "--output", "json")
    assert states(result) == {**dict.fromkeys(DONE, "there"), step: "unknown"}


def test_what_was_changed_by_hand_is_brought_back(bootstrap: Argosy, done: Site) -> None:
    done.cluster.get("deployments", "argocd-server")["spec"]["replicas"] = 0
    plan = bootstrap("--dry-run")
    assert f"to do    Argo CD {VERSION}: 1 of 6 objects not as wanted\n" in plan.out
    assert f"done     Argo CD {VERSION}: 1 changed, 5 as they were\n" in bootstrap("--yes").out
    assert done.cluster.get("deployments", "argocd-server")["spec"]["replicas"] == 1


def test_a_dry_run_tells_the_plan_with_kubectls_commands(bootstrap: Argosy, site: Site) -> None:
    result = bootstrap("--dry-run")
    assert result.code == 0, result.err
    assert site.cluster.written == []
    apply = "kubectl --context blue apply --server-side --force-conflicts"
    lines = result.out.splitlines()
    assert lines[:2] == [
        "to do    Namespace argocd: not there",
        "         kubectl --context blue create namespace argocd",
    ]
    assert f"         {apply} --kustomize {site.install}" in lines
    assert f"         {apply} --filename=argocd/dev/project.yaml --filename=argocd/prod/project.yaml" in lines
    assert f"         {apply} --filename=argocd/root.yaml" in lines
    assert all(line.startswith("to do") for line in lines[::2])


def test_a_dry_run_without_a_cluster(argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(ApiServer()) as gone:
        site = entered(lay_out(tmp_path, gone), monkeypatch)
    result = argosy("bootstrap", "--dry-run", "--install", str(site.install))
    assert result.code == 1
    assert "cluster unreachable" in result.err
    assert f"unknown  Argo CD {VERSION}: not looked at\n" in result.out
    assert "apply --server-side" in result.out


def test_json(bootstrap: Argosy, done: Site) -> None:
    result = bootstrap("--dry-run", "--output", "json")
    told = json.loads(result.out)
    assert states(result) == dict.fromkeys(DONE, "there")
    assert (told["context"], told["argocd"], told["complete"], told["dryRun"]) == ("blue", VERSION, True, True)
    assert {each["level"] for each in told["checks"]} == {"ok"}
    assert done.cluster.written == []


def test_nobody_to_ask(bootstrap: Argosy, site: Site) -> None:
    result = bootstrap()
    assert result.code == 2
    assert "This changes a cluster" in result.err
    assert site.cluster.written == []


@pytest.mark.usefixtures("own")
def test_the_default_is_what_the_repository_has_and_quiet_tells_errors_alone(argosy: Argosy, site: Site) -> None:
    (site.root / "argocd/install").rename(site.root.parent / "remote-install")
    installation(site.root / "argocd/install")
    commit(site.root)
    site.push()
    result = argosy("bootstrap", "--yes", "--quiet")
    assert (result.code, result.out, result.err) == (0, "", "")
    assert "--kustomize argocd/install\n" in argosy("bootstrap", "--dry-run").out


# One Argo CD in each cluster


@pytest.mark.parametrize("style", ArgocdStyle)
def test_one_environment(
    argosy: Argosy, tmp_path: Path, cluster: ApiServer, monkeypatch: pytest.MonkeyPatch, style: ArgocdStyle
) -> None:
    site = entered(lay_out(tmp_path, cluster, model(form=Format.MANIFESTS, argocd=style)), monkeypatch)
    result = argosy("bootstrap", "--yes", "--env", "prod", "--install", str(site.install))
    assert result.code == 0, result.err
    assert "done     AppProjects argocd, prod: 2 created\n" in result.out
    source = cluster.get("applications", "root")["spec"]["source"]
    assert (source["path"], source["directory"]["include"]) == ("argocd", "{platform.yaml,prod/*}")
    sets = [each for key, each in cluster.objects.items() if key[0] == "applicationsets"]
    assert len(sets) == (style is ArgocdStyle.APPLICATIONSET)
    for each in sets:
        assert "environments/prod/environment.yaml" in json.dumps(each)
        assert "environments/*/environment.yaml" not in json.dumps(each)
    written = list(cluster.written)
    assert argosy("bootstrap", "--env", "prod", "--install", str(site.install)).code == 0
    assert cluster.written == written


def test_an_environment_that_is_not_there(bootstrap: Argosy) -> None:
    result = bootstrap("--env", "pord")
    assert result.code == 2
    assert "“prod”" in result.err


def test_a_root_that_would_make_argo_cd_delete_something(bootstrap: Argosy, done: Site) -> None:
    result = bootstrap("--yes", "--env", "prod")
    assert result.code == 1
    assert "Argo CD would delete what only the former has" in result.err
    assert "kubectl --context blue delete applications.argoproj.io root --namespace argocd\n" in result.err
    assert done.cluster.written == []


@pytest.mark.parametrize("cascades", [True, False])
def test_how_to_let_go_of_what_another_root_made(bootstrap: Argosy, done: Site, *, cascades: bool) -> None:
    objects = done.cluster.objects

    if not cascades:  # As the versions before 3 do.
        objects["configmaps", "argocd", "argocd-cm"]["data"]["application.resourceTrackingMethod"] = "label"

    def made(kind: str, name: str) -> dict[str, Any]:
        tracked = {"argocd.argoproj.io/tracking-id": f"root:argoproj.io/{kind}:argocd/{name}"}
        metadata = {"name": name, "namespace": "argocd", "annotations": {**tracked, "note": "ours"}}
        if not cascades:
            metadata |= {"annotations": {"note": "ours"}, "labels": {"app.kubernetes.io/instance": "root"}}
        return {"apiVersion": "argoproj.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": {}}

    def argo_cd(written: str) -> None:
        """Delete all that is tracked as the root's, with a root that cascades, and by a new one that lacks it."""
        root = objects.get(("applications", "argocd", "root"))
        cascades = written == "DELETE applications/root" and root and root["metadata"].get("finalizers")
        if cascades or (written == "PATCH applications/root" and root is None):
            for key, each in list(objects.items()):
                annotations = each["metadata"].get("annotations", {})
                owner = annotations.get("argocd.argoproj.io/tracking-id", "").partition(":")[0]
                if "root" in {owner, each["metadata"].get("labels", {}).get("app.kubernetes.io/instance")}:
                    del objects[key]

    root = objects["applications", "argocd", "root"]
    root["spec"]["source"]["repoURL"] = "https://git.example.com/acme/former.git"
    listed = [{"group": "argoproj.io", "namespace": "argocd"} | pair for pair in KEPT]
    root["status"]["resources"] = listed
    if cascades:
        root["metadata"]["finalizers"] = ["resources-finalizer.argocd.argoproj.io"]
    for each in KEPT:
        objects[f"{each['kind'].lower()}s", "argocd", each["name"]] = made(each["kind"], each["name"])
    done.cluster.on_write = argo_cd
    refused = bootstrap("--yes")
    assert (refused.code, done.cluster.written) == (1, [])
    commands = [line.strip() for line in refused.err.rpartition("Nothing was changed.")[2].splitlines()[2:]]
    assert len(commands) == 3
    for command in commands:
        subprocess.run(["bash", "-c", command], check=True, capture_output=True)
    assert ("applications", "argocd", "root") not in objects
    result = bootstrap("--yes")
    assert result.code == 0, result.err
    assert done.cluster.get("applications", "root")["spec"]["source"]["repoURL"] == done.url
    for each in KEPT:
        kept = done.cluster.get(f"{each['kind'].lower()}s", each["name"])
        assert kept["metadata"]["annotations"] == {"note": "ours"}
        assert not kept["metadata"].get("labels")


# What goes wrong in the cluster


def test_a_step_that_is_forbidden_and_how_it_goes_on(bootstrap: Argosy, site: Site) -> None:
    site.cluster.forbidden = {("patch", "deployments")}
    result = bootstrap("--yes", "--output", "json")
    assert result.code == 1
    assert list(states(result).values()) == ["done", "done", "done", "failed"]
    assert f"Argo CD {VERSION}: Cannot apply manifests in context blue: Error from server (Forbidden): " in result.err
    assert "cannot patch resource" in result.err
    assert f"goes on from here: argosy bootstrap --install {site.install} --yes --output json" in result.err
    site.cluster.forbidden = set()
    again = bootstrap("--yes", "--output", "json")
    assert again.code == 0
    assert list(states(again).items()) == [*zip(DONE, ["there"] * 3 + ["done"] * 5, strict=True)]
    told = json.loads(again.out)
    assert (told["complete"], told["dryRun"], told["login"]["user"]) == (True, False, "admin")


def test_what_may_not_be_done_is_told_before_anything_is(bootstrap: Argosy, site: Site) -> None:
    site.cluster.denied = {("patch", "clusterroles"), ("*", "*")}
    result = bootstrap("--yes")
    assert result.code == 1
    assert "You are not allowed to patch clusterroles.rbac.authorization.k8s.io." in result.err
    assert "kubectl --context blue auth can-i patch clusterroles.rbac.authorization.k8s.io" in result.err
    assert site.cluster.written == []


def test_a_definition_that_is_never_established(bootstrap: Argosy, site: Site) -> None:
    site.cluster.never_established = {"appprojects.argoproj.io"}
    result = bootstrap("--yes", "--timeout", "1s")
    assert result.code == 1
    assert "Argo CD's CRDs are established: not ready after 1 seconds:" in result.err
    assert "  appprojects.argoproj.io: NotAccepted the names are taken\n" in result.err


@pytest.fixture
def _soon_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait a tenth of a second, where no --timeout says otherwise, for what is never ready."""
    (option,) = (each for each in of_bootstrap.params if each.name == "timeout")
    monkeypatch.setattr(option, "default", 0.1)


WAITING = {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "argocd"'}
CRASHED = {"terminated": {"exitCode": 20, "reason": "Error"}}


NOT_SCHEDULED = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no node"}
NEVER_READY: dict[str, tuple[dict[str, Any], str]] = {
    "argocd-server": (
        {"containerStatuses": [{"name": "argocd-server", "state": {"waiting": WAITING}}]},
        'Pod argocd-server-0: argocd-server ImagePullBackOff (Back-off pulling image "argocd")',
    ),
    "crash": (
        {"containerStatuses": [{"name": "s", "state": {"waiting": {"reason": "Crash"}}, "lastState": CRASHED}]},
        "Pod crash-0: s Crash, it ended with exit code 20 (Error)",
    ),
    "probe": (
        {"containerStatuses": [{"name": "s", "state": {"running": {}}, "ready": False}]},
        "Pod probe-0: s runs, but its readiness probe fails",
    ),
    "unschedulable": ({"conditions": [NOT_SCHEDULED]}, "Pod unschedulable-0: Unschedulable (no node)"),
    "quota": ({}, "exceeded quota: small"),
}


@pytest.mark.usefixtures("_soon_over")
def test_deployments_that_are_never_ready(bootstrap: Argosy, site: Site) -> None:
    installation(site.install, *(workload("Deployment", name) for name in NEVER_READY if name != "argocd-server"))
    site.cluster.never_ready = {name: status for name, (status, _) in NEVER_READY.items()}
    result = bootstrap("--yes")
    assert result.code == 1
    assert "Argo CD is rolled out: not ready after 0.1 seconds:\n  Deployment " in result.err
    for name, (_, told) in NEVER_READY.items():
        assert f"\n  Deployment {name}: {told}\n" in result.err


@pytest.mark.usefixtures("_soon_over")
def test_a_root_whose_applicationset_fails(bootstrap: Argosy, done: Site) -> None:
    """Its status says that it is Degraded, and why only the ApplicationSet: as Argo CD 3.5.1 does."""
    applied = [{"kind": "ApplicationSet", "name": "all", "namespace": "argocd", "status": "Synced"}]
    root = done.cluster.objects["applications", "argocd", "root"]
    root["status"] = {"sync": {"status": "Synced"}, "health": {"status": "Degraded"}, "resources": applied}
    message = "application references project nobody which does not exist"
    condition = {"type": "ErrorOccurred", "status": "True", "message": message}
    done.cluster.objects["applicationsets", "argocd", "all"] = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ApplicationSet",
        "metadata": {"name": "all", "namespace": "argocd"},
        "status": {"conditions": [condition]},
    }
    again = bootstrap("--yes")
    assert again.code == 1
    assert f"root: Synced, Degraded; ApplicationSet all: {message}" in again.err


@pytest.mark.usefixtures("_soon_over")
def test_a_root_that_is_tried_again_and_again(bootstrap: Argosy, done: Site) -> None:
    """Argo CD never says of its operation that it failed, as root's retries have no end."""
    message = "one or more objects failed to apply, reason: it is invalid. Retrying attempt #3 at 4:43PM."
    operation = {"phase": "Running", "retryCount": 3, "message": message}
    status = {"sync": {"status": "OutOfSync"}, "health": {"status": "Missing"}, "operationState": operation}
    done.cluster.application = done.cluster.objects["applications", "argocd", "root"]["status"] = status
    again = bootstrap("--yes")
    assert again.code == 1
    assert f"root: OutOfSync, Missing; {message}" in again.err


def test_a_root_that_argo_cd_cannot_read(bootstrap: Argosy, site: Site) -> None:
    refusal = {"type": "ComparisonError", "message": "failed to list refs: authentication required"}
    site.cluster.application = {"conditions": [refusal], "sync": {"status": "Unknown"}}
    result = bootstrap("--yes")
    assert result.code == 1
    assert "Argo CD cannot sync the Application root: failed to list refs: authentication required" in result.err
    assert "--credential" in result.err
    # What Argo CD found before is no longer true, and it would look again only in some minutes.
    site.cluster.application = ApiServer().application
    again = bootstrap("--yes", "--output", "json")
    assert again.code == 0, again.err
    assert states(again)["synced"] == "done"


@pytest.mark.usefixtures("_soon_over")
def test_a_root_that_is_never_healthy(bootstrap: Argosy, site: Site) -> None:
    child = {"kind": "Application", "name": "web-dev", "status": "Synced", "health": {"status": "Degraded"}}
    site.cluster.application = {"sync": {"status": "Synced"}, "health": {"status": "Degraded"}, "resources": [child]}
    result = bootstrap("--yes")
    assert result.code == 1
    assert "  root: Synced, Degraded; Application web-dev Degraded\n" in result.err


def test_ctrl_c(bootstrap: Argosy, site: Site) -> None:
    def press(written: str) -> None:
        if written == "PATCH configmaps/argocd-cm":
            os.kill(os.getpid(), signal.SIGINT)

    site.cluster.on_write = press
    result = bootstrap("--yes")
    assert result.code == 130
    assert f"Argo CD {VERSION}: interrupted. The steps before it are done." in result.err
    assert "The same command goes on from here: argosy bootstrap" in result.err
    site.cluster.on_write = lambda _: None
    assert bootstrap("--yes").code == 0


def test_argo_cd_that_helm_installed(bootstrap: Argosy, done: Site) -> None:
    server = done.cluster.get("deployments", "argocd-server")
    server["metadata"]["annotations"] = {"meta.helm.sh/release-name": "argo"}
    result = bootstrap("--yes")
    assert result.code == 1
    assert "installed by Helm, as the release argo" in result.err


class TestAnArgoCDThatIsThere:
    """`argosy bootstrap --no-install` hands the repository over, and leaves the installation alone."""

    @pytest.fixture
    def hand_over(self, argosy: Argosy, site: Site) -> Argosy:  # noqa: ARG002 - one is in its repository
        """Return what runs the command."""

        def run(*arguments: str) -> Result:
            return argosy("bootstrap", "--no-install", *arguments)

        return run

    @pytest.mark.parametrize(
        ("metadata", "said"),
        [
            (
                {"annotations": {"meta.helm.sh/release-name": "argo"}},
                "ok       Argo CD 3.6.0 in the namespace argocd, installed by Helm, as the release argo\n",
            ),
            (
                {"ownerReferences": [{"apiVersion": "argoproj.io/v1beta1", "kind": "ArgoCD", "name": "main"}]},
                "ok       Argo CD 3.6.0 in the namespace argocd, installed by its operator, as the ArgoCD main says\n",
            ),
            ({}, "ok       Argo CD 3.6.0 in the namespace argocd\n"),
        ],
    )
    def test_the_projects_and_root_alone(
        self, hand_over: Argosy, site: Site, metadata: dict[str, Any], said: str
    ) -> None:
        argo_cd(site.cluster, metadata=metadata)
        before = dict(site.cluster.objects)
        result = hand_over("--yes")
        assert result.code == 0, result.err
        assert result.out.splitlines() == [
            "done     AppProjects argocd, dev, prod: 3 created",
            "done     Application root: created",
            "done     Application root synced and healthy: ready",
        ]
        assert said in result.err
        assert result.err.endswith(
            "port-forward --namespace argocd deployment/argocd-server 8080:8080\n"
            "  https://localhost:8080, as you log in to it\n"
        )
        assert {key: site.cluster.objects[key] for key in before} == before
        assert {each.split()[1].partition("/")[0] for each in site.cluster.written} == {"appprojects", "applications"}
        again = hand_over()
        assert (again.code, {line.split()[0] for line in again.out.splitlines()}) == (0, {"there"})

    @pytest.mark.usefixtures("own")
    def test_an_operators_own_namespace(self, argosy: Argosy, hand_over: Argosy, site: Site, bootstrap: Argosy) -> None:
        """OpenShift GitOps names its image by digest, and its namespace differently."""
        argo_cd(site.cluster, "openshift-gitops", image="registry.example.com/argocd@sha256:" + "0" * 64)
        refused = hand_over("--yes")
        assert (refused.code, site.cluster.written) == (1, [])
        assert "There is Argo CD in the namespace openshift-gitops, and the repository is for one in the" in refused.err
        assert "argosy set repository argocdNamespace=openshift-gitops --commit, and push it." in refused.err
        second = bootstrap("--dry-run")
        assert "There is Argo CD in the namespace openshift-gitops already, and the two would share" in second.err

        assert argosy("set", "repository", "argocdNamespace=openshift-gitops", "--commit", "--no-validate").code == 0
        site.push()
        result = hand_over("--yes", "--output", "json")
        assert result.code == 0, result.err
        assert "warning  Its image does not say which version of Argo CD it is." in result.err
        assert site.cluster.get("applications", "root", "openshift-gitops")["status"]["health"]["status"] == "Healthy"
        found = json.loads(result.out)
        assert (found["argocd"], [each["name"] for each in found["steps"]]) == ("", ["projects", "root", "synced"])
        assert all(
            "--namespace openshift-gitops" in each["command"] for each in found["steps"] if "wait" in each["command"]
        )

    def test_a_clouds_runs_elsewhere(self, hand_over: Argosy, site: Site) -> None:
        for kind in ("Application", "AppProject"):
            put(site.cluster, definition(kind))
        site.cluster.objects["namespaces", "", "argocd"] = {"metadata": {"name": "argocd"}}
        result = hand_over("--yes")
        assert result.code == 0, result.err
        assert "No Argo CD can be seen in the cluster. If a cloud runs it, it has to read Applications" in result.err
        assert result.err.endswith("\nArgo CD reads the repository from now on.\n")

    @pytest.mark.usefixtures("own")
    def test_what_it_lacks_is_said_before_anything_is_done(self, hand_over: Argosy, site: Site) -> None:
        result = hand_over("--yes")
        assert result.code == 1
        assert "The cluster has no applications.argoproj.io and appprojects.argoproj.io: there is no" in result.err
        argo_cd(site.cluster, image="quay.io/argoproj/argocd:v3.4.2")
        other = {"metadata": {"name": "dev", "namespace": "argocd"}, "spec": {"sourceRepos": ["https://example.com/a"]}}
        put(site.cluster, {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", **other})
        project = site.root / "argocd/prod/project.yaml"
        policy = "{repos: [{url: '*'}], gpg: {mode: head, keys: ['0123456789ABCDEF']}}"
        edit(
            site.root,
            project.relative_to(site.root).as_posix(),
            "spec:\n",
            f"spec:\n  sourceIntegrity: {{git: {{policies: [{policy}]}}}}\n",
        )
        edit(site.root, ".copier-answers.yml", "self_managed: false", "self_managed: true")
        commit(site.root)
        site.push()
        site.cluster.denied = {("create", "namespaces"), ("create", "appprojects")}
        site.cluster.written.clear()
        result = hand_over("--yes")
        assert (result.code, site.cluster.written) == (1, [])
        for said in (
            "There is an AppProject dev already, for https://example.com/a.",
            "Argo CD 3.4.2 does not know sourceIntegrity, so that the AppProjects prod would let unsigned",
            "With selfManaged=true, the repository's argocd/install would replace the installation that is there.",
            "Argo CD's ServiceAccount argocd-application-controller may not create namespaces in every namespace",
            "You are not allowed to create appprojects.argoproj.io in argocd.",
        ):
            assert said in result.err


def put(cluster: ApiServer, manifest: dict[str, Any]) -> None:
    """Put an object into a cluster, as somebody else did before."""
    plural = {"CustomResourceDefinition": "customresourcedefinitions"}.get(
        manifest["kind"], f"{manifest['kind']}s".lower()
    )
    metadata = manifest["metadata"] = {"uid": "uid", "generation": 1, **manifest["metadata"]}
    cluster.objects[plural, metadata.get("namespace", ""), metadata["name"]] = manifest
    cluster.settle(manifest["kind"], manifest)


def argo_cd(
    cluster: ApiServer,
    namespace: str = "argocd",
    *,
    image: str = "quay.io/argoproj/argocd:v3.6.0",
    metadata: dict[str, Any] | None = None,
) -> None:
    """Put an Argo CD into a cluster, as Helm or an operator does."""
    put(cluster, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    for kind in ("Application", "ApplicationSet", "AppProject"):
        put(cluster, definition(kind))
    for kind, name, component in (
        ("StatefulSet", "argocd-application-controller", "application-controller"),
        ("Deployment", "argocd-server", "server"),
    ):
        made = workload(kind, name)
        labels = {"app.kubernetes.io/part-of": "argocd", "app.kubernetes.io/component": component}
        made["metadata"] |= {"namespace": namespace, "labels": labels, **(metadata or {})}
        made["spec"]["template"]["spec"]["serviceAccountName"] = name
        made["spec"]["template"]["spec"]["containers"][0]["image"] = image
        put(cluster, made)


def test_a_context_that_is_not_there(bootstrap: Argosy) -> None:
    result = bootstrap("--context", "green")
    assert result.code == 2
    assert "has no context “green”" in result.err


def test_no_kubeconfig(bootstrap: Argosy, site: Site) -> None:
    site.kubeconfig.unlink()
    result = bootstrap()
    assert result.code == 2
    assert "--context" in result.err


# What is to be installed


def test_an_installation_of_something_else(bootstrap: Argosy, site: Site) -> None:
    (site.install / "install.yaml").write_text(yaml.safe_dump(definition("Sensor")))
    result = bootstrap()
    assert result.code == 1
    assert "does not define Applications and AppProjects" in result.err


def test_an_installation_without_a_namespace(bootstrap: Argosy, site: Site) -> None:
    installation(site.install, namespace="")
    result = bootstrap()
    assert result.code == 1
    assert "Add `namespace: argocd` to its kustomization.yaml" in result.err


def test_an_installation_that_cannot_be_built(bootstrap: Argosy, site: Site) -> None:
    (site.install / "kustomization.yaml").write_text("resources: ['http://127.0.0.1:1/install.yaml']\n")
    result = bootstrap("--dry-run")
    assert result.code == 1
    assert "cannot be built. http://127.0.0.1:1/install.yaml: Get " in result.err
    assert "unknown  Argo CD: not looked at\n" in result.out
    assert "argocdManifests=vendored --fetch" in bootstrap("--yes").err
    assert site.cluster.written == []


def test_kinds_that_come_later_and_single_sign_on_alone(bootstrap: Argosy, site: Site) -> None:
    metadata = {"name": "argocd-metrics", "namespace": "argocd"}
    monitor = {"apiVersion": "monitoring.coreos.com/v1alpha1", "kind": "ServiceMonitor", "metadata": metadata}
    installation(site.install, monitor)
    text = (site.install / "install.yaml").read_text()
    (site.install / "install.yaml").write_text(text.replace("timeout.reconciliation: 180s", "admin.enabled: 'false'"))
    result = bootstrap("--yes")
    assert result.code == 0, result.err
    assert "https://localhost:8080, by single sign-on" in result.err
    assert "password" not in result.err
    assert "1 object of the installation cannot be applied yet: the cluster has no ServiceMonitor." in result.err
    made = definition("ServiceMonitor", "monitoring.coreos.com")
    site.cluster.objects["customresourcedefinitions", "", "servicemonitors.monitoring.coreos.com"] = made
    assert "must wait" not in bootstrap("--yes").err
    assert site.cluster.get("servicemonitors", "argocd-metrics")


# What is pushed


@pytest.mark.usefixtures("own")
def test_what_does_not_stand_against_it_is_said(bootstrap: Argosy, site: Site) -> None:
    site.cluster.denied = {("*", "*"), ("escalate", "clusterroles")}
    site.cluster.version = "v1.30.4"
    commit(site.root, {"environments/dev/web/new.yaml": "kind: ConfigMap\n"})
    edit(site.root, "README.md", "# gitops", "# Ours")
    result = bootstrap("--dry-run")
    assert result.code == 0
    assert "Not pushed, so Argo CD will not see it: 1 commit of “main”.\n         git push origin main" in result.err
    assert "Not committed, so Argo CD will not see it: 1 file: README.md." in result.err
    assert "lets you grant only permissions that you hold yourself" in result.err
    assert "is more than one minor version away from the cluster's v1.30.4" in result.err
    assert "argosy validate --kubernetes-version 1.30" in result.err


@pytest.mark.usefixtures("own")
def test_a_branch_that_is_not_pushed(bootstrap: Argosy, site: Site) -> None:
    git(site.root, "push", "--quiet", "origin", "main:other", ":main")
    result = bootstrap("--yes")
    assert result.code == 1
    assert "has no “main”, which Argo CD would read." in result.err
    assert "git push --set-upstream origin main" in result.err
    assert site.cluster.written == []


# Credentials


@pytest.fixture
def private(own: None, site: Site) -> Site:
    """Return the site with a repository behind SSH, which nobody answers at."""
    url = "ssh://git@127.0.0.1:1/acme/gitops.git"
    for path in (site.root / ".copier-answers.yml", *(site.root / "argocd").rglob("*.yaml")):
        path.write_text(path.read_text().replace(site.url, url))
    commit(site.root)
    return site


KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----"


def test_a_private_repository_without_a_credential(bootstrap: Argosy, private: Site) -> None:
    result = bootstrap("--yes")
    assert result.code == 1
    assert "it is private, and Argo CD has no credential" in result.err
    assert private.cluster.written == []


def test_a_key_goes_into_a_secret_and_nowhere_else(bootstrap: Argosy, private: Site, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    result = bootstrap("--yes", "--credential", f"file:{tmp_path / 'key'}")
    assert result.code == 0, result.err
    assert f"done     Secret gitops-repository, from file:{tmp_path / 'key'}: created\n" in result.out
    secret = private.cluster.get("secrets", "gitops-repository")
    assert secret["metadata"]["labels"] == {"argocd.argoproj.io/secret-type": "repository"}
    data = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
    assert data == {"type": "git", "url": "ssh://git@127.0.0.1:1/acme/gitops.git", "sshPrivateKey": f"{KEY}\n"}
    assert "c2VjcmV0" not in result.out + result.err
    again = bootstrap("--dry-run", "--credential", f"file:{tmp_path / 'key'}")
    assert "there    Secret gitops-repository" in again.out
    without = bootstrap()
    assert without.code == 0, without.err
    assert "Argo CD has a credential for ssh://git@127.0.0.1:1/acme/gitops.git: the Secret gitops" in without.err


def test_a_refused_secret_is_not_repeated(bootstrap: Argosy, private: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOY_KEY", KEY)
    private.cluster.forbidden = {("patch", "secrets")}
    result = bootstrap("--yes", "--credential", "env:DEPLOY_KEY")
    assert result.code == 1
    assert "Secret gitops-repository, from env:DEPLOY_KEY: Cannot apply manifests" in result.err
    assert "c2VjcmV0" not in result.err
    assert base64.b64encode(KEY.encode()).decode()[:20] not in result.err


# Clusters


def test_clusters_that_argo_cd_does_not_know(
    argosy: Argosy, tmp_path: Path, cluster: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = entered(lay_out(tmp_path, cluster), monkeypatch)
    install = ("--install", str(site.install))
    declared = ("--server", "https://eu.example.com", "--label", "region=eu", "--commit", "--quiet", "--no-validate")
    assert argosy("add", "cluster", "eu-1", *declared).code == 0
    assert argosy("set", "environment", "prod", "cluster=eu-1", *declared[-3:], "--yes").code == 0
    site.push()
    result = argosy("bootstrap", "--dry-run", *install)
    assert result.code == 0, result.err
    assert "Argo CD does not know the cluster eu-1 yet (prod)." in result.err
    assert "argocd cluster add CONTEXT --name eu-1 --label cluster=eu-1 --label region=eu" in result.err
    alone = argosy("bootstrap", "--dry-run", "--env", "prod", *install)
    assert "argocd cluster add blue --in-cluster --name eu-1" in alone.err
    data = {"name": "eu-1", "server": "https://eu.example.com"}
    cluster.objects["secrets", "argocd", "eu-1"] = {
        **{"apiVersion": "v1", "kind": "Secret"},
        "metadata": {"name": "eu-1", "namespace": "argocd", "labels": {"argocd.argoproj.io/secret-type": "cluster"}},
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
    }
    assert "does not know" not in argosy("bootstrap", "--dry-run", *install).err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--timeout", "soon"), "is not a duration"),
        (("--timeout", "0s"), "is not a duration"),
        (("--user", "ada"), "--user goes with --credential"),
        (("--credential", "ghp_secret"), "Write env:NAME"),
        (("--credential", "env:NOT_SET"), "NOT_SET is not set"),
        (("--credential", "file:not-there"), "not-there cannot be read"),
        (("--credential", "file:~nosuch/key"), "~nosuch/key cannot be read: there is no such home directory"),
    ],
)
def test_wrong_usage(bootstrap: Argosy, arguments: tuple[str, ...], told: str) -> None:
    result = bootstrap(*arguments)
    assert result.code == 2
    assert told in result.err
    assert "ghp_secret" not in result.err
