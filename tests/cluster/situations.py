"""What goes wrong in clusters, each as an application of its own, with Argo CD's objects as its controllers write them.

The messages are those of Argo CD 3.5's code. What Kubernetes says, its own controllers write: quotas, refusals, events.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]
LONG_AGO = "2024-01-01T00:00:00Z"
MOMENTS = {"startedAt": LONG_AGO, "finishedAt": LONG_AGO}
_RPC = "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = Unknown desc = "
_GET = "argocd app get {name}-dev"
_LOGS = "kubectl --context real --namespace argocd logs"
_DESCRIBE = "kubectl --context real --namespace argocd describe application.argoproj.io {name}-dev"
_EVENTS = "kubectl --context real --namespace {name}-dev get events --sort-by=.lastTimestamp"
_POD = "kubectl --context real --namespace {name}-dev"


@dataclass(frozen=True)
class Situation:
    """Something that is wrong, and what there is to say about it first."""

    name: str
    """The application's."""
    seen: str
    """What `argosy doctor` says to begin with has this, in which `{name}` is the application's name."""
    command: str
    """What it says to do next has this."""
    status: Mapping[str, Any] = field(default_factory=dict)
    """What differs from the status of an Application of which all is well."""
    change: Callable[[Object], object] = lambda _: None
    """What else differs in the Application."""
    objects: Sequence[Object] = ()
    """What is in its namespace."""
    awaited: str = ""
    """What the namespace's events, Pods or conditions tell once Kubernetes' controllers have been there."""
    labels: Mapping[str, str] | None = field(default_factory=dict)
    """Those of its namespace; None: there is no namespace."""
    in_git: tuple[str, str] = ("", "")
    """What is otherwise in the Application's file."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Which files Git has besides."""
    deleted: str = ""
    """`Application` or `Namespace`: what is being deleted."""
    live: tuple[str, str, str] = ("Synced", "Healthy", "")
    """The sync, the health and a part of the message that `argosy status --live` shows."""


def made(api_version: str, kind: str, name: str, **fields: Any) -> Object:
    """Return an object."""
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, **fields.pop("metadata", {})}, **fields}


def deployment(*, tag: str = "1", replicas: int = 1, **container: Any) -> Object:
    """Return a Deployment of one container."""
    labels = {"app": "web"}
    containers = [{"name": "web", "image": f"ghcr.io/acme/web:{tag}", **container}]
    pod = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": pod}
    return made("apps/v1", "Deployment", "web", spec=spec)


def quota(**hard: str) -> Object:
    """Return a ResourceQuota."""
    return made(
        "v1", "ResourceQuota", "web", spec={"hard": {key.replace("_", "."): each for key, each in hard.items()}}
    )


def told(kind: str, message: str) -> Object:
    """Return the status of an Application that could not be compared."""
    condition = {"type": kind, "message": message, "lastTransitionTime": LONG_AGO}
    return {"conditions": [condition], "sync": {"status": "Unknown"}, "health": {"status": "Unknown"}}


def differs(*resources: tuple[str, str], **more: Any) -> Object:
    """Return the status of an Application that is OutOfSync in some resources."""
    listed = [{"version": "v1", "kind": kind, "name": name, "status": "OutOfSync"} for kind, name in resources]
    return {"sync": {"status": "OutOfSync", "revision": "{revision}"}, "resources": listed, **more}


def ended(phase: str, message: str, /, **result: Any) -> Object:
    """Return how an operation ended."""
    resources = [{"group": "", "version": "v1", "syncPhase": "Sync", **result}] if result else []
    synced = {"revision": "{revision}", "resources": resources}
    return {"operationState": {"phase": phase, "message": message, "syncResult": synced, **MOMENTS}}


def _without(*path: str) -> Callable[[Object], object]:
    def change(application: Object) -> None:
        *above, last = path
        for each in above:
            application = application[each]
        del application[last]

    return change


def _with(part: str, **values: Any) -> Callable[[Object], object]:
    def change(application: Object) -> None:
        for name, value in values.items():
            application[part][name] = {**application[part].get(name, {}), **value} if isinstance(value, dict) else value

    return change


_IMMUTABLE = (
    'Deployment.apps "web" is invalid: spec.selector: Invalid value: {"matchLabels":{"app":"web"}}: field is immutable'
)
_SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: other}\nspec: {clusterIP: None, selector: {app: stale}}\n"
_UNKNOWN_KIND = (
    "The Kubernetes API could not find acme.com/Widget for requested resource custom-dev/web. Make sure the "
    '"Widget" CRD is installed on the destination cluster.'
)
_POLICY = made(
    *("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", "no-latest"),
    spec={
        "failurePolicy": "Fail",
        "matchConstraints": {
            "resourceRules": [
                {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
            ]
        },
        "validations": [
            {"expression": "object.spec.containers.all(c, !c.image.endsWith(':latest'))", "message": "Pin the image."}
        ],
    },
)
_BINDING = made(
    *("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding", "no-latest"),
    spec={
        "policyName": "no-latest",
        "validationActions": ["Deny"],
        "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "policy-dev"}}},
    },
)
POLICY = (_POLICY, _BINDING)
"""What refuses the Pods of a situation, once the API server has compiled it."""
ALL = (
    # Git, and what is made of it.
    Situation(
        "credential",
        "ComparisonError: Failed to load target state",
        f"{_LOGS} deployment/argocd-repo-server --tail=100",
        told("ComparisonError", f"{_RPC}failed to list refs: authentication required: Repository not found."),
        live=("Unknown", "Unknown", "authentication required"),
    ),
    Situation(
        "render",
        "`helm template . --name-template render-dev` failed exit status 1: Error: values don't meet",
        _DESCRIBE,
        told(
            "ComparisonError",
            f"{_RPC}Manifest generation error (cached): failed to execute helm template command: failed to get command "
            "args to log: `helm template . --name-template render-dev` failed exit status 1: Error: values don't meet "
            "the specifications of the schema(s)",
        ),
        live=("Unknown", "Unknown", "helm template"),
    ),
    Situation(
        "revision",
        "unable to resolve 'v9' to a commit SHA",
        _DESCRIBE,
        told("ComparisonError", f"{_RPC}unable to resolve 'v9' to a commit SHA"),
        live=("Unknown", "Unknown", "unable to resolve"),
    ),
    Situation(
        "stale",
        "Argo CD compared {old} last, and main of origin is at {new}.",
        "annotate application.argoproj.io stale-dev argocd.argoproj.io/refresh=normal --overwrite",
        {"sync": {"status": "Synced", "revision": "{before}"}},
        files={"environments/dev/stale/other.yaml": _SERVICE},
    ),
    Situation(
        "late",
        "Argo CD looked last at 2024-01-01 00:00:00 UTC, although it should every",
        "annotate application.argoproj.io late-dev argocd.argoproj.io/refresh=normal --overwrite",
        {"reconciledAt": LONG_AGO},
    ),
    # Projects and clusters.
    Situation(
        "destination",
        "do not match any of the allowed destinations in project 'dev'",
        _DESCRIBE,
        told(
            "InvalidSpecError",
            "application destination server 'https://kubernetes.default.svc' and namespace 'destination-dev' do not "
            "match any of the allowed destinations in project 'dev'",
        ),
        live=("Unknown", "Unknown", "do not match"),
    ),
    Situation(
        "projectless",
        "Application referencing project dev which does not exist",
        _DESCRIBE,
        told("InvalidSpecError", "Application referencing project dev which does not exist"),
        live=("Unknown", "Unknown", "does not exist"),
    ),
    Situation(
        "kind",
        "Job/web: resource batch:Job is not permitted in project dev",
        _DESCRIBE,
        differs(
            ("Job", "web"),
            **ended(
                *("Failed", "one or more synchronization tasks are not valid"),
                **{"group": "batch", "kind": "Job", "name": "web", "status": "SyncFailed"},
                message="resource batch:Job is not permitted in project dev",
            ),
        ),
        live=("OutOfSync", "Healthy", "not valid"),
    ),
    # The Application in the cluster.
    Situation(
        "edited",
        "source of the Application in the cluster is not what Git says.",
        "patch application.argoproj.io root --type merge --patch",
        change=lambda each: each["spec"]["source"].update(targetRevision="hotfix"),
    ),
    Situation(
        "unseen",
        "No controller has looked at it yet: it has no status.",
        f"{_LOGS} --selector app.kubernetes.io/name=argocd-application-controller --tail=100",
        change=_without("status"),
        live=("Unknown", "Unknown", "no controller has looked at it yet"),
    ),
    Situation(
        "paused",
        "The Application in the cluster has the annotation argocd.argoproj.io/skip-reconcile",
        "annotate application.argoproj.io paused-dev argocd.argoproj.io/skip-reconcile-",
        differs(("Deployment", "web")),
        _with("metadata", annotations={"argocd.argoproj.io/skip-reconcile": "true"}),
        live=("OutOfSync", "Healthy", ""),
    ),
    # Syncs.
    Situation(
        "immutable",
        "Deployment/web: Deployment.apps",
        _DESCRIBE,
        differs(
            ("Deployment", "web"),
            **ended(
                *("Failed", "one or more objects failed to apply, reason: " + _IMMUTABLE),
                **{"group": "apps", "kind": "Deployment", "name": "web", "status": "SyncFailed", "message": _IMMUTABLE},
            ),
        ),
        live=("OutOfSync", "Healthy", "field is immutable"),
    ),
    Situation(
        "hook",
        "Job/migrate: Job has reached the specified backoff limit",
        _DESCRIBE,
        differs(
            ("Deployment", "web"),
            **ended(
                *("Failed", "one or more synchronization tasks completed unsuccessfully"),
                **{"group": "batch", "kind": "Job", "name": "migrate", "hookType": "PreSync", "hookPhase": "Failed"},
                message="Job has reached the specified backoff limit",
            ),
        ),
        live=("OutOfSync", "Healthy", "unsuccessfully"),
    ),
    Situation(
        "endless",
        "A sync is running since 2024-01-01T00:00:00Z: waiting for completion of hook batch/Job/migrate",
        _DESCRIBE,
        differs(
            ("Deployment", "web"),
            operationState={
                **{"phase": "Running", "startedAt": LONG_AGO},
                "message": "waiting for completion of hook batch/Job/migrate",
            },
        ),
        live=("OutOfSync", "Healthy", ""),
    ),
    Situation(
        "again",
        "The sync is tried again and again: one or more objects failed to apply",
        _DESCRIBE,
        differs(
            ("Service", "web"),
            operationState={
                **{"phase": "Running", "startedAt": LONG_AGO, "retryCount": 3},
                "message": "one or more objects failed to apply, reason: port is taken. Retrying attempt #3 at 3:04PM.",
            },
        ),
        live=("OutOfSync", "Healthy", ""),
    ),
    Situation(
        "fought",
        "was synced in full, and the cluster differs from it again.",
        "argocd app diff fought-dev",
        differs(("Deployment", "web")),
        live=("OutOfSync", "Healthy", ""),
    ),
    Situation(
        "shared",
        "SharedResourceWarning: ConfigMap/web is part of applications argocd/shared-dev and other-dev",
        _DESCRIBE,
        {
            "conditions": [
                {
                    "type": "SharedResourceWarning",
                    "message": "ConfigMap/web is part of applications argocd/shared-dev and other-dev",
                    "lastTransitionTime": LONG_AGO,
                }
            ]
        },
    ),
    # Deletions.
    Situation(
        "deleted",
        "and waits for resources-finalizer.argocd.argoproj.io.",
        "patch application.argoproj.io deleted-dev --type json --patch",
        change=_with("metadata", finalizers=["resources-finalizer.argocd.argoproj.io"]),
        deleted="Application",
    ),
    Situation(
        "held",
        "and waits for acme.com/audit. Argo CD has nothing to do with that, and has done its part.",
        "patch application.argoproj.io held-dev --type json --patch",
        change=_with("metadata", finalizers=["acme.com/audit"]),
        deleted="Application",
    ),
    Situation(
        "terminating",
        "terminating-dev is Terminating since",
        "get --ignore-not-found --show-kind",
        objects=[made("v1", "ConfigMap", "held", metadata={"finalizers": ["acme.com/audit"]})],
        awaited="Some content in the namespace has finalizers remaining",
        deleted="Namespace",
    ),
    # What the cluster refuses.
    Situation(
        "homeless",
        "There is no namespace homeless-dev.",
        "kubectl --context real create namespace homeless-dev",
        labels=None,
        in_git=("CreateNamespace=true", "CreateNamespace=false"),
        change=_with(
            "spec",
            syncPolicy={"syncOptions": ["CreateNamespace=false", "PruneLast=true", "RespectIgnoreDifferences=true"]},
        ),
    ),
    Situation(
        "custom",
        "The cluster has no Widget of acme.com: its CustomResourceDefinition is not installed.",
        "kubectl --context real api-resources --api-group=acme.com",
        differs(
            ("Widget", "web"),
            **ended(
                *("Failed", "one or more synchronization tasks are not valid"),
                **{"group": "acme.com", "kind": "Widget", "name": "web", "status": "SyncFailed"},
                message=_UNKNOWN_KIND,
            ),
        ),
        files={"environments/dev/custom/widget.yaml": "apiVersion: acme.com/v1\nkind: Widget\nmetadata: {name: web}\n"},
        live=("OutOfSync", "Healthy", "not valid"),
    ),
    Situation(
        "full",
        "The quota web in full-dev is used up: pods 1 of 1.",
        "kubectl --context real --namespace full-dev describe resourcequota web",
        {"health": {"status": "Progressing"}},
        objects=[quota(pods="1"), deployment(replicas=2)],
        awaited="exceeded quota: web, requested: pods=1, used: pods=1, limited: pods=1",
        live=("Synced", "Progressing", ""),
    ),
    Situation(
        "barred",
        "The quota web in barred-dev allows no pods, which what is deployed there needs.",
        "kubectl --context real --namespace barred-dev describe resourcequota web",
        {"health": {"status": "Progressing"}},
        objects=[quota(pods="0", services_loadbalancers="0"), deployment()],
        awaited="exceeded quota: web, requested: pods=1, used: pods=0, limited: pods=0",
        live=("Synced", "Progressing", ""),
    ),
    Situation(
        "limited",
        "maximum memory usage per Container is 64Mi, but limit is 1Gi",
        _EVENTS,
        {"health": {"status": "Progressing"}},
        objects=[
            made("v1", "LimitRange", "web", spec={"limits": [{"type": "Container", "max": {"memory": "64Mi"}}]}),
            deployment(resources={"limits": {"memory": "1Gi"}}),
        ],
        awaited="maximum memory usage per Container",
        live=("Synced", "Progressing", ""),
    ),
    Situation(
        "insecure",
        'violates PodSecurity "restricted:latest"',
        _EVENTS,
        {"health": {"status": "Progressing"}},
        objects=[deployment(securityContext={"privileged": True})],
        awaited="violates PodSecurity",
        labels={"pod-security.kubernetes.io/enforce": "restricted"},
        live=("Synced", "Progressing", ""),
    ),
    Situation(
        "policy",
        "ValidatingAdmissionPolicy 'no-latest' with binding 'no-latest' denied request: Pin the image.",
        _EVENTS,
        {"health": {"status": "Progressing"}},
        objects=[deployment(tag="latest")],
        awaited="denied request: Pin the image.",
        live=("Synced", "Progressing", ""),
    ),
    # What does not run.
    Situation(
        "image",
        "web ImagePullBackOff (no such manifest: ghcr.io/acme/web:missing).",
        f"{_POD} describe pod web-",
        {"health": {"status": "Degraded"}},
        objects=[deployment(tag="missing")],
        awaited="ImagePullBackOff",
        live=("Synced", "Degraded", ""),
    ),
    Situation(
        "crash",
        "web CrashLoopBackOff, it ended with exit code 1 (Error)",
        "--container web --previous",
        {"health": {"status": "Degraded"}},
        objects=[deployment(tag="crashing")],
        awaited="CrashLoopBackOff",
        live=("Synced", "Degraded", ""),
    ),
    Situation(
        "secret",
        'web CreateContainerConfigError (secret "web" not found).',
        f"{_POD} describe pod web-",
        {"health": {"status": "Progressing"}},
        objects=[deployment(tag="secretless")],
        awaited="CreateContainerConfigError",
        live=("Synced", "Progressing", ""),
    ),
)
