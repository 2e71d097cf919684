"""How Argo CD notices a push: it asks Git every few minutes, and webhooks notify it at once."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import partial

from argosy.argocd import versions
from argosy.doctor import webhooks as known
from argosy.doctor.case import Case, git_sources
from argosy.doctor.diagnosis import Observation, ok, problem, unknown
from argosy.doctor.webhooks import Webhook
from argosy.documents.fields import text
from argosy.errors import UsageError
from argosy.hosting.remote import parse
from argosy.kubernetes.cluster import Cluster

_UNITS = {"h": 3600, "m": 60, "s": 1, "ms": 0.001}


def interval(case: Case, cluster: Cluster) -> tuple[float, float]:
    """Return after how many seconds Argo CD asks Git again, 0 for never, and how much longer that may take."""
    version = versions.version(case.argocd) or versions.newest()
    settings = cluster.settings()
    every, more = (seconds(settings.get(f"timeout.reconciliation{name}", "")) for name in ("", ".jitter"))
    return (version.polling if every is None else every), (version.jitter if more is None else more)


def seconds(duration: str) -> float | None:
    """Return the seconds of a Go duration such as 1m30s, None for one that is not there."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|[hms])", duration)
    if not parts:
        return 0.0 if re.fullmatch("0+", duration.strip()) else None
    return sum(float(amount) * _UNITS[unit] for amount, unit in parts)


def polling(case: Case) -> list[Observation]:
    """Return how often Argo CD asks Git."""
    if case.cluster is not None:
        return case.of_live(_interval)
    version = versions.version(case.argocd) or versions.newest()
    seen = (
        f"Argo CD {version.minor} asks every {version.polling} to {version.polling + version.jitter} seconds, unless "
        "argocd-cm says otherwise, which can only be seen in the cluster."
    )
    return [unknown(seen, command=f"{case.choice.command} --live")]


def _interval(case: Case, cluster: Cluster) -> Iterator[Observation]:
    every, more = interval(case, cluster)
    if every:
        yield ok(f"Every {every:.0f} to {every + more:.0f} seconds.")
        return
    seen = "timeout.reconciliation in argocd-cm is 0: Argo CD never asks Git, so only webhooks trigger it."
    patch = """--type merge --patch '{"data":{"timeout.reconciliation":"120s"}}'"""
    command = f"{cluster.kubectl(cluster.namespace)} patch configmap argocd-cm {patch}"
    yield problem(seen, "Set it, and restart the repo server and the application controller.", command)


def webhooks(case: Case) -> Iterator[Observation]:
    """Yield whether the hosts of this repository's sources are set up to notify Argo CD of pushes."""
    sources = [spec for each in case.applications for _, spec in git_sources(each) if case.is_ours(spec)]
    for url in sorted({text(spec.get("repoURL")) for spec in sources}):
        try:
            remote = parse(url)
        except UsageError:
            yield unknown(
                f"The webhooks of the host of {url} are unknown to argosy.", "A push is noticed when Argo CD asks Git."
            )
            continue
        webhook = known.webhook(remote.host)
        if webhook is None:
            seen = f"The kind of host {remote.host} is unknown, and so is how its webhooks are set up."
            yield unknown(seen, "See https://argo-cd.readthedocs.io/en/stable/operator-manual/webhook/")
            continue
        where = webhook.settings.format(host=remote.host, project=remote.project)
        if case.cluster is not None:
            yield from case.of_live(partial(_secret, webhook=webhook, where=where))
            continue
        seen = f"Whether {webhook.host} notifies Argo CD of pushes can only be seen in the cluster."
        yield unknown(seen, _how(webhook, where, "https://<Argo CD>"), f"{case.choice.command} --live")


def _how(webhook: Webhook, where: str, argocd: str) -> str:
    keys = " and ".join(webhook.keys)
    return f"It is set up at {where}, to {argocd}/api/webhook: {webhook.how}; argocd-secret has the same in {keys}."


def _secret(_: Case, cluster: Cluster, *, webhook: Webhook, where: str) -> Iterator[Observation]:
    keys, held = " and ".join(webhook.keys), cluster.secret_keys()
    command = f"{cluster.kubectl(cluster.namespace)} describe secret argocd-secret"
    if held is None:
        seen = f"There is no argocd-secret in the namespace {cluster.namespace}."
        context = f" --context {shlex.quote(cluster.context)}" if cluster.context else ""
        yield problem(seen, "Argo CD is not fully installed.", f"argosy bootstrap{context}")
    elif held.issuperset(webhook.keys):
        yield ok(f"argocd-secret has {keys}. {webhook.host} shows at {where} whether they arrive.")
    else:
        argocd = cluster.settings().get("url", "https://<Argo CD>").rstrip("/")
        seen = f"argocd-secret has no {keys}: unless webhooks come unsigned, Argo CD notices a push when it asks Git."
        yield ok(seen, _how(webhook, where, argocd), command)
