"""What the cluster says of the Applications: whether they are those in Git, their sync and health, their kinds."""

from __future__ import annotations

import copy
import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from argosy.argocd.applicationsets.applications import CASCADE
from argosy.argocd.matching import applied, is_argocd, sync_options, tracker
from argosy.argocd.sources import normalise
from argosy.argocd.view import ArgoApplication
from argosy.doctor.case import (
    PAUSED,
    Case,
    elsewhere,
    is_in,
    is_paused,
    is_rolled,
    kinds_of,
    live,
    namespace_of,
    syncing,
)
from argosy.doctor.complaints import TITLES, Topic, told, topic_of
from argosy.doctor.diagnosis import Observation, ok, problem, unknown
from argosy.doctor.drift import automated
from argosy.documents import Document
from argosy.documents.fields import field, group_and_kind, mapping, sequence, text
from argosy.kubernetes import manifests
from argosy.kubernetes.cluster import Cluster
from argosy.kubernetes.manifests import Manifest
from argosy.names import joined
from argosy.reporting.wording import number
from argosy.repository import layout
from argosy.schemas.store import without_nulls


def same(case: Case, cluster: Cluster) -> Iterator[Observation]:
    cluster.applications()
    for application in case.applications:
        found = live(application, cluster)
        if found is None:
            yield from _absent(case, application, cluster)
            continue
        rolled = is_rolled(application)
        changed = differences(*(_compared(each, rolled) for each in (application.spec, mapping(found.get("spec")))))
        about = (application.name,)
        if changed and not _is_narrowed(found, application.spec):
            seen = f"{joined(changed, 3)} of the Application in the cluster is not what Git says."
            yield problem(seen, *bring_in(case, application.document, cluster), about)
        else:
            yield ok("The Application is as Git has it.", applications=about)


def _is_narrowed(found: Manifest, declared: Mapping[str, Any]) -> bool:
    """Return whether a root differs from Git as `argosy bootstrap --env` has it: it reads one environment's folder."""
    include = field(found, "spec", "source", "directory", "include")
    there = copy.deepcopy({name: field(found, "spec", name) for name in _COMPARED})
    if not include or field(declared, "source", "directory", "include"):
        return False
    del there["source"]["directory"]["include"]
    return not differences({name: declared.get(name) for name in _COMPARED}, there)


def bring_in(case: Case, document: Document, cluster: Cluster) -> tuple[str, str]:
    """Return how what a document says gets into the cluster: the advice, and the command."""
    maker = case.maker(document)
    if maker is None and document.is_rendered:
        return "No Application applies it: apply what renders it.", ""
    if maker is None:
        file, kubectl = f"--filename {shlex.quote(document.path)}", cluster.kubectl()
        by_argosy = (
            "argosy bootstrap does that; or:" if document.path == layout.ROOT_APPLICATION else "look, and do it:"
        )
        advice = f"No Application applies {document.path}, so that somebody has to: {by_argosy}"
        return advice, f"{kubectl} diff {file}\n{kubectl} apply --server-side --force-conflicts {file}"
    found, namespace = live(maker, cluster), namespace_of(maker)
    if found is None:
        advice = f"The Application {maker.name} applies it, and is not there either: begin with that one."
        return advice, bring_in(case, maker.document, cluster)[1] if maker.document is not document else ""
    if is_paused(found):
        return f"The Application {maker.name} applies it, and Argo CD leaves that alone: see “{PAUSED}”.", ""
    if running := syncing(found):
        command = f"{cluster.kubectl(namespace)} describe application.argoproj.io {maker.name}"
        return f"The Application {maker.name} applies it. {running} Wait for its end:", command
    advice = f"The Application {maker.name} applies it: see why it does not, or sync it:"
    return advice, _sync(cluster, namespace, maker.name)


_COMPARED = ("project", "source", "sources", "destination", "syncPolicy", "ignoreDifferences")


def differences(declared: Mapping[str, Any], there: Mapping[str, Any]) -> list[str]:
    """Return the fields that a cluster has otherwise than Git; what is empty may as well not be there."""
    return [name for name in sorted({*declared, *there}) if _bare(declared.get(name)) != _bare(there.get(name))]


def _compared(spec: Mapping[str, Any], rolled: bool) -> Mapping[str, Any]:
    found = {name: spec[name] for name in _COMPARED if name in spec}
    if rolled:  # Argo CD switches the automatic sync off.
        policy = mapping(found.get("syncPolicy"))
        found["syncPolicy"] = {name: value for name, value in policy.items() if name != "automated"}
    return found


def _bare(value: Any) -> Any:
    """Return a value without what means the same as not being there."""
    if isinstance(value, dict):
        kept = {key: _bare(each) for key, each in without_nulls(value).items() if key != "jwtTokens"}
        # `automated: {}` means something.
        return {
            key: each
            for key, each in kept.items()
            if each not in ("", []) and (each is not False or key == "enabled") and (each != {} or key == "automated")
        }
    if isinstance(value, list):
        return [_bare(each) for each in value]
    return None if value in ("", [], {}) else value


def _sync(cluster: Cluster, namespace: str, name: str) -> str:
    """Return the command that syncs an Application as it would sync itself.

    An operation does not look into the Application's syncPolicy: what it does not say is off.
    """
    policy = mapping(field(cluster.applications().get((namespace, name)), "spec", "syncPolicy"))
    said = {"prune": field(policy, "automated", "prune") is True, "syncOptions": sequence(policy.get("syncOptions"))}
    operation = {"sync": {key: value for key, value in said.items() if value}, "retry": mapping(policy.get("retry"))}
    patch = json.dumps({"operation": {key: value for key, value in operation.items() if value or key == "sync"}})
    where = cluster.kubectl(namespace)
    return f"{where} patch application.argoproj.io {name} --type merge --patch {shlex.quote(patch)}"


def _absent(case: Case, application: ArgoApplication, cluster: Cluster) -> Iterator[Observation]:
    seen, about = "The cluster has no such Application.", (application.name,)
    if not is_in(application, cluster):
        # With an Argo CD in each cluster, another one's Applications are not this one's.
        advice = "Where each cluster has an Argo CD of its own, ask that cluster."
        yield unknown(f"{seen} It deploys to another cluster.", advice, f"{case.choice.command} --context NAME", about)
        return
    if application.prefix:
        name = text(field(application.document.data, "metadata", "name"))
        maker = cluster.application_sets().get((namespace_of(application), name))
        if maker is not None:
            advice = f"Its ApplicationSet “{name}” makes it: see what that one says."
            command = f"{cluster.kubectl(namespace_of(application))} describe applicationset {name}"
            yield problem(f"{seen}{_set_trouble(maker)}", advice, command, about)
            return
        seen = f"{seen} It does not have the ApplicationSet “{name}” either."
    yield problem(seen, *bring_in(case, application.document, cluster), about)


def _set_trouble(found: Manifest) -> str:
    for condition in map(mapping, sequence(field(found, "status", "conditions"))):
        if condition.get("type") == "ErrorOccurred" and condition.get("status") == "True":
            return f" The ApplicationSet says: {text(condition.get('message'))}"
    return "" if found.get("status") else " No controller has looked at the ApplicationSet yet: it has no status."


def status(case: Case, cluster: Cluster) -> Iterator[Observation]:
    for application in case.applications:
        found = live(application, cluster)
        if found is None:
            yield unknown("The cluster has no such Application.", applications=(application.name,))
            continue
        if field(found, "status", "sync", "status"):
            yield _of_sync(application, found, cluster)
            yield from _of_health(application, found, cluster)
        else:
            yield _unseen(application, found, cluster)


def _unseen(application: ArgoApplication, found: Manifest, cluster: Cluster) -> Observation:
    """Return why nothing is said of an Application that no controller has written a status of."""
    seen, about = "No controller has looked at it yet: it has no status.", (application.name,)
    if is_paused(found):
        return problem(seen, f"It is left alone: see “{PAUSED}”.", "", about)
    namespace = namespace_of(application)
    also = f" and watches the namespace {namespace} (application.namespaces in argocd-cmd-params-cm)"
    advice = (
        f"Unless it is new, see that the application controller runs{also if namespace != cluster.namespace else ''}:"
    )
    where = "logs --selector app.kubernetes.io/name=argocd-application-controller --tail=100"
    return problem(seen, advice, f"{cluster.kubectl(cluster.namespace)} {where}", about)


def _of_sync(application: ArgoApplication, found: Manifest, cluster: Cluster) -> Observation:
    status = text(field(found, "status", "sync", "status"))
    about = (application.name,)
    if status == "Synced":
        return ok("Synced.", applications=about)
    differing = [
        f"{each.get('kind')}/{each.get('name')}{' (to be pruned)' if each.get('requiresPruning') else ''}"
        for each in map(mapping, sequence(field(found, "status", "resources")))
        if each.get("status") == "OutOfSync"
    ]
    seen = f"{status}: {joined(differing, 5)}." if differing else f"{status}."
    topics = {topic_of(each) for each in told(found)}
    where = joined([f"“{TITLES[topic]}”" for topic in Topic if topic in topics])
    if status == "Unknown":
        advice = f"Argo CD could not compare. Why: see {where}." if where else "Argo CD could not compare. See:"
        return problem(seen, advice, f"argocd app get {application.name}", about)
    if is_paused(found):
        return problem(seen, f"It is not synced, nor compared again: see “{PAUSED}”.", "", about)
    if running := syncing(found):
        # A second one is refused, and with kubectl it would change the first.
        command = f"argocd app get {application.name} --show-operation"
        return ok(
            f"{seen} {running}",
            f"Wait for its end; if it hangs, argocd app terminate-op {application.name}.",
            command,
            about,
        )
    command = _sync(cluster, namespace_of(application), application.name)
    if automated(application) is None:
        return problem(
            f"{seen} It is not synced automatically.", "Look at the difference, and sync it.", command, about
        )
    why = f"Why: see {where}" if where else f"See what differs: argocd app diff {application.name}"
    advice = f"{why}. Then sync it by hand:"
    return problem(seen, advice, command, about)


def _of_health(application: ArgoApplication, found: Manifest, cluster: Cluster) -> Iterator[Observation]:
    health = text(field(found, "status", "health", "status")) or "Unknown"
    about = (application.name,)
    if health in {"Healthy", "Progressing", "Suspended"}:
        yield ok(f"{health}.", applications=about)
        return
    ill = [
        f"{each.get('kind')}/{each.get('name')}: {field(each, 'health', 'message') or field(each, 'health', 'status')}"
        for each in map(mapping, sequence(field(found, "status", "resources")))
        if field(each, "health", "status") in {"Degraded", "Missing", "Unknown"}
    ]
    namespace = text(field(application.spec, "destination", "namespace"))
    yield problem(
        f"{health}{': ' if ill else ''}{joined(ill, 3)}.",
        "It is deployed, at least in part, but does not run: see the events.",
        f"{cluster.kubectl(namespace)} get events --sort-by=.lastTimestamp",
        about,
    )


def left_over(case: Case, cluster: Cluster) -> Iterator[Observation]:
    """Yield the Applications and ApplicationSets in the cluster that read this repository and are not in Git.

    What an Application of another repository has applied is none of these: there it is in Git.
    """
    in_git = {
        text(field(each.data, "metadata", "name"))
        for documents in (case.view.documents, *case.view.rendered.values())
        for each in documents
        if is_argocd(each, "ApplicationSet")
    }
    declared = {each.name for each in case.view.applications}
    chosen = {each.name for each in case.applications}
    gone = "reads this repository, and is not in it."
    others = {name for (_, name), each in cluster.applications().items() if not _reads(each, case)}
    made: dict[str, list[str]] = {}
    for (_, name), each in cluster.applications().items():
        owners = map(mapping, sequence(field(each, "metadata", "ownerReferences")))
        maker = next((text(one.get("name")) for one in owners if one.get("kind") == "ApplicationSet"), "")
        made.setdefault(maker, []).append(name)
    for (namespace, name), found in cluster.application_sets().items():
        makes = made.get(name, [])
        is_own = name not in in_git and _reads(found, case) and tracker(found) not in others
        if is_own and (chosen >= declared or not chosen.isdisjoint(makes)):
            seen, both = f"The ApplicationSet {name} {gone}", sorted(declared.intersection(makes))
            if both:
                seen += f" It makes {joined(both, 3)}, which Git declares too: the two undo each other."
            command = f"{cluster.kubectl(namespace)} delete applicationset.argoproj.io {name} --cascade=orphan"
            yield problem(seen, "Delete it, and keep the Applications that it has made:", command, both)
    for (namespace, name), found in cluster.applications().items() if chosen >= declared else ():
        is_own = name not in declared and _reads(found, case) and tracker(found) not in others
        if is_own and name in made.get("", ()):
            finalizers = [text(each) for each in sequence(field(found, "metadata", "finalizers"))]
            cascades = any(each.startswith(CASCADE) for each in finalizers)
            fate = "deletes what it deployed too: it has a finalizer" if cascades else "leaves what it deployed"
            command = f"{cluster.kubectl(namespace)} delete application.argoproj.io {name}"
            yield problem(f"The Application {name} {gone}", f"If nobody needs it, delete it, which {fate}:", command)


def _reads(found: Manifest, case: Case) -> bool:
    """Return whether an Application or an ApplicationSet reads this repository, wherever it names it."""
    return any(normalise(url) in case.view.urls for url in _urls(found.get("spec")))


def _urls(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        yield text(data.get("repoURL"))
    for each in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from _urls(each)


def kinds(case: Case, cluster: Cluster) -> Iterator[Observation]:
    known = cluster.plurals()
    yield from elsewhere(case, cluster)
    own = {_declared(each.data) for render in case.renders for each in render.documents}
    for application in case.here:
        for group, kind in kinds_of(case, application):
            if (group, kind) not in known and (group, kind) not in own:
                shown = f"{kind} of {group or 'v1'}"
                yield problem(
                    f"The cluster has no {shown}: its CustomResourceDefinition is not installed.",
                    "Install its operator in an earlier sync wave, or remove the resource.",
                    f"{cluster.kubectl()} api-resources --api-group={group}",
                    (application.name,),
                )
    if looked_up := {each for application in case.here for each in kinds_of(case, application)}:
        yield ok(f"{number(len(looked_up), 'kind')} looked up.")
    elif case.here:
        yield unknown("Nothing of it is rendered here, so its kinds are not known.")


def namespaces(case: Case, cluster: Cluster) -> Iterator[Observation]:
    """Yield whether the namespaces that something is deployed to are there, or will be made."""
    yield from elsewhere(case, cluster)
    there, makers = cluster.namespaces(), _makers(case, cluster)
    for name in case.namespaces:
        about = case.within(name)
        if name in there:
            yield ok(f"{name} is there.", applications=about)
        elif name in makers:
            yield ok(f"{name} is not there yet: the sync of {makers[name]} makes it.", applications=about)
        else:
            advice = "Add CreateNamespace=true to the sync options, or make it:"
            command = f"{cluster.kubectl()} create namespace {name}"
            yield problem(f"There is no namespace {name}.", advice, command, about)


def _makers(case: Case, cluster: Cluster) -> Mapping[str, str]:
    """Return the namespaces that Applications make in the cluster, each with the name of one that does."""
    found = {}
    for each in case.view.applications:
        if is_in(each, cluster):
            if "CreateNamespace=true" in sync_options(each):
                found[text(field(each.spec, "destination", "namespace"))] = each.name
            for document in applied(each, case.view):
                if group_and_kind(document.data) == ("", "Namespace"):
                    found[text(field(document.data, "metadata", "name"))] = each.name
    return found


def _declared(data: Any) -> tuple[str, str]:
    if not manifests.is_crd(mapping(data)):
        return "", ""
    return text(field(data, "spec", "group")), text(field(data, "spec", "names", "kind"))
