"""What the doctor finds in a cluster, which kubectl asks: where all is well the real one, else one that is played."""

from __future__ import annotations

import base64
import json
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from argosy.kubernetes import kubectl
from argosy.repository.model import ArgocdStyle, Format
from tests import shared
from tests.changing import commit, git, model
from tests.conftest import Argosy
from tests.doctor.advice import carry_out
from tests.doctor.cluster import ARGO, CONTROLLER, Api, Object, made
from tests.doctor.stories import Told, cloned, deployed, doctor, now, one, pushed, reached
from tests.status.cluster import kubeconfig
from tests.upstream.releases import pinned


@pytest.fixture
def repository(kubernetes: Path, argosy: Argosy, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository with everything pushed, which is where one is."""
    root = cloned(kubernetes, model())
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def api(repository: Path, kubernetes: Path) -> Iterator[Api]:
    """Return a cluster in which all is as the repository says, and Argo CD has just looked."""
    head = git(repository, "rev-parse", "HEAD")
    there = shared.value(f"deployed of {head}", lambda: deployed(repository))
    for each in there:
        if "reconciledAt" in each.get("status", {}):
            each["status"]["reconciledAt"] = now()
    with reached(Api(there), kubernetes) as found:
        yield found


def test_all_is_well(argosy: Argosy, kubernetes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubectl, "subprocess", subprocess)
    root = cloned(kubernetes, model(form=Format.KUSTOMIZE))
    with reached(Api(deployed(root)), kubernetes) as api:
        result = argosy("doctor", "--live", "--repository", str(root), "--output", "json")
    found = Told(result.code, json.loads(result.out))
    assert (found.code, found.problems()) == (0, [])
    # Where nothing says how branches are to be protected, nobody has looked.
    assert found.data["summary"]["checks"]["unknown"] == 2
    assert found.state("branches-protected") == found.state("code-owners") == "unknown"
    assert api.reviewed == {CONTROLLER}
    assert {method for method, path in api.asked if "selfsubjectaccessreviews" not in path} == {"GET"}
    assert "c2VjcmV0" not in result.out + result.err, "a value of a Secret"


# A run asks the cluster many things: what has a place of its own is told by one run with other things.


GUARD = """apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: guard-dev
  namespace: argocd
  annotations: {argocd.argoproj.io/manifest-generate-paths: .}
spec:
  project: dev
  source: {repoURL: "https://github.com/acme/gitops.git", targetRevision: main, path: platform/dev}
  destination: {server: "https://kubernetes.default.svc", namespace: guard-dev}
"""
"""An Application of which nothing lands in the namespace that it names."""
GUARDED = """apiVersion: v1
kind: Service
metadata:
  name: guard
  namespace: web-dev
spec:
  ports: [{port: 80}]
"""


def test_what_is_no_problem(argosy: Argosy, api: Api, repository: Path) -> None:
    commit(repository, {"argocd/dev/guard.yaml": GUARD, "platform/dev/service.yaml": GUARDED})
    git(repository, "push", "--quiet", "origin", "main")
    api.objects = deployed(repository)
    orphans = {"type": "OrphanedResourceWarning", "message": "Application has 1 orphaned resources"}
    one(api, "Application", "web-dev")["status"]["conditions"] = [orphans]
    api.objects = [each for each in api.objects if each["kind"] != "Namespace" or each["metadata"]["name"] == "argocd"]
    one(api, "ConfigMap", "argocd-cm")["data"]["timeout.reconciliation"] = "300s"
    del one(api, "Secret", "argocd-secret")["data"]["webhook.github.secret"]
    api.kubernetes = "1.36"
    api.may_impersonate = False
    # As bootstrap has the root of one environment.
    one(api, "Application", "root")["spec"]["source"]["directory"]["include"] = "{platform.yaml,dev/*}"
    found = doctor(argosy, "--live")

    assert found.problems() == []
    assert found.state("application") == "ok"
    assert {each["seen"]: each["applications"] for each in found.check("namespaces")["observations"]} == {
        "argocd is there.": ["root"],
        "web-dev is not there yet: the sync of web-dev makes it.": ["guard-dev", "web-dev"],
        "web-prod is not there yet: the sync of web-prod makes it.": ["web-prod"],
    }
    assert found.of("polling", "ok")["seen"] == "Every 300 to 360 seconds."
    webhook = found.of("webhook", "ok")
    assert "has no webhook.github.secret" in webhook["seen"]
    assert "https://argocd.example.com/api/webhook" in webhook["advice"]
    assert found.state("kubectl") == "ok"
    assert found.of("service-account", "unknown")["command"] == "kubectl auth can-i impersonate serviceaccounts"


def test_several_things_at_once(argosy: Argosy, api: Api, kubernetes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _make_the_first_ill(api)
    _make_the_second_ill(api)
    found = doctor(argosy, "--live")
    assert len(carry_out(found, api.objects, kubernetes, monkeypatch)) == 3

    assert found.of("sync-operation", "problem")["seen"] == "Service/web: port is taken"
    assert found.of("events", "problem")["seen"] == f"ReplicaSet/web-1 and ReplicaSet/web-2 in web-dev: {POLICY}"
    assert found.of("events", "problem")["applications"] == ["web-dev"]
    ill = {each["seen"]: each["command"] for each in found.check("pods-deployed")["observations"]}
    assert ill == {
        "Pod/web-7d4f9c6b5-4xk2p and Pod/web-7d4f9c6b5-9zq7m in web-dev: web ImagePullBackOff (not found).": (
            "kubectl --namespace web-dev describe pod web-7d4f9c6b5-4xk2p"
        ),
        "Pod/web-6c5f-b2b2b in web-dev: web CrashLoopBackOff, it ended with exit code 1 (Error).": (
            "kubectl --namespace web-dev logs web-6c5f-b2b2b --container web --previous"
        ),
    }
    assert found.of("refused", "problem")["seen"] == f"ReplicaSet/web-1 in web-dev: {QUOTA}"
    assert found.of("paused", "problem")["command"].endswith("skip-reconcile-")
    denied = found.of("service-account", "problem")
    assert denied["seen"] == f"{CONTROLLER} may not, in the namespace web-dev: create, patch deployments.apps."
    assert denied["command"] == f"kubectl auth can-i create deployments.apps --namespace web-dev --as {CONTROLLER}"
    assert denied["applications"] == ["web-dev"]
    assert found.of("used", "problem")["seen"] == "The quota web in web-dev is used up: pods 2 of 2."
    assert "not been counted" in found.of("used", "unknown")["seen"]

    assert found.of("sync-status", "problem")["seen"] == "Degraded: Deployment/web: no image."
    stuck = found.of("stuck", "problem")
    assert "waits for resources-finalizer.argocd.argoproj.io" in stuck["seen"]
    assert stuck["command"].endswith("""--type json --patch '[{"op":"remove","path":"/metadata/finalizers"}]'""")
    assert "Some content has finalizers" in found.of("terminating", "problem")["seen"]
    projects = [each for each in found.check("projects-live")["observations"] if each["state"] == "problem"]
    assert "destinations of the AppProject “dev”" in projects[0]["seen"]
    assert projects[1]["advice"] == "The Application root applies it: see why it does not, or sync it:"
    assert projects[1]["command"].startswith("kubectl --namespace argocd patch application.argoproj.io root ")
    running = found.of("argocd", "problem")
    assert (
        running["seen"] == f"The cluster runs Argo CD 3.4.7, and argocd/install/kustomization.yaml says {pinned()[1:]}."
    )


POLICY = 'pods "web-1" is forbidden: violates PodSecurity "restricted:latest"'
QUOTA = 'pods "web-1" is forbidden: exceeded quota: web'
LONG_AGO = "2024-01-01T00:00:00Z"


def _make_the_first_ill(api: Api) -> None:
    """Break what belongs to web-dev."""
    application = one(api, "Application", "web-dev")
    application["metadata"]["annotations"]["argocd.argoproj.io/skip-reconcile"] = "true"
    result = {"kind": "Service", "name": "web", "status": "SyncFailed", "message": "port is taken\n"}
    application["status"]["operationState"] = {
        **{"phase": "Running", "message": "one or more tasks failed. Retrying attempt #2 at 3:04PM."},
        "syncResult": {"resources": [result, {"kind": "Deployment", "name": "web", "status": "Synced"}]},
    }
    about = {"involvedObject": {"kind": "ReplicaSet", "name": "web-1"}, "type": "Warning"}
    another = {**about, "involvedObject": {"kind": "ReplicaSet", "name": "web-2"}}
    of_pod = {**about, "involvedObject": {"kind": "Pod", "name": "web-gone"}}
    pulls = [("4xk2p", "ImagePullBackOff", "not found"), ("9zq7m", "ErrImagePull", "no such manifest")]
    ended = {"lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}}
    api.objects += [
        _pod(f"web-7d4f9c6b5-{name}", {"reason": reason, "message": message}) for name, reason, message in pulls
    ]
    api.objects += [
        _pod("web-6c5f-b2b2b", {"reason": "CrashLoopBackOff"}, **ended),
        _pod("web-6c5f-n2n2n", {"reason": "ContainerCreating"}),
    ]
    # Another Pod was started for these.
    evicted, failed = (_pod(f"web-{each}", {"reason": "Error"}) for each in ("evicted", "migrate-1"))
    evicted["status"] |= {"phase": "Failed", "reason": "Evicted"}
    failed["status"] |= {"phase": "Failed"}
    failed["metadata"]["ownerReferences"] = [{"apiVersion": "batch/v1", "kind": "Job", "name": "web-migrate"}]
    api.objects += [evicted, failed]
    counts = {"hard": {"pods": "2", "requests.cpu": "1"}, "used": {"pods": "2", "requests.cpu": "500m"}}
    api.objects += [
        made("v1", "Event", "a", "web-dev", reason="FailedCreate", message=POLICY, **about),
        made("v1", "Event", "e", "web-dev", reason="FailedCreate", message=POLICY, **another),
        made("v1", "Event", "b", "web-dev", reason="FailedCreate", message=QUOTA, **about),
        made("v1", "Event", "c", "web-dev", reason="FailedCreate", message="fine", **{**about, "type": "Normal"}),
        made("v1", "Event", "d", "elsewhere", reason="FailedCreate", message="not ours", **about),
        made("v1", "Event", "f", "web-dev", reason="FailedCreate", message="long ago", lastTimestamp=LONG_AGO, **about),
        made("v1", "Event", "g", "web-dev", reason="FailedScheduling", message="gone", **of_pod),
        made("v1", "ResourceQuota", "web", "web-dev", status=counts),
        made("v1", "ResourceQuota", "web", "web-prod"),
    ]
    api.denied = {("create", "deployments", "web-dev"), ("patch", "deployments", "web-dev")}


def _pod(name: str, waiting: dict[str, str], **more: Any) -> Object:
    """Return a Pod whose only container waits."""
    container = {"name": "web", "image": "ghcr.io/acme/web:9", "state": {"waiting": waiting}, **more}
    status = {"phase": "Pending", "containerStatuses": [container]}
    return made("v1", "Pod", name, "web-dev", spec={"containers": [{"name": "web"}]}, status=status)


def _make_the_second_ill(api: Api) -> None:
    """Break what belongs to web-prod, the projects and Argo CD itself."""
    application = one(api, "Application", "web-prod")
    finalizers = ["resources-finalizer.argocd.argoproj.io"]
    application["metadata"] |= {"deletionTimestamp": "2024-01-01T00:00:00Z", "finalizers": finalizers}
    application["status"]["health"]["status"] = "Degraded"
    application["status"]["resources"] = [
        {"kind": "Deployment", "name": "web", "health": {"status": "Degraded", "message": "no image"}}
    ]
    namespace = one(api, "Namespace", "web-prod")
    namespace["metadata"]["deletionTimestamp"] = now()
    why = {"type": "NamespaceFinalizersRemaining", "status": "True", "message": "Some content has finalizers"}
    namespace["status"] = {"phase": "Terminating", "conditions": [why]}
    one(api, "AppProject", "dev")["spec"]["destinations"] = []
    api.objects.remove(one(api, "AppProject", "prod"))
    for each in api.objects:
        if each["kind"] == "Pod" and each["metadata"]["namespace"] == "argocd":
            each["spec"]["containers"][0]["image"] = "quay.io/argoproj/argocd:v3.4.7"


def test_several_other_things(argosy: Argosy, api: Api, kubernetes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live = one(api, "Application", "web-dev")
    live["spec"]["source"]["targetRevision"] = "old"
    live["status"]["sync"]["status"] = "OutOfSync"
    live["status"]["resources"] = [
        {"kind": "Deployment", "name": "web", "status": "OutOfSync"},
        {"kind": "Service", "name": "old", "status": "OutOfSync", "requiresPruning": True},
        {"kind": "Service", "name": "web", "status": "Synced"},
    ]
    live["status"]["reconciledAt"] = "2024-01-01T00:00:00Z"
    other = one(api, "Application", "web-prod")
    del other["spec"]["syncPolicy"]["automated"]
    other["status"]["operationState"] = {
        **{"phase": "Running", "startedAt": "2024-01-01T00:00:00Z", "message": "waiting for completion of hook"},
    }
    one(api, "ConfigMap", "argocd-cm")["data"]["timeout.reconciliation"] = "0s"
    api.objects.remove(one(api, "Secret", "argocd-secret"))
    server = one(api, "Pod", "argocd-repo-server-0")
    server["status"]["conditions"][0]["status"] = "False"
    server["status"]["containerStatuses"][0]["state"] = {"waiting": {"reason": "CrashLoopBackOff"}}
    api.objects.remove(one(api, "Pod", "argocd-application-controller-0"))
    api.denied = {("create", "namespaces", "")}
    api.kubernetes = "1.34"
    source = {"source": live["spec"]["source"]}
    api.objects += [
        made(ARGO, "ApplicationSet", "applications", "argocd", spec={"template": {"spec": source}}),
        made(ARGO, "ApplicationSet", "theirs", "argocd", spec={"template": {"spec": {"source": {"repoURL": "x"}}}}),
        made(ARGO, "Application", "old-dev", "argocd", spec=source),
        *_of_another_repository(source),
    ]
    owner = {"apiVersion": ARGO, "kind": "ApplicationSet", "name": "applications", "uid": "1", "controller": True}
    live["metadata"]["ownerReferences"] = [owner]
    found = doctor(argosy, "--live")
    assert len(carry_out(found, api.objects, kubernetes, monkeypatch)) == 6

    gone = "reads this repository, and is not in it."
    left = {each["seen"]: each["command"] for each in found.check("left-over")["observations"]}
    assert left == {
        f"The ApplicationSet applications {gone} It makes web-dev, which Git declares too: the two undo each other.": (
            "kubectl --namespace argocd delete applicationset.argoproj.io applications --cascade=orphan"
        ),
        f"The Application old-dev {gone}": ("kubectl --namespace argocd delete application.argoproj.io old-dev"),
    }

    edited = {each["seen"]: each["applications"] for each in found.check("application")["observations"]}
    assert edited["source of the Application in the cluster is not what Git says."] == ["web-dev"]
    assert edited["syncPolicy of the Application in the cluster is not what Git says."] == ["web-prod"]
    differs = found.of("sync-status", "problem")
    assert differs["seen"] == "OutOfSync: Deployment/web and Service/old (to be pruned)."
    command, _, patch = differs["command"].partition(" --patch ")
    assert command == "kubectl --namespace argocd patch application.argoproj.io web-dev --type merge"
    # As it would sync itself: an operation does not look into the policy.
    policy = live["spec"]["syncPolicy"]
    assert policy["syncOptions"]
    sync = {"prune": True, "syncOptions": policy["syncOptions"]}
    assert json.loads(shlex.split(patch)[0]) == {"operation": {"sync": sync, "retry": policy["retry"]}}
    by_hand = found.of("changed-by-hand", "problem")
    assert "was synced in full, and the cluster differs" in by_hand["seen"]
    assert "selfHeal is on" in by_hand["advice"]
    assert by_hand["command"] == "argocd app diff web-dev"
    running = found.of("sync-operation", "problem")
    assert running["seen"] == "A sync is running since 2024-01-01T00:00:00Z: waiting for completion of hook"
    assert "timeout.reconciliation" in found.of("polling", "problem")["command"]
    assert "no argocd-secret" in found.of("webhook", "problem")["seen"]
    pods = [each for each in found.check("pods")["observations"] if each["state"] == "problem"]
    assert [each["seen"] for each in pods] == [
        "argocd-repo-server-0 is not ready (CrashLoopBackOff).",
        "There is no pod of argocd-application-controller in the namespace argocd.",
    ]
    assert pods[0]["command"].endswith("logs --selector app.kubernetes.io/name=argocd-repo-server --tail=100")
    assert "in the cluster: create namespaces" in found.of("service-account", "problem")["seen"]
    assert found.state("kubectl") == "problem"


def test_a_sync_by_hand_prunes_nothing_that_the_application_would_not(argosy: Argosy, api: Api) -> None:
    dev, prod = (one(api, "Application", f"web-{each}") for each in ("dev", "prod"))
    dev["spec"]["syncPolicy"] = {"automated": {"prune": False}, "syncOptions": ["Message='a b'"]}
    del prod["spec"]["syncPolicy"]
    for each in (dev, prod):
        each["status"]["sync"]["status"] = "OutOfSync"
    told = doctor(argosy, "--live").check("sync-status")["observations"]
    problems = {each["applications"][0]: each["command"] for each in told if each["state"] == "problem"}
    assert {name: json.loads(shlex.split(command)[-1]) for name, command in problems.items()} == {
        "web-dev": {"operation": {"sync": {"syncOptions": ["Message='a b'"]}}},
        "web-prod": {"operation": {"sync": {}}},
    }


def test_argo_cd_does_not_look_and_the_cluster_does_not_know_a_kind(argosy: Argosy, api: Api) -> None:
    one(api, "Application", "web-dev")["status"]["reconciledAt"] = "2024-01-01T00:00:00Z"
    del one(api, "Application", "web-prod")["status"]["reconciledAt"]
    api.without.add("deployments")
    told = doctor(argosy, "--live")
    found = [each for each in told.check("compared")["observations"] if each["state"] == "problem"]
    assert [each["seen"].split(",")[0] for each in found] == [
        "Argo CD looked last at 2024-01-01 00:00:00 UTC",
        "Argo CD has never looked at it: it has no reconciledAt.",
    ]
    kinds = told.of("kinds", "problem")
    assert "has no Deployment of apps" in kinds["seen"]
    assert kinds["applications"] == ["web-dev", "web-prod"]


def test_an_application_is_not_there_and_argo_cd_is_a_helm_release(argosy: Argosy, api: Api) -> None:
    api.objects.remove(one(api, "Application", "web-dev"))
    one(api, "Pod", "argocd-application-controller-0")["spec"]["serviceAccountName"] = "argo-controller"
    found = doctor(argosy, "--context", "test").of("application", "problem")
    assert found["applications"] == ["web-dev"]
    assert found["command"].startswith("kubectl --context test --namespace argocd patch application.argoproj.io root ")
    assert api.reviewed == {"system:serviceaccount:argocd:argo-controller"}


def test_nobody_looked_a_sync_runs_and_root_is_another(
    argosy: Argosy, api: Api, kubernetes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del one(api, "Application", "web-dev")["status"]
    status = one(api, "Application", "web-prod")["status"]
    status["sync"]["status"] = "OutOfSync"
    status["operationState"] = {"phase": "Running", "startedAt": now()}
    one(api, "Application", "root")["spec"]["syncPolicy"]["automated"]["prune"] = False
    of_some = {"spec": {"scopes": ["BestEffort"]}, "status": {"hard": {"pods": "0"}, "used": {"pods": "0"}}}
    none = {"hard": {"pods": "0", "services.nodeports": "0"}, "used": {"pods": "0", "services.nodeports": "0"}}
    api.objects += [
        made("v1", "ResourceQuota", "none", "web-dev", status=none),
        made("v1", "ResourceQuota", "best-effort", "web-prod", **of_some),
    ]
    found = doctor(argosy, "--live")
    assert len(carry_out(found, api.objects, kubernetes, monkeypatch)) == 1

    unseen = found.of("sync-status", "problem")
    assert (unseen["seen"], unseen["applications"]) == (
        "No controller has looked at it yet: it has no status.",
        ["web-dev"],
    )
    assert unseen["command"].endswith("logs --selector app.kubernetes.io/name=argocd-application-controller --tail=100")
    assert found.of("changed-by-hand", "unknown")["seen"] == "No controller has looked at it yet."
    (running,) = (each for each in found.check("sync-status")["observations"] if each["seen"].startswith("OutOfSync"))
    assert (running["state"], running["command"]) == ("ok", "argocd app get web-prod --show-operation")
    assert running["seen"].startswith("OutOfSync. A sync is running since 2")
    assert "argocd app terminate-op web-prod" in running["advice"]
    root = found.of("application", "problem")
    assert root["applications"] == ["root"]
    assert root["advice"] == (
        "No Application applies argocd/root.yaml, so that somebody has to: argosy bootstrap does that; or:"
    )
    assert root["command"].splitlines()[-1] == (
        "kubectl apply --server-side --force-conflicts --filename argocd/root.yaml"
    )
    barred = found.of("used", "problem")
    assert barred["seen"] == "The quota none in web-dev allows no pods, which what is deployed there needs."
    assert found.of("used", "ok")["seen"] == "The quota best-effort in web-prod has room; it allows no pods."


def test_what_is_left_alone_and_what_others_hold(
    argosy: Argosy, api: Api, kubernetes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    application = one(api, "Application", "web-dev")
    application["metadata"]["annotations"]["argocd.argoproj.io/skip-reconcile"] = "True"
    application["status"] |= {
        "reconciledAt": LONG_AGO,
        "sync": {**application["status"]["sync"], "status": "OutOfSync"},
    }
    both = ["resources-finalizer.argocd.argoproj.io/background", "acme.com/audit"]
    one(api, "Application", "web-prod")["metadata"] |= {"deletionTimestamp": LONG_AGO, "finalizers": both}
    one(api, "Application", "root")["metadata"] |= {"deletionTimestamp": LONG_AGO, "finalizers": both[1:]}
    found = doctor(argosy, "--live")
    assert len(carry_out(found, api.objects, kubernetes, monkeypatch)) == 3

    left = "see “reconciliation is not switched off”"
    for check in ("sync-status", "compared", "changed-by-hand"):
        assert left in found.of(check, "problem")["advice"], check
    assert found.of("paused", "problem")["command"].endswith("skip-reconcile-")
    stuck = {each["applications"][0]: each for each in found.check("stuck")["observations"]}
    assert "Argo CD first deletes what it deployed" in stuck["web-prod"]["advice"]
    assert stuck["web-prod"]["command"].endswith('"value":["acme.com/audit"]}]\'')
    assert stuck["root"]["seen"].endswith(
        "waits for acme.com/audit. Argo CD has nothing to do with that, and has done its part."
    )


def test_an_application_and_what_applies_it_are_not_there(argosy: Argosy, api: Api) -> None:
    for name in ("root", "web-dev", "web-prod"):
        api.objects.remove(one(api, "Application", name))
    found = doctor(argosy, "--live")
    absent = {tuple(each["applications"]): each for each in found.check("application")["observations"]}
    assert absent["root",]["command"].endswith("apply --server-side --force-conflicts --filename argocd/root.yaml")
    assert "The Application root applies it, and is not there either" in absent["web-dev", "web-prod"]["advice"]
    assert absent["root",]["command"] == absent["web-dev", "web-prod"]["command"]


def test_a_root_that_reads_elsewhere(argosy: Argosy, api: Api) -> None:
    one(api, "Application", "root")["spec"]["source"] |= {"path": "elsewhere"}
    assert doctor(argosy, "--live").state("application") == "problem"


def _of_another_repository(source: Object) -> list[Object]:
    """Return what another repository's Application has applied, which reads this one."""
    tools = [
        made(ARGO, "Application", "tool", "argocd", spec=source),
        made(ARGO, "ApplicationSet", "tools", "argocd", spec={"template": {"spec": source}}),
    ]
    for each in tools:
        tracked = f"their-root:argoproj.io/{each['kind']}:argocd/{each['metadata']['name']}"
        each["metadata"]["annotations"] = {"argocd.argoproj.io/tracking-id": tracked}
    return [made(ARGO, "Application", "their-root", "argocd", spec={"source": {"repoURL": "x"}}), *tools]


def test_an_old_commit_was_compared_and_namespaces_are_listed_one_by_one(
    argosy: Argosy, api: Api, repository: Path
) -> None:
    api.forbidden = {("events", ""), ("resourcequotas", ""), ("events", "web-prod")}
    about = {"involvedObject": {"kind": "Pod", "name": "web"}, "type": "Warning"}
    api.objects.append(made("v1", "Event", "a", "web-dev", reason="FailedMount", message="no such secret", **about))
    api.objects.append(_pod("web", {"reason": "ContainerCreating"}))
    before = git(repository, "rev-parse", "HEAD").strip()
    pushed(repository, "environments/dev/web/deployment.yaml", "kind: Deployment\n", "kind: Deployment # new\n")
    found = doctor(argosy, "--live")
    after = git(repository, "rev-parse", "HEAD").strip()

    seen = found.of("compared", "problem")
    assert seen["seen"] == f"Argo CD compared {before[:7]} last, and main of origin is at {after[:7]}."
    assert seen["applications"] == ["web-dev"]
    assert "argocd.argoproj.io/refresh=normal" in seen["command"]
    assert "touches nothing that is read" in found.of("compared", "ok")["seen"]
    assert found.of("events", "problem")["seen"] == "Pod/web in web-dev: no such secret"
    assert found.of("events", "unknown")["command"] == "kubectl auth can-i list events --namespace web-prod"
    assert found.state("used") == "ok"


def test_nobody_makes_the_namespace_and_a_service_account_is_impersonated(
    argosy: Argosy, repository: Path, api: Api
) -> None:
    api.objects = [each for each in api.objects if each["kind"] != "Namespace" or each["metadata"]["name"] == "argocd"]
    pushed(repository, "argocd/dev/web.yaml", "CreateNamespace=true", "CreateNamespace=false")
    one(api, "ConfigMap", "argocd-cm")["data"]["application.sync.impersonation.enabled"] = "true"
    one(api, "AppProject", "dev")["spec"]["destinationServiceAccounts"] = [
        {"server": "*", "namespace": "web-*", "defaultServiceAccount": "deployer"}
    ]
    found = doctor(argosy, "web", "--env", "dev", "--live").of("namespaces", "problem")
    assert found["command"] == "kubectl create namespace web-dev"
    assert api.reviewed == {"system:serviceaccount:web-dev:deployer"}


_SOURCE = "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code ="
CAUSES = {
    "one or more objects failed to apply: field is immutable": "sync-operation",
    "rpc error: code = Unknown desc = authentication required: Repository not found.": "git-access",
    "rpc error: Manifest generation error (cached): `helm template . --name` failed exit status 1": "generation",
    'deployments.apps is forbidden: User "x" cannot create resource "deployments"': "forbidden",
    "resource apps:Deployment is not permitted in project dev": "forbidden",
    'pods "web" is forbidden: exceeded quota: web, requested: pods=1, used: pods=2, limited: pods=2': "refused",
    # As the application controller of Argo CD 3.5.1 writes them: tests/cluster/argocd.
    f'{_SOURCE} FailedPrecondition desc = Failed to unmarshal "list.json": json: cannot unmarshal array': "generation",
    f"{_SOURCE} Unknown desc = kustomize version v4.5.7 is not registered": "generation",
    f"{_SOURCE} Unknown desc = failed to list refs: repository not found:": "git-access",
    f"{_SOURCE} Unknown desc = unable to resolve '1.*' to a commit SHA": "sync-operation",
    f"{_SOURCE} Unknown desc = elsewhere: app path does not exist": "sync-operation",
    f"{_SOURCE} Unknown desc = failed to initialize repository resources: rpc error: code = Internal desc = Failed to "
    "checkout revision abcdef1: `git fetch origin abcdef1` failed exit status 128: fatal: couldn't find remote ref "
    "abcdef1": "sync-operation",
    "application destination server 'https://kubernetes.default.svc' and namespace 'web-dev' do not match any of the "
    "allowed destinations in project 'dev'": "forbidden",
    'pods "web" is forbidden: error looking up service account web-dev/default: serviceaccount "default" not found': (
        "sync-operation"
    ),
}


def test_a_condition_goes_where_its_cause_is(argosy: Argosy, api: Api) -> None:
    status = one(api, "Application", "web-dev")["status"]
    status["conditions"] = [{"type": "ComparisonError", "message": message} for message in CAUSES]
    status["sync"]["status"] = "Unknown"
    found = doctor(argosy, "web", "--env", "dev", "--live")
    titles = {each["id"]: each["title"] for symptom in found.data["symptoms"] for each in symptom["checks"]}
    advice = found.of("sync-status", "problem")["advice"]
    assert all(f"“{titles[check]}”" in advice for check in CAUSES.values())
    assert set(found.problems()) == {"sync-status", *CAUSES.values()}
    for message, check in CAUSES.items():
        seen = {each["seen"]: each["state"] for each in found.check(check)["observations"]}
        assert seen[f"ComparisonError: {message}"] == "problem"


# What is not told


REFUSED = {
    ("appprojects", ""): ("projects-live", "kubectl auth can-i list appprojects.argoproj.io --all-namespaces"),
    ("configmaps", "argocd"): ("polling", "kubectl auth can-i get configmap/argocd-cm --namespace argocd"),
    ("secrets", "argocd"): ("webhook", "kubectl auth can-i get secret/argocd-secret --namespace argocd"),
    ("pods", "argocd"): ("pods", "kubectl auth can-i list pods --namespace argocd"),
    ("namespaces", ""): ("terminating", "kubectl auth can-i list namespaces --all-namespaces"),
}
APPLICATIONS = {
    ("applications", ""): ("sync-status", "kubectl auth can-i list applications.argoproj.io --all-namespaces")
}


@pytest.mark.parametrize("refused", [REFUSED, APPLICATIONS])
def test_what_one_may_not_see_is_said(
    argosy: Argosy, api: Api, refused: dict[tuple[str, str], tuple[str, str]]
) -> None:
    api.forbidden |= refused.keys()
    found = doctor(argosy, "--live")
    for check, command in refused.values():
        assert found.of(check, "unknown")["seen"].startswith("Cannot ")
        assert found.of(check, "unknown")["seen"].endswith(": forbidden.")
        assert found.of(check, "unknown")["command"] == command
    assert found.problems() == []


def test_argo_cd_is_not_installed(argosy: Argosy, api: Api) -> None:
    api.without |= {"applications", "appprojects", "applicationsets"}
    found = doctor(argosy, "--live")
    assert "Cannot list applications: unknown resource." in found.of("sync-status", "unknown")["seen"]
    assert found.of("sync-status", "unknown")["command"] == "argosy bootstrap"


def test_another_cluster(argosy: Argosy, kubernetes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = cloned(kubernetes)
    for name in ("dev", "prod"):
        path = root / f"argocd/{name}/web.yaml"
        path.write_text(path.read_text().replace("https://kubernetes.default.svc", f"https://{name}.example.com"))
    api = Api(deployed(root))
    with reached(api, kubernetes):
        found = doctor(argosy, "--repository", str(root), "--live")
        assert (
            "https://dev.example.com, which is not the cluster"
            in found.check("service-account")["observations"][0]["seen"]
        )
        assert found.state("used") == "unknown"


def test_clusters_that_argo_cd_is_to_know(argosy: Argosy, kubernetes: Path) -> None:
    root = cloned(kubernetes)
    listed = "clusters: [{name: eu1, server: https://eu1.example.com, labels: {region: eu}}]\n"
    commit(root, {"clusters.yaml": listed})
    for name, to in (("dev", "name: eu1"), ("prod", "server: https://prod.example.com")):
        path = root / f"argocd/{name}/web.yaml"
        path.write_text(path.read_text().replace('server: "https://kubernetes.default.svc"', to))
    api = Api(deployed(root))
    with reached(api, kubernetes):
        asked = ("--repository", str(root), "--live")
        absent = doctor(argosy, *asked).check("clusters")["observations"]
        assert {each["seen"]: each["command"] for each in absent} == {
            "It has no Secret of eu1.": "argocd cluster add CONTEXT --name eu1 --label region=eu --label cluster=eu1",
            "It has no Secret of https://prod.example.com.": "argocd cluster add CONTEXT",
        }
        label = {"argocd.argoproj.io/secret-type": "cluster"}
        for name, server in (("eu1", "https://eu1.example.com"), ("live", "https://prod.example.com")):
            said = {
                key: base64.b64encode(each.encode()).decode() for key, each in {"name": name, "server": server}.items()
            }
            api.objects.append(made("v1", "Secret", name, "argocd", metadata={"labels": label}, data=said))
        found = doctor(argosy, *asked)
        assert (
            "does not have the labels of eu1 as they are declared: cluster and region."
            in found.of("clusters", "problem")["seen"]
        )
        assert found.of("clusters", "ok")["seen"] == "It knows https://prod.example.com."
        one(api, "Secret", "eu1")["metadata"]["labels"] |= {"cluster": "eu1", "region": "eu"}
        assert doctor(argosy, *asked).state("clusters") == "ok"


def test_an_order_of_rollout_that_argo_cd_does_not_keep(argosy: Argosy, kubernetes: Path) -> None:
    root = cloned(kubernetes)
    how = ("--commit", "--no-validate", "--repository", str(root))
    for name in ("eu1", "us1"):
        assert argosy("add", "cluster", name, "--server", f"https://{name}", *how).code == 0
    assert argosy("set", "env", "prod", "clusters=eu1,us1", "rollout=cluster", "--yes", *how).code == 0
    api = Api(deployed(root))
    one(api, "Application", "web-prod-eu1")["spec"]["syncPolicy"]["automated"]["enabled"] = False
    with reached(api, kubernetes):
        asked = ("web", "--env", "prod", "--repository", str(root), "--live")
        found = doctor(argosy, *asked)
        assert (
            "does not set applicationsetcontroller.enable.progressive.syncs" in found.of("rollout", "problem")["seen"]
        )
        assert (
            "rollout restart deployment argocd-applicationset-controller" in found.of("rollout", "problem")["command"]
        )
        assert found.state("application") == "ok"
        on = {"applicationsetcontroller.enable.progressive.syncs": "true"}
        api.objects.append(made("v1", "ConfigMap", "argocd-cmd-params-cm", "argocd", data=on))
        assert doctor(argosy, *asked).state("rollout") == "ok"


def test_the_cluster_that_is_deployed_to(argosy: Argosy, kubernetes: Path) -> None:
    root, api = cloned(kubernetes), Api()
    path = root / "argocd/dev/web.yaml"
    with reached(api, kubernetes):
        url = (kubernetes / "kubeconfig").read_text().split('"server": "')[1].split('"')[0]
        path.write_text(path.read_text().replace("https://kubernetes.default.svc", url))
        api.objects += deployed(root)
        doctor(argosy, "web", "--env", "dev", "--repository", str(root), "--live")
        assert api.reviewed == {"system:serviceaccount:kube-system:argocd-manager"}


def test_an_applicationset_that_fails(argosy: Argosy, kubernetes: Path) -> None:
    root = cloned(kubernetes, model(argocd=ArgocdStyle.APPLICATIONSET))
    api = Api(deployed(root))
    api.objects.remove(one(api, "Application", "web-dev"))
    with reached(api, kubernetes):
        seen = doctor(argosy, "--repository", str(root), "--live").of("application", "problem")["seen"]
        assert "It does not have the ApplicationSet “applications” either" in seen
        failed = {"type": "ErrorOccurred", "status": "True", "message": "no such branch"}
        there = made(ARGO, "ApplicationSet", "applications", "argocd", status={"conditions": [failed]})
        api.objects.append(there)
        found = doctor(argosy, "--repository", str(root), "--live").of("application", "problem")
    assert found["seen"].endswith("The ApplicationSet says: no such branch")
    assert found["command"].endswith("describe applicationset applications")


def test_a_cluster_that_is_not_there(argosy: Argosy, repository: Path, kubernetes: Path) -> None:
    kubeconfig(kubernetes / "kubeconfig", "http://127.0.0.1:1")
    found = doctor(argosy, "--live")
    assert "cluster unreachable" in found.of("sync-status", "unknown")["seen"]
    assert found.code == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(("--context", "green"), "has no context “green”"), (("--live",), "No cluster is configured")],
)
def test_a_context_that_is_not_there(
    argosy: Argosy, repository: Path, kubernetes: Path, arguments: tuple[str, ...], told: str
) -> None:
    if "--context" in arguments:
        kubeconfig(kubernetes / "kubeconfig", "http://127.0.0.1:1")
    result = argosy("doctor", *arguments)
    assert (result.code, result.out) == (2, "")
    assert told in result.err
