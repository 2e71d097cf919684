"""What is decided on each key, and why; and what holds whatever people do between promotions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argosy.errors import ArgosyError, UsageError
from argosy.promotion import promoting
from argosy.promotion.decision import ABSENT, Choices, Decision, Names, Sides, Verdict, decide
from argosy.promotion.policy import Policy
from argosy.yaml_edit import keys
from argosy.yaml_edit.editing import take
from tests.promoting import encrypted

NAMES = Names("dev", "prod")
Story = dict[str, tuple[str, str]]


def decided(
    before: str | tuple[str, str],
    source: str,
    target: str,
    *,
    file: str = "values.yaml",
    policy: str = "",
    names: Names = NAMES,
    choices: Choices | None = None,
) -> Story:
    """Return verdict and reason by key; `before` is of both sides, or of source and target."""
    was, had = (before, before) if isinstance(before, str) else before
    sides = Sides(*({file: each.encode()} if each else {} for each in (was, source, had, target)))
    found = decide(sides, Policy.of(policy.encode()), names, choices)
    return {str(each.key): (each.verdict.value, each.why) for each in found}


VALUES = """\
replicaCount: 1
image: {repository: nginx, tag: "1.29", digest: ""}
resources: {limits: {memory: 64Mi}}
config: {LOG_LEVEL: info, CACHE: "on"}
ingress: {enabled: false, hosts: [{host: web.dev.example.com}]}
"""


def test_values() -> None:
    source = (
        VALUES.replace('"1.29"', '"1.30"')
        .replace("replicaCount: 1", "replicaCount: 2")
        .replace("64Mi", "128Mi")
        .replace("info", "debug")
        .replace("enabled: false", "enabled: true")
        .replace('CACHE: "on"', 'NEW: "1"')
    )
    target = VALUES.replace("web.dev", "web.prod")
    assert decided((VALUES, target), source, target) == {
        "replicaCount": ("pinned", "belongs to prod (default: **.replicaCount)"),
        "image.tag": ("promoted", "the same everywhere (default: **.image)"),
        "resources.limits.memory": ("pinned", "belongs to prod (default: values*.yaml:**.resources)"),
        "config.LOG_LEVEL": ("promoted", "changed in dev"),
        "config.NEW": ("undecided", "new in dev"),
        "config.CACHE": ("undecided", "gone from dev"),
        "ingress.enabled": ("undecided", "changed in dev; someone has to decide (default: **.ingress.**.enabled)"),
        'ingress.hosts."web.dev.example.com"': ("pinned", "belongs to prod (default: **.ingress.**.hosts)"),
        'ingress.hosts."web.prod.example.com"': ("pinned", "belongs to prod (default: **.ingress.**.hosts)"),
    }


def test_what_differed_all_along() -> None:
    before = ("config: {A: dev, B: dev}\nimage: {tag: '2'}\n", "config: {A: prod, B: prod}\nimage: {tag: '1'}\n")
    source = before[0].replace("B: dev", "B: new")
    apart = ("undecided", "changed in dev, and prod had a value of its own before")
    kept = ("kept", "unchanged in dev since the last promotion")
    assert decided(before, source, before[1]) == {"config.A": kept, "config.B": apart, "image.tag": kept}
    # Before the first promotion, nobody has left an image behind on purpose.
    first = Names("dev", "prod", "web came to prod", promoted=False)
    promoted = ("promoted", "the same everywhere (default: **.image)")
    assert decided(before, before[0], before[1], names=first)["image.tag"] == promoted


def test_what_someone_did_by_hand_in_the_target() -> None:
    before = "config: {A: '1', B: '1', C: '1', D: '1'}\nimage: {tag: '1'}\n"
    source = "config: {A: '2', B: '1', C: '2', D: '1'}\nimage: {tag: '2'}\n"
    target = "config: {A: '9', B: '9'}\nimage: {tag: '9'}\n"
    conflict = "by hand in prod since the last promotion, and changed in dev"
    assert decided(before, source, target) == {
        "config.A": ("conflict", f"set {conflict}"),
        "config.B": ("kept", "set by hand in prod, and unchanged in dev since the last promotion"),
        "config.C": ("conflict", f"deleted {conflict}"),
        "config.D": ("kept", "deleted by hand in prod, and unchanged in dev since the last promotion"),
        "image.tag": ("conflict", f"set {conflict}"),
    }


def test_what_names_the_sources_environment_is_asked_about() -> None:
    before = "db: {host: '', port: 1, url: x}\nlist: []\nnull: null\nimage: {tag: '1'}\n"
    source = (
        "db: {host: db.dev.internal, port: 2, url: 'https://device/'}\n"
        "list: [a.Dev.example.com]\nnull: dev-db\nimage: {tag: 2-dev}\n"
    )
    found = decided(before, source, before)
    names = ("undecided", "changed in dev to what names dev")
    assert found == {
        **dict.fromkeys(("db.host", "list", "null"), names),
        **dict.fromkeys(("db.port", "db.url"), ("promoted", "changed in dev")),
        "image.tag": ("promoted", "the same everywhere (default: **.image)"),
    }
    # What named it all along is meant for both: somebody made them equal.
    assert decided("a: x.dev/1\n", "a: x.dev/2\n", "a: x.dev/1\n") == {"a": ("promoted", "changed in dev")}


def test_the_same_value_by_hand_on_both_sides_is_what_is_merged_from() -> None:
    before, source, target = (f"config: {{A: '{each}'}}\n" for each in "132")
    sides = Sides(*({"values.yaml": each.encode()} for each in (before, source, before, target)))

    def verdicts(*later: tuple[str, str]) -> list[str]:
        files = {each: {"values.yaml": each.encode()} for both in later for each in both}
        pairs = [(files[one], files[other]) for one, other in later]
        return [each.verdict.value for each in decide(sides, Policy.of(b""), NAMES, None, lambda: pairs)]

    assert verdicts() == verdicts((source, target), (target, before)) == ["conflict"]
    assert verdicts((source, target), (target, target), (before, target)) == ["promoted"]
    # What the source took back since comes, too.
    sides = sides._replace(source=sides.source_before)
    assert verdicts((target, target)) == ["promoted"]
    assert verdicts((target, before)) == ["kept"]


def test_a_file_that_came_to_both_since() -> None:
    found = decided("", "image: {tag: '2'}\nconfig: {A: x}\n", "image: {tag: '1'}\nconfig: {A: y}\n")
    assert {name: verdict for name, (verdict, _) in found.items()} == {"image.tag": "promoted", "config.A": "undecided"}


KUSTOMIZATION = """\
kind: Kustomization
resources: [../base]
labels:
  - pairs: {environment: dev}
images:
  - name: web
    newName: ghcr.io/acme/web
    newTag: "1.0"
replicas:
  - name: web
    count: 1
configMapGenerator:
  - name: settings
    literals: [LOG_LEVEL=info, CACHE=on]
"""


def test_a_kustomization() -> None:
    source = (
        KUSTOMIZATION.replace('newTag: "1.0"', f"digest: sha256:{'0' * 64}")
        .replace("count: 1", "count: 2")
        .replace("LOG_LEVEL=info", "LOG_LEVEL=debug")
        .replace("[../base]", "[../base, more.yaml]")
    )
    target = KUSTOMIZATION.replace("environment: dev", "environment: prod")
    image = ("promoted", "the same everywhere (default: kustomization.yaml:images)")
    assert decided((KUSTOMIZATION, target), source, target, file="kustomization.yaml") == {
        "resources": ("undecided", "changed in dev; someone has to decide (default: kustomization.yaml:resources)"),
        "labels": ("pinned", "belongs to prod (default: kustomization.yaml:labels)"),
        "images.web.digest": image,
        "images.web.newTag": image,
        "replicas.web.count": ("pinned", "belongs to prod (default: kustomization.yaml:replicas)"),
        "configMapGenerator.settings.literals.LOG_LEVEL": ("promoted", "changed in dev"),
    }


MANIFESTS = """\
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  template:
    spec:
      containers:
        - name: web
          image: nginx:1.29
          env:
            - name: LOG_LEVEL
              value: info
          resources: {requests: {cpu: 50m}}
---
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}]}
"""


def test_manifests() -> None:
    source = (
        MANIFESTS.replace("nginx:1.29", "nginx:1.30")
        .replace("replicas: 1", "replicas: 3")
        .replace("value: info", "value: debug\n            - name: TOKEN\n              value: x")
        .replace("50m", "100m")
        .replace("port: 80", "port: 81")
    )
    source += "---\nkind: PodDisruptionBudget\nmetadata: {name: web}\n---\nkind: ConfigMap\nmetadata: {name: web}\n"
    web = "Deployment/web: spec.template.spec.containers.web"
    assert decided(MANIFESTS, source, MANIFESTS, file="web.yaml") == {
        "Deployment/web: spec.replicas": ("pinned", "belongs to prod (default: **.replicas)"),
        f"{web}.image": ("promoted", "the same everywhere (default: **.image)"),
        f"{web}.env.LOG_LEVEL.value": ("promoted", "changed in dev"),
        f"{web}.env.TOKEN": ("undecided", "new in dev"),
        f"{web}.resources.requests.cpu": ("pinned", "belongs to prod (default: **.containers.*.resources)"),
        "Service/web: spec.ports.80": ("undecided", "gone from dev"),
        "Service/web: spec.ports.81": ("undecided", "new in dev"),
        "PodDisruptionBudget/web": ("pinned", "belongs to prod (default: PodDisruptionBudget:)"),
        "ConfigMap/web": ("undecided", "new in dev"),
    }


def test_a_patch() -> None:
    before = MANIFESTS.partition("---")[0]
    source = before.replace("50m", "60m").replace("value: info", "value: debug")
    found = decided(before, source, before, file="patch.yaml")
    assert [(name.rpartition(".")[2], verdict) for name, (verdict, _) in found.items()] == [
        ("value", "promoted"),
        ("cpu", "pinned"),
    ]


def test_an_umbrella_chart() -> None:
    before = "name: web\nversion: 0.1.0\ndependencies:\n  - {name: redis, version: 20.1.0, repository: 'oci://a'}\n"
    source = before.replace("20.1.0", "20.2.0") + "  - {name: nginx, version: 1.0.0, repository: 'oci://b'}\n"
    assert decided(before, source, before, file="Chart.yaml") == {
        "Chart.yaml: dependencies.redis.version": (
            "promoted",
            "the same everywhere (default: Chart.yaml:dependencies.*.version)",
        ),
        "Chart.yaml: dependencies.nginx": ("undecided", "new in dev"),
    }


APPLICATION = """\
kind: Application
metadata: {name: redis-dev}
spec:
  project: dev
  source:
    repoURL: https://charts.example.com
    chart: redis
    targetRevision: 20.1.0
    helm:
      valuesObject: {replica: {replicaCount: 1}, image: {tag: "7.0"}, commonConfiguration: a}
  destination: {namespace: redis-dev}
"""


def test_an_application_of_a_remote_chart() -> None:
    source = (
        APPLICATION.replace("20.1.0", "20.2.0")
        .replace("replicaCount: 1", "replicaCount: 2")
        .replace('"7.0"', '"7.2"')
        .replace("Configuration: a", "Configuration: b")
    )
    target = APPLICATION.replace("redis-dev", "redis-prod").replace("project: dev", "project: prod")
    values = "Application: spec.source.helm.valuesObject"
    assert decided((APPLICATION, target), source, target, file="Application.yaml") == {
        "Application: spec.source.targetRevision": (
            "promoted",
            "the same everywhere (default: Application:spec.source.targetRevision)",
        ),
        f"{values}.replica.replicaCount": ("pinned", "belongs to prod (default: **.replicaCount)"),
        f"{values}.image.tag": ("promoted", "the same everywhere (default: **.image)"),
        f"{values}.commonConfiguration": ("promoted", "changed in dev"),
    }


def test_an_application_of_several_sources() -> None:
    text = """\
kind: Application
metadata: {name: a}
spec:
  sources:
    - {repoURL: https://charts.example.com, chart: redis, targetRevision: 20.1.0}
    - {repoURL: https://git.example.com/gitops, ref: values, targetRevision: dev}
"""
    target = text.replace("targetRevision: dev", "targetRevision: prod")
    found = decided((text, target), text.replace("20.1.0", "20.2.0"), target, file="Application.yaml")
    assert {name: verdict for name, (verdict, _) in found.items()} == {
        "Application: spec.sources.redis.targetRevision": "promoted",
        "Application: spec.sources.$values.targetRevision": "pinned",
    }


def test_other_files_are_taken_as_a_whole() -> None:
    assert decided("a=1", "a=2", "a=1", file="app.properties") == {"app.properties": ("promoted", "changed in dev")}
    assert decided("a=1", "a=2", "a=3", file="app.properties")["app.properties"][0] == "conflict"
    assert decided("a=1", "a=2", "", file="app.properties")["app.properties"][0] == "conflict"
    assert decided("", "a: 1", "", file="more.yaml") == {"more.yaml": ("undecided", "new in dev")}
    assert decided("a: 1", "", "a: 1", file="more.yaml") == {"more.yaml": ("undecided", "gone from dev")}
    assert decided("a: 1", MANIFESTS, "a: 1", file="more.yaml") == {"more.yaml": ("promoted", "changed in dev")}
    assert decided("a: [", "a: {{ x }}", "a: [", file="more.yaml") == {"more.yaml": ("promoted", "changed in dev")}


EVERYTHING = "promotion: {promote: ['**', 'Secret:', 'SealedSecret:']}\n"
WORD = [None, Choices(take=["**", "*:**", "*:"]), Choices(leave=["**"])]
FOR_PROD, FOR_DEV = ("pinned", "encrypted for prod"), ("pinned", "encrypted for dev; prod needs its own")


@pytest.mark.parametrize("policy", ["", EVERYTHING])
@pytest.mark.parametrize("choices", WORD)
@pytest.mark.parametrize(
    ("head", "file"),
    [
        ("", "values.yaml"),
        ("kind: SopsSecret\nmetadata: {name: web}\n", "secret.yaml"),
        ("kind: Secret\nmetadata: {name: web}\n", "secret.sops.yaml"),
        ("kind: ConfigMap\nmetadata: {name: a}\n---\n", "beside.yaml"),
    ],
)
def test_what_sops_encrypted_is_one_piece(policy: str, choices: Choices | None, head: str, file: str) -> None:
    before = encrypted("dev", head), encrypted("prod", head)
    source = encrypted("dev", head, when=2)

    def found(before: str | tuple[str, str], source: str, target: str) -> Story:
        return decided(before, source, target, file=file, policy=policy, choices=choices)

    for target in (before[1], encrypted("prod", head, when=3), f"{head}config: {{A: b}}\n", ""):
        mine = FOR_PROD if "ENC[" in target else FOR_DEV
        assert found(before, source, target) == {file: mine}
    assert found(before, f"{head}config: {{A: b}}\n", before[1]) == {file: FOR_PROD}
    assert found(before, "", before[1]) == {file: FOR_PROD}
    assert found("", source, "") == {file: FOR_DEV}


def test_a_document_beside_an_encrypted_one() -> None:
    def text(environment: str, value: str, when: int = 1) -> str:
        secret = encrypted(environment, "kind: SopsSecret\nmetadata: {name: web}\n", when)
        return f"kind: ConfigMap\nmetadata: {{name: a}}\ndata: {{A: {value}}}\n---\n{secret}"

    found = decided((text("dev", "a"), text("prod", "a")), text("dev", "b", 2), text("prod", "a"), file="all.yaml")
    assert found == {"ConfigMap/a: data.A": ("promoted", "changed in dev"), "SopsSecret/web": FOR_PROD}


SEALED = """\
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata: {name: web}
spec:
  encryptedData: {A: AgBdev, B: AgBdev}
  template: {type: Opaque}
"""


@pytest.mark.parametrize("choices", WORD)
def test_a_sealed_secret_is_one_piece(choices: Choices | None) -> None:
    target = SEALED.replace("dev", "prod")
    source = SEALED.replace("A: AgBdev", "A: AgBnew").replace("Opaque", "kubernetes.io/tls")
    found = decided((SEALED, target), source, target, file="sealed.yaml", policy=EVERYTHING, choices=choices)
    assert found == {"SealedSecret/web": FOR_PROD}


@pytest.mark.parametrize("choices", WORD)
def test_what_is_encrypted_among_values(choices: Choices | None) -> None:
    sealed = "sealedSecret: {enabled: true, encryptedData: {A: AgBdev, B: AgBdev}}\n"
    text = f"image: {{tag: '1'}}\n{sealed}vault: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  dev\n"
    text += "list: [{name: a, value: x}, {name: b, value: 'ENC[AES256_GCM,data:dev]'}]\nargs: ['ENC[AES256_GCM,dev]']\n"
    target = text.replace("dev", "prod")
    source = text.replace("dev", "new").replace("'1'", "'2'").replace("value: x", "value: y")
    found = decided((text, target), source, target, policy=EVERYTHING, choices=choices)
    promoted = ("promoted", "the same everywhere (application.yaml: **)")
    names = ("sealedSecret.encryptedData", "vault", "list.b.value", "args")
    assert found == {
        **dict.fromkeys(names, FOR_PROD),
        "image.tag": promoted,
        "list.a.value": promoted,
    }
    # Of what is new, all the rest moves; half an item of a list is none.
    found = decided("image: {tag: '1'}\n", source, "image: {tag: '1'}\n", policy=EVERYTHING, choices=choices)
    assert found["sealedSecret.enabled"] == found["image.tag"] == promoted
    assert {name for name, verdict in found.items() if verdict == FOR_DEV} == {*names, "list"} - {"list.b.value"}


@pytest.mark.parametrize("choices", WORD)
def test_an_encrypted_manifest_among_values(choices: Choices | None) -> None:
    def text(environment: str, value: str, when: int = 1) -> str:
        secret = encrypted(environment, "kind: SopsSecret\nmetadata: {name: web}\n", when)
        listed = [yaml.safe_load(each) for each in (secret, SEALED.replace("dev", environment))]
        settings = {"kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"A": value}}
        return yaml.safe_dump({"extraManifests": [settings, *listed]})

    before, target = (text("dev", "a"), text("prod", "a")), text("prod", "a")
    assert decided(before, text("dev", "b", 2), target, policy=EVERYTHING, choices=choices) == {
        "extraManifests.ConfigMap/a.data.A": ("promoted", "the same everywhere (application.yaml: **)"),
        "extraManifests.SopsSecret/web": FOR_PROD,
        "extraManifests.SealedSecret/web": FOR_PROD,
    }
    new = decided("a: 1\n", "a: 1\n" + text("dev", "a"), "a: 1\n", policy=EVERYTHING, choices=choices)
    assert new == {"extraManifests": FOR_DEV}


def test_a_new_mapping_comes_in_parts_and_a_new_item_as_a_whole() -> None:
    source = """\
metrics: {image: {tag: "1", pullPolicy: Always}, port: 80}
sidecars: [{name: proxy, image: envoy, resources: {}, replicas: 1}]
"""
    found = decided("a: 1\n", "a: 1\n" + source, "a: 1\n")
    assert {name: verdict for name, (verdict, _) in found.items()} == {
        "metrics.image.tag": "promoted",
        "metrics.image.pullPolicy": "pinned",
        "metrics.port": "undecided",
        "sidecars": "undecided",
    }
    found = decided("sidecars: []\n", source, "sidecars: []\n")
    assert found["sidecars.proxy"] == ("undecided", "new in dev")
    # And what belongs to the target stays when the source has the mapping no more.
    found = decided(source, "sidecars: []\n", source)
    assert found["metrics.image.pullPolicy"][0] == "pinned"
    assert found["sidecars.proxy"] == ("undecided", "gone from dev")


def image(**parts: str) -> str:
    return yaml.safe_dump({"image": {name: each for name, each in parts.items() if each}})


@pytest.mark.parametrize(
    ("before", "source", "target", "policy", "verdicts"),
    [
        # Both change.
        (("1", "a"), ("2", "b"), ("1", "a"), "", {"tag": "promoted", "digest": "promoted"}),
        # A digest was put into the target by hand.
        (("1", ""), ("2", ""), ("1", "x"), "", {"tag": "conflict", "digest": "conflict"}),
        # Another tag was put into the target by hand, and the source got a digest.
        (("1", ""), ("1", "b"), ("9", ""), "", {"tag": "conflict", "digest": "conflict"}),
        # One of them changed on both sides.
        (("1", "a"), ("2", "b"), ("9", "a"), "", {"tag": "conflict", "digest": "conflict"}),
        (("1", "a"), ("2", "b"), ("1", "a"), "pinned: [image.tag]", {"tag": "pinned", "digest": "pinned"}),
        (("1", "a"), ("2", "b"), ("1", "z"), "ask: [image.digest]", {"tag": "conflict", "digest": "conflict"}),
        # The digest is gone.
        (("1", "a"), ("2", ""), ("1", "a"), "", {"tag": "promoted", "digest": "promoted"}),
    ],
)
def test_tag_and_digest_move_together_or_not_at_all(
    before: tuple[str, str], source: tuple[str, str], target: tuple[str, str], policy: str, verdicts: Mapping[str, str]
) -> None:
    texts = [image(repository="r", tag=tag, digest=digest) for tag, digest in (before, source, target)]
    found = decided(*texts, policy=f"promotion: {{{policy}}}")
    assert {name.removeprefix("image."): verdict for name, (verdict, _) in found.items()} == verdicts
    if "conflict" not in verdicts.values():
        return
    for choices, verdict in ((Choices(take=["image.tag"]), "promoted"), (Choices(leave=["image.digest"]), "left")):
        found = decided(*texts, policy=f"promotion: {{{policy}}}", choices=choices)
        assert {each for each, _ in found.values()} == {verdict}


def test_an_environments_own_repository_does_not_hold_up_a_tag() -> None:
    before = image(repository="dev/r", tag="1"), image(repository="prod/r", tag="1")
    source = image(repository="dev/r", tag="2")
    assert decided(before, source, before[1]) == {
        "image.repository": OWN,
        "image.tag": ("promoted", "the same everywhere (default: **.image)"),
    }
    found = decided(before, source, before[1], policy="promotion: {pinned: [image.repository]}")
    assert {name: verdict for name, (verdict, _) in found.items()} == {
        "image.repository": "pinned",
        "image.tag": "promoted",
    }
    both = image(repository="moved/r", tag="2")
    by_hand = image(repository="mirror/r", tag="1")
    found = decided(before, both, by_hand)
    assert found["image.tag"] == (
        "conflict",
        "the same image as image.repository: set by hand in prod since the last promotion, and changed in dev",
    )


OWN = ("kept", "prod has a repository of its own")
FIRST = Names("dev", "prod", "web came to prod", promoted=False)


@pytest.mark.parametrize("since", [FIRST, NAMES])
@pytest.mark.parametrize(
    ("dev", "prod", "newer", "after"),
    [
        (
            "image: {repository: r.io/web, tag: '1'}\n",
            "image: {repository: p.io/web, tag: '1'}\n",
            "image: {repository: r.io/web, tag: '2'}\n",
            "image: {repository: p.io/web, tag: '2'}\n",
        ),
        # Where the chart says where dev's image is.
        (
            "image: {tag: '1'}\n",
            "image: {repository: p.io/web, tag: '1'}\n",
            "image: {tag: '2'}\n",
            "p.io/web, tag: '2'",
        ),
        ("{a: b}\n", "image: {repository: p.io/web, tag: '1'}\n", "image: {tag: '2'}\n", "p.io/web, tag: '2'"),
        # And where it says where prod's is.
        (
            "image: {repository: r.io/web, tag: '1'}\n",
            "image: {tag: '1'}\n",
            "image: {repository: r.io/web, tag: '2'}\n",
            "image: {tag: '2'}\n",
        ),
        ("image: r.io/web:1\n", "image: 'p.io:5000/x/web:1'\n", "image: r.io/web:2\n", "image: 'p.io:5000/x/web:2'\n"),
        (
            "webImage: r.io/web:1\n",
            "webImage: p.io/web\n",
            "webImage: r.io/web@sha256:ab\n",
            "webImage: p.io/web@sha256:ab\n",
        ),
        # Nobody has moved anything: a registry is no difference.
        ("image: r.io/web:1\n", "image: p.io/web:1\n", "image: r.io/web:1\n", "image: p.io/web:1\n"),
    ],
)
def test_tag_and_digest_move_to_the_environments_own_repository(
    since: Names, dev: str, prod: str, newer: str, after: str
) -> None:
    assert after in moved((dev, prod), newer, prod, since)


def moved(before: tuple[str, str], source: str, target: str, names: Names, policy: str = "") -> str:
    """Return what a promotion makes of the target's values."""
    sides = Sides(*({"values.yaml": each.encode()} for each in (before[0], source, before[1], target)))
    found = [each for each in decide(sides, Policy.of(policy.encode()), names) if each.verdict is Verdict.PROMOTED]
    return (promoting.edited("values.yaml", found, sides, "prod/values.yaml") or b"").decode() if found else target


def test_an_image_that_moves_house() -> None:
    before, source = "image: r.io/web:1\n", "image: ghcr.io/web:2\n"
    assert moved((before, before), source, before, NAMES) == source
    # A mirror that somebody set by hand stays, and gets what is newer.
    assert moved((before, before), "image: r.io/web:2\n", "image: p.io/web:1\n", NAMES) == "image: p.io/web:2\n"
    apart = ("undecided", "changed in dev, and prod had a value of its own before")
    assert decided((before, "image: p.io/web:1\n"), source, "image: p.io/web:1\n") == {"image": apart}
    # An application that says that images are the same everywhere has no repositories of environments.
    own = "promotion: {promote: [image]}"
    assert moved((before, "image: p.io/web:1\n"), "image: r.io/web:2\n", "image: p.io/web:1\n", NAMES, own) == (
        "image: r.io/web:2\n"
    )


@pytest.mark.parametrize(
    ("dev", "prod"),
    [
        ("image: {repository: ghcr.io/acme/shop, tag: '1.0'}\n", "image: {repository: nginx, tag: 1.29.3}\n"),
        ("image: ghcr.io/acme/shop:1.0\n", "image: nginx:1.29.3\n"),
        ("image: {repository: ghcr.io/acme/shop, tag: '1.0'}\n", "image: {repository: acme/nginx, tag: 1.29.3}\n"),
    ],
)
def test_another_image_is_no_repository_of_the_environments_own(dev: str, prod: str) -> None:
    assert yaml.safe_load(moved((dev, prod), dev, prod, FIRST)) == yaml.safe_load(dev)


def test_another_image_that_was_left_is_asked_about() -> None:
    apart = ("undecided", "changed in dev, and prod had a value of its own before")
    before = "image: ghcr.io/acme/shop:1.0\n", "image: nginx:1.29.3\n"
    assert decided(before, "image: ghcr.io/acme/shop:1.1\n", before[1]) == {"image": apart}


@pytest.mark.parametrize(
    ("dev", "prod", "after"),
    [
        (
            "image: &i r.io/web:2\nsidecarImage: *i\n",
            "image: p.io/web:1\nsidecarImage: p.io/web:1\n",
            "image: p.io/web:2\nsidecarImage: p.io/web:2\n",
        ),
        (
            "image: &i r.io/web:2\nsidecarImage: *i\n",
            "image: p.io/web:1\nsidecarImage: q.io/web:1\n",
            "image: p.io/web:2\nsidecarImage: q.io/web:2\n",
        ),
        (
            "image: &i r.io/web:2\nsidecarImage: *i\n",
            "image: &i p.io/web:1\nsidecarImage: *i\n",
            "image: &i p.io/web:2\nsidecarImage: *i\n",
        ),
    ],
)
def test_an_anchored_image_moves_to_the_environments_own_repository(dev: str, prod: str, after: str) -> None:
    assert yaml.safe_load(moved((dev, prod), dev, prod, FIRST)) == yaml.safe_load(after)
    assert ("&" in moved((dev, prod), dev, prod, FIRST)) is ("&" in after)


def test_an_anchor_that_cannot_be_kept_is_refused() -> None:
    dev, prod = "image: !!str &i r.io/web:2\nsidecarImage: *i\n", "image: p.io/web:1\nsidecarImage: p.io/web:1\n"
    with pytest.raises(ArgosyError, match=r"^prod/values\.yaml:1: image cannot be changed in place"):
        moved((dev, prod), dev, prod, FIRST)


def test_where_the_target_has_no_image_all_of_it_comes() -> None:
    source = "image: {repository: r.io/web, tag: '2', pullPolicy: Always}\n"
    assert (
        moved((source, "image: {pullPolicy: Never}\n"), source, "image: {pullPolicy: Never}\n", FIRST)
        == "image: {repository: r.io/web, tag: '2', pullPolicy: Never}\n"
    )


def test_documents_of_values_are_one_as_helm_reads_them() -> None:
    before = "image: {tag: '1'}\nconfig:\n  A: x\n---\n# Later ones win.\nimage: {tag: '2'}\n"
    source = "image: {tag: '3'}\nconfig:\n  A: y\n  B: z\n"
    found = decided((before, before), source, before, choices=Choices(take=["config.B"]))
    assert found == {
        "image.tag": ("promoted", "the same everywhere (default: **.image)"),
        "config.A": ("promoted", "changed in dev"),
        "config.B": ("promoted", "taken as chosen"),
    }
    after = "image: {tag: '1'}\nconfig:\n  A: y\n---\n# Later ones win.\nimage: {tag: '3'}\n"
    assert moved((before, before), source, before, NAMES) == after
    # And from there: what stands in the first document is nothing that anyone sees.
    more = f"{before}---\nimage: {{tag: '4'}}\n"
    assert moved((source, source), more, source, NAMES).startswith("image: {tag: '4'}\n")
    with pytest.raises(ArgosyError, match="cannot be changed in place"):
        moved((more, more), "config:\n  A: x\n", more, NAMES)


@pytest.mark.parametrize(
    "before",
    [
        'x: &tag "1"  # the release\nimage: {tag: *tag}\nsidecar:\n  image: {tag: *tag}\n',
        'image:\n  tag: &tag "1"\nenv:\n  VERSION: *tag\n',
        'base: &img\n  repository: r\n  tag: "1"\nimage: *img\nworker:\n  image: *img\n',
        'base: &img\n  repository: r\n  tag: "1"\nimage:\n  <<: *img\n  pullPolicy: Always\n',
    ],
)
def test_an_anchor_moves_with_all_that_refer_to_it(before: str) -> None:
    source = before.replace('"1"', '"2"')
    assert moved((before, before), source, before, NAMES) == source
    # Whatever the order of the source, and where it has no anchors at all.
    plain = yaml.safe_dump(yaml.safe_load(source), default_style='"')
    if "<<" not in before:
        assert moved((before, before), plain, before, NAMES) == source


def test_an_anchor_of_which_not_all_may_move() -> None:
    before = 'image:\n  tag: &tag "1"\nreplicas: *tag\n'
    with pytest.raises(ArgosyError, match=r"^prod/values\.yaml:3: replicas would change as well: \*tag stands there"):
        moved((before, before), before.replace('"1"', '"2"'), before, NAMES)
    before = 'base: &img\n  repository: r\n  tag: "1"\nimage: *img\n'
    policy = "promotion: {pinned: [base]}"
    with pytest.raises(
        ArgosyError, match=r"^prod/values\.yaml:4: image\.tag cannot be changed in place: \*img"
    ) as error:
        moved((before, before), before.replace('"1"', '"2"'), before, NAMES, policy)
    assert error.value.hint == "Write the value itself instead of *img, or make the change by hand."
    # The value that only one of them takes over is written there.
    before = 'base: &tag "1"\nimage: {tag: *tag}\n'
    after = moved((before, before), before.replace('"1"', '"2"'), before, NAMES, policy)
    assert after == 'base: &tag "1"\nimage: {tag: "2"}\n'


CONFLICTS = (
    "a: {x: '1', y: '1'}\nreplicas: 1\n",
    "a: {x: '2', y: '2'}\nreplicas: 2\n",
    "a: {x: '9', y: '9'}\nreplicas: 9\n",
)


@pytest.mark.parametrize(
    ("choices", "x", "y"),
    [
        (Choices(), "conflict", "conflict"),
        (Choices(take=["**"]), "promoted", "promoted"),
        (Choices(leave=["**"]), "left", "left"),
        (Choices(take=["a.x"], leave=["**"]), "promoted", "left"),
        (Choices(take=["a"], leave=["a.x"]), "left", "promoted"),
        (Choices(take=["a.x"], leave=["a.x"]), "left", "conflict"),
        (Choices(take=["replicas"]), "conflict", "conflict"),
    ],
)
def test_the_more_specific_word_of_a_person_counts(choices: Choices, x: str, y: str) -> None:
    found = {name: verdict for name, (verdict, _) in decided(*CONFLICTS, choices=choices).items()}
    assert found == {"a.x": x, "a.y": y, "replicas": "pinned"}


def test_reasons_say_what_a_person_decided() -> None:
    found = decided(*CONFLICTS, choices=Choices(take=["a.x"], leave=["a.y"]))
    assert found["a.x"] == ("promoted", "taken as chosen")
    why = "set by hand in prod since the last promotion, and changed in dev"
    assert found["a.y"] == ("left", f"left as chosen; {why}")


def test_what_is_kept_moves_only_when_it_is_named() -> None:
    texts = ("a: 1\nb: 1\n", "a: 1\nb: 1\n", "a: 2\nb: 2\n")
    for choices, verdict in (
        (Choices(take=["**"]), "kept"),
        (Choices(leave=["a"]), "kept"),
        (Choices(take=["a"]), "promoted"),
    ):
        assert decided(*texts, choices=choices)["a"][0] == verdict


def test_what_would_move_is_left_only_when_it_is_named() -> None:
    texts = ("image: {tag: a}\n", "image: {tag: b}\n", "image: {tag: a}\n")
    for choices, verdict in (
        (Choices(leave=["**"]), "promoted"),
        (Choices(leave=["image"]), "left"),
        (Choices(leave=["image.tag"], take=["**"]), "left"),
    ):
        assert decided(*texts, choices=choices)["image.tag"][0] == verdict


def test_words_that_name_nothing_are_known() -> None:
    decisions = decide(Sides({}, {"values.yaml": b"a: 1"}, {}, {"values.yaml": b"a: 2"}), Policy(), NAMES)
    Choices(take=["a", "**"], leave=["values.yaml:"]).check(decisions)
    for choices in (Choices(take=["a", "b"]), Choices(take=["**"], leave=["b"])):
        with pytest.raises(UsageError, match="“b” matches no key that differs"):
            choices.check(decisions)


# What holds whatever people do

PATHS = [
    *[("image", "repository"), ("image", "tag"), ("image", "digest"), ("image", "pullPolicy"), ("replicaCount",)],
    *[
        ("config", "A"),
        ("config", "B"),
        ("config", "C"),
        ("ingress", "enabled"),
        ("ingress", "className"),
        ("sidecar",),
    ],
    *[("env", "A", "value"), ("env", "B", "value")],
]
PINNED = {("image", "pullPolicy"), ("replicaCount",), ("ingress", "className")}
State = dict[tuple[str, ...], str]


def written(state: State, mark: str) -> str:
    """Return values as YAML, with a comment at each."""
    lines = [f"# {mark} all"]
    for first in dict.fromkeys(path[0] for path in state):
        below = {path[1:]: each for path, each in state.items() if path[0] == first}
        if () in below:
            lines += [f"# {mark} above {first}", f"{first}: {below[()]}  # {mark} {first}"]
            continue
        lines.append(f"{first}:  # {mark} {first}")
        for path, each in below.items():
            name = f"{mark} {first}.{path[0]}"
            if first == "env":
                lines += [f"  # {name} above", f"  - name: {path[0]}", f"    value: {each}  # {name}"]
            else:
                lines += [f"  # {name} above", f"  {path[0]}: {each}  # {name}"]
    return "\n".join(lines) + "\n"


def state_of(text: str) -> State:
    found: State = {}
    for first, below in (yaml.safe_load(text) or {}).items():
        if isinstance(below, list):
            found |= {(first, each["name"], "value"): each["value"] for each in below}
        elif isinstance(below, dict):
            found |= {(first, name): each for name, each in below.items()}
        else:
            found[(first,)] = below
    return found


DRAWN = st.sampled_from(["v1", "v2", "v3"])
CHOSEN = st.lists(st.sampled_from(PATHS), unique=True, min_size=3)
EDITS = st.dictionaries(st.sampled_from(PATHS), st.one_of(st.none(), DRAWN), max_size=3)


@st.composite
def states(draw: Any) -> State:
    return {path: draw(DRAWN) for path in sorted(draw(CHOSEN))}


def edited(state: State, edit: Mapping[tuple[str, ...], str | None]) -> State:
    merged = {**state, **edit}
    return {path: each for path, each in merged.items() if each is not None}


def promoted(decisions: list[Decision], source: str, target: str) -> str:
    moving = [(each.key.scope, each.key.path) for each in decisions if each.verdict is Verdict.PROMOTED]
    return take(target, source, moving)


def at(state: State, path: tuple[str, ...]) -> State:
    return {each: value for each, value in state.items() if each[: len(path)] == path}


WORDS = st.sampled_from(
    [Choices(leave=["**"]), Choices(take=["config"], leave=["**"]), Choices(take=["**"]), Choices()]
)


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.tuples(states(), states()), st.lists(st.tuples(EDITS, EDITS, WORDS), min_size=1, max_size=4))
def test_whatever_people_do_between_promotions(
    start: tuple[State, State], story: list[tuple[Any, Any, Choices]]
) -> None:
    one, other = start
    before = written(one, "dev"), written(other, "prod")
    target = before[1]
    names, policy = Names("dev", "prod", promoted=False), Policy.of(None)
    for by_dev, by_hand, choices in story:
        one = edited(one, by_dev)
        source = written(one, "dev")
        if by_hand:
            target = written(edited(state_of(target), by_hand), "prod")
        sides = Sides(*({"values.yaml": each.encode()} for each in (before[0], source, before[1], target)))
        decisions = decide(sides, policy, names, choices)
        _check_verdicts(decisions, state_of(before[1]), state_of(target), choices)
        after = promoted(decisions, source, target)
        _check_promotion(decisions, source, target, after)
        before, target, names = (source, after), after, Names("dev", "prod")
        again = Sides(*({"values.yaml": each.encode()} for each in (source, source, after, after)))
        assert not [each for each in decide(again, policy, names) if each.verdict is Verdict.PROMOTED]


def _check_verdicts(decisions: list[Decision], before: State, now: State, choices: Choices) -> None:
    for each in decisions:
        set_by_hand = at(before, each.key.path) != at(now, each.key.path)
        assert not (set_by_hand and each.verdict is Verdict.PROMOTED) or choices.take
        assert not each.verdict.is_open or not (choices.take or choices.leave)


def _check_promotion(decisions: list[Decision], source: str, target: str, after: str) -> None:
    one, other, made = state_of(source), state_of(target), state_of(after)
    moving = [each.key.path for each in decisions if each.verdict is Verdict.PROMOTED]
    for path in PATHS:
        moves = any(path[: len(each)] == each for each in moving)
        assert made.get(path) == (one if moves else other).get(path)
        assert path not in PINNED or made.get(path) == other.get(path)
    parts = [("image", "tag"), ("image", "digest")]
    assert [made.get(each) for each in parts] in [[state.get(each) for each in parts] for state in (one, other)]
    for line in target.splitlines():
        comment = line.partition("#")[2].strip()
        name = comment.removeprefix("prod ").removesuffix(" above").removeprefix("above ")
        gone = name != "all" and not any(".".join(path).startswith(name) for path in made)
        assert not comment or comment in after or gone


def test_absent_is_not_null() -> None:
    found = decide(Sides({}, {"values.yaml": b"a: 1\nb: null\n"}, {}, {"values.yaml": b"a: null\n"}), Policy(), NAMES)
    assert [(each.key.path, each.source, each.target) for each in found] == [(("a",), 1, None), (("b",), None, ABSENT)]
    assert keys.same(None, None)
