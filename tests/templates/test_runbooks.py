"""The pages of a generated repository: every command in them exists, with its options, and so does what it names."""

from __future__ import annotations

import copy
import functools
import os
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path, PurePosixPath

import click
import pytest
import yaml

from argosy import cli
from argosy.argocd.deployed import of_folder
from argosy.bootstrap import credential
from argosy.change import edits
from argosy.documents.fields import group_and_kind
from argosy.kubernetes import kubectl
from argosy.repository.model import (
    WRITTEN_HERE,
    Application,
    ArgocdStyle,
    CiHost,
    Format,
    Notifier,
    Production,
    Repository,
    RevisionStyle,
    Secrets,
    SecretStore,
    Sso,
)
from argosy.schemas import bundled
from argosy.template import creation, rendering
from tests import goldens
from tests.bootstrap.apiserver import BUILT_IN, ApiServer, Object, serving
from tests.bootstrap.argocd import definition, installation, manifests, workload
from tests.changing import commit, edit, git, model
from tests.conftest import Argosy
from tests.kubernetes import played
from tests.status.cluster import kubeconfig
from tests.templates.test_install import installed
from tests.validating import write_files

EVERYTHING = Production(
    high_availability=True,
    sso=Sso.OIDC,
    notifications=(Notifier.SLACK,),
    monitoring=True,
    webhook=True,
    shards=2,
    self_managed=True,
    secrets=Secrets.EXTERNAL_SECRETS,
    sync_windows=True,
    signature_keys=("0123456789ABCDEF",),
    branch_protection=True,
    agents=True,
)
CASES: Mapping[str, tuple[Production, CiHost, ArgocdStyle, RevisionStyle, str]] = {
    "nothing": (Production(), CiHost.NONE, ArgocdStyle.APPLICATIONS, RevisionStyle.TRUNK, ""),
    "little": (
        Production(sync_windows=True, agents=True),
        CiHost.NONE,
        ArgocdStyle.APPLICATIONS,
        RevisionStyle.TRUNK,
        "",
    ),
    "everything": (EVERYTHING, CiHost.GITHUB, ArgocdStyle.APPLICATIONSET, RevisionStyle.BRANCH, "prod-eu"),
    "sealed": (
        replace(EVERYTHING, secrets=Secrets.SEALED_SECRETS, sso=Sso.GITLAB, high_availability=False),
        *(CiHost.GITLAB, ArgocdStyle.APPLICATIONS, RevisionStyle.TRUNK, "https://203.0.113.7:6443"),
    ),
    "sops": (
        replace(EVERYTHING, secrets=Secrets.SOPS, sso=Sso.GITHUB, self_managed=False),
        *(CiHost.BITBUCKET, ArgocdStyle.APPLICATIONS, RevisionStyle.BRANCH, ""),
    ),
    **{
        store.value: (
            replace(EVERYTHING, secret_store=store),
            *(CiHost.NONE, ArgocdStyle.APPLICATIONS, RevisionStyle.TRUNK, "prod-eu"),
        )
        for store in SecretStore
    },
}
ARGOCD = {
    "account bcrypt": set(),
    "account update-password": {"--account"},
    "admin cluster stats": {"--namespace"},
    "admin export": {"--namespace", "--out"},
    "admin import": set(),
    "admin initial-password": {"--namespace", "--context"},
    "admin notifications template get": set(),
    "admin settings rbac can": {"--policy-file"},
    "app diff": set(),
    "app get": {"--refresh", "--show-operation"},
    "app history": set(),
    "app list": set(),
    "app resources": set(),
    "app rollback": set(),
    "app sync": set(),
    "app terminate-op": set(),
    "app wait": {"--sync", "--health", "--timeout"},
    "cert list": set(),
    "cluster add": {"--name"},
    "cluster list": set(),
    "cluster rm": set(),
    "cluster rotate-auth": set(),
    "gpg add": {"--from"},
    "gpg list": set(),
    "login": {"--sso"},
    "proj get": set(),
    "proj role list": set(),
    "proj windows list": set(),
    "repo list": {"--refresh"},
}
"""The commands of Argo CD's own tool that are used, with the options: docs/user-guide/commands in its repository."""
FENCE = re.compile(r"^( *)```sh\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`((?:argosy|kubectl|argocd) [^`]+)`")


def repository(case: str, form: Format = Format.MANIFESTS) -> Repository:
    """Return a repository of dev and prod, the latter in a cluster of its own where the case has one."""
    production, ci, argocd, revision, cluster = CASES[case]
    made = model(("shop",), ci=ci, argocd=argocd, revision=revision, form=form)
    settings = replace(made.settings, production=production)
    dev, prod = made.environments
    shared = "live" if case == "sealed" else ""
    return replace(
        made, settings=settings, environments=(dev, replace(prod, cluster=cluster or prod.cluster, namespace=shared))
    )


@functools.cache
def rendered(case: str) -> Mapping[str, str]:
    """Return the pages, and what else the tests look at."""
    wanted = ("docs/runbooks/", "README.md", "AGENTS.md", "platform/argocd/monitoring.yaml")
    tree = rendering.render(
        repository(case), wanted=lambda path: path.startswith(wanted) or path in {"docs", "platform"}
    )
    return {path: file.content.decode() for path, file in tree.items() if path.startswith(wanted)}


def pages(case: str) -> Mapping[str, str]:
    """Return the pages by their path."""
    return {path: text for path, text in rendered(case).items() if path.endswith(".md")}


def scripts(text: str) -> list[str]:
    """Return the shell's blocks of a page, and the commands within its sentences."""
    blocks = [re.sub(rf"^{indent}", "", block, flags=re.MULTILINE) for indent, block in FENCE.findall(text)]
    return [*blocks, *INLINE.findall(FENCE.sub("", text))]


@functools.cache
def commands(case: str, tool: str) -> Sequence[tuple[str, Sequence[str]]]:
    """Return where a tool is called, and its arguments."""
    return [*_commands(case, tool)]


def _commands(case: str, tool: str) -> Iterator[tuple[str, Sequence[str]]]:
    for path, text in pages(case).items():
        for line in "\n".join(scripts(text)).splitlines():
            lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
            lexer.whitespace_split = True
            words: list[str] = []
            for word in [*lexer, ";"]:
                if word and set(word) <= set("|&;<>()"):
                    if tool in words[:2]:
                        yield path, words[words.index(tool) + 1 :]
                    words = []
                else:
                    words.append(word)


INSTALLED = {
    *(("deployment", f"argocd-{name}") for name in ("server", "repo-server", "dex-server", "notifications-controller")),
    *(("statefulset", "argocd-application-controller"), ("configmap", "argocd-cm")),
    *(("secret", f"argocd-{name}") for name in ("secret", "notifications-secret", "initial-admin-secret")),
    ("secret", credential.SECRET),
}
"""What Argo CD's own manifests bring, and `argosy bootstrap` beside them, into the namespace argocd."""
FLAGS = {
    *("--all", "--all-namespaces", "--force-conflicts", "--ignore-not-found", "--overwrite", "--server-side"),
    *("--show-managed-fields", "--watch"),
}
"""The options of kubectl that take no value."""


@dataclass(frozen=True)
class Call:
    """What a call of kubectl is about."""

    verb: str
    words: Sequence[str]
    options: Mapping[str, str]

    @classmethod
    def read(cls, arguments: Sequence[str]) -> Call:
        """Tell words from options and their values."""
        words, options, left = [], {}, [*arguments]
        while left:
            word = left.pop(0)
            if word.startswith("--"):
                name, equals, value = word.partition("=")
                options[name] = value if equals or name in FLAGS else left.pop(0)
            else:
                words.append(word)
        verb = words.pop(0)
        return cls(verb, words[1:] if verb in {"rollout", "config", "top"} else words, options)

    @property
    def namespace(self) -> str:
        """The namespace that it names."""
        return self.options.get("--namespace", "")

    @property
    def kind(self) -> str:
        """The kind of the objects."""
        return self.words[0].partition("/")[0].removesuffix("s") if self.words else ""

    @property
    def names(self) -> Sequence[str]:
        """The names of the objects; none where it takes all that there are."""
        _, slash, name = self.words[0].partition("/") if self.words else ("", "", "")
        return [name] if slash else [each for each in self.words[1:] if "=" not in each]


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> str:
    """Return each set of switches in turn."""
    return str(request.param)


def parsed(command: click.Command, arguments: Sequence[str], parent: click.Context | None = None) -> None:
    """Have Click parse a command line, and run nothing."""
    if isinstance(command, click.Group):
        with click.Context(command, parent) as context:  # Closed, for options turn off the cache and the like.
            name, *rest = arguments
            inner = command.get_command(context, name)
            if inner is None:
                raise click.UsageError(f"No such command: {name}")
            parsed(inner, rest, context)
    else:
        with command.make_context(command.name, list(arguments), parent):
            pass


@pytest.mark.parametrize("line", ["bootsrap", "doctor --contxt x", "rollback shop", "add apps shop", "diff --against"])
def test_what_does_not_exist_is_found(line: str) -> None:
    with pytest.raises(click.ClickException):
        parsed(cli.argosy, line.split())


def test_argosy_has_every_command_and_option(case: str) -> None:
    found = commands(case, "argosy")
    assert len(found) > 20
    names = {"dev", "prod", "shop"}
    for path, arguments in found:
        try:
            parsed(cli.argosy, arguments)
        except click.ClickException as error:
            pytest.fail(f"{path}: argosy {' '.join(arguments)}: {error.format_message()}")
        for option, value in pairwise(arguments):
            assert option != "--env" or value in names, (path, arguments)


def test_what_is_to_be_set_can_be_set(case: str) -> None:
    for path, arguments in commands(case, "argosy"):
        if arguments[:1] != ["set"]:
            continue
        pairs = dict(each.split("=", 1) for each in arguments if "=" in each)
        values = {key: _plausible(value) for key, value in pairs.items()}
        if arguments[1] == "repository":
            assert edits.set_repository(repository(case), values), path
        elif arguments[1] == "environment":
            assert edits.set_environment(repository(case), arguments[2], values), path


def _plausible(value: str) -> str:
    values = {"$COPY": "https://git.example.com/copy.git", "NEWKEYID": "FEDCBA9876543210", "…": goldens.RELEASED}
    return functools.reduce(lambda text, pair: text.replace(*pair), values.items(), value)


# The form of an application tells what is deployed of it, and the rest of the case what is beside it.
@pytest.mark.parametrize(
    ("case", "form"),
    [
        *(("nothing", form) for form in WRITTEN_HERE),
        *zip(("everything", "sealed", "sops"), (Format.HELM, Format.KUSTOMIZE, Format.MANIFESTS), strict=True),
    ],
)
def test_what_a_command_names_is_deployed(case: str, form: Format, tmp_path: Path) -> None:
    known = repository(case, form)
    creation.write(tmp_path, rendering.render(known))
    deployed = of_folder(tmp_path)
    assert not [each.faults for each in deployed.values() if each.faults]
    objects = {("argocd", *each) for each in INSTALLED} | {("argocd", "application", name) for name in deployed}
    for each in deployed.values():
        objects |= {(found.namespace or each.namespace, found.kind.lower(), found.name) for found in each.manifests}
    calls = [(path, Call.read(arguments)) for path, arguments in commands(case, "kubectl")]
    made = {(each.namespace, each.words[0], each.words[-1]) for _, each in calls if each.verb == "create"}
    namespaces = {"argocd", *(each.namespace for each in deployed.values())}
    namespaces |= {name for _, kind, name in made if kind == "namespace"}
    for path, call in calls:
        assert call.namespace in {"", *namespaces}, (path, call)
        for name in () if call.verb in {"create", "config", "version"} else call.names:
            assert (call.namespace, call.kind, name) in objects | made, (path, call)
        if call.kind == "deployment" and not call.names:
            assert {each for each in objects if each[:2] == (call.namespace, "deployment")}, (path, call)
        folder = call.options.get("--kustomize", "argocd/install")
        assert (tmp_path / folder / "kustomization.yaml").is_file(), (path, call)
        selected = dict(each.split("=") for each in call.options.get("--field-selector", "").split(",") if each)
        assert selected.get("involvedObject.name", "root") in deployed, (path, call)


FILES = {
    **dict.fromkeys(("bitbucket", "clientID", "clientSecret", "gitlab", "keys.txt", "password"), "x"),
    **{
        f"{name}.yaml": f"apiVersion: v1\nkind: Secret\nmetadata: {{name: {secret}, namespace: argocd}}\n"
        for name, secret in {
            **{"notifications-secret": "argocd-notifications-secret", "sealing-keys": "sealing-keys"},
            **{"sso": "argocd-sso", "webhook": "argocd-webhook"},
        }.items()
    },
}
"""What the reader has in the folder by then, as the pages say."""
CONTEXTS = {"$CONTEXT", "$DR", "CONTEXT-OF-THE-CLUSTER", "LOST-CLUSTER"}
"""What the reader fills in."""


def test_kubectl_does_what_the_pages_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a cluster that has what the repository renders, each command is run once, page after page."""
    for name, value in {
        "KUBECONFIG": str(tmp_path / "kubeconfig"),
        "HOME": str(tmp_path),
        "KUBE_EDITOR": "true",
        "GOGC": "off",  # Each is gone before it would be worth it.
    }.items():
        monkeypatch.setenv(name, value)
    program, known, written = kubectl.bundled(), set[str](), list[str]()
    assert program
    for case in ("everything", "nothing", "little", "sealed", "sops"):
        tree = rendering.render(repository(case))
        creation.write(tmp_path / case, tree)
        write_files(tmp_path / case, FILES)
        monkeypatch.chdir(tmp_path / case)
        there, page = _cluster(tmp_path / case), ""
        installed(tmp_path / case, {path: file.content.decode(errors="replace") for path, file in tree.items()})
        with serving(ApiServer()) as server:
            kubeconfig(tmp_path / "kubeconfig", server.url, context="blue", current="blue")
            for path, words in commands(case, "kubectl"):
                if " ".join(words) in known:
                    continue
                known.add(" ".join(words))
                call = Call.read(words)
                if path != page or call.verb == "rollout":  # Which kubectl refuses twice within a second.
                    server.objects, page = copy.deepcopy(there), path
                if call.verb == "create":
                    made = f"{call.words[0]}s", call.namespace, call.words[-1]
                    server.objects.pop(made, None)
                arguments = ["blue" if each in CONTEXTS else each for each in words]
                done = subprocess.run([program, *arguments], check=False, capture_output=True, text=True)
                assert done.returncode == 0, (path, words, done.stderr)
                found = done.stdout + done.stderr
                assert "No resources found" not in found or call.verb == "top", (path, words, found)
                for (plural, _, _), each in server.objects.items():
                    if plural in {"applications", "applicationsets"}:
                        schema = bundled.for_kind(each["apiVersion"], each["kind"])
                        assert schema
                        assert not schema.violations(each), (path, words)
            written += server.written
    assert len(known) > 60
    assert len(written) > 25


WHEN = {"lastTimestamp": "2026-01-01T00:00:00Z"}


def _cluster(root: Path) -> dict[tuple[str, str, str], Object]:
    """Return what is in a cluster with Argo CD, to which a repository is handed over: by plural, namespace and name."""
    objects: list[Object] = [each for each in manifests() if each["kind"] != "ClusterRole"]
    for kind, name in INSTALLED:
        if kind in {"deployment", "statefulset"}:
            objects.append(workload("Deployment" if kind == "deployment" else "StatefulSet", name))
        else:
            data = {"data": {"server.secretkey": ""}, "metadata": {"name": name}}
            objects.append({"apiVersion": "v1", "kind": "Secret" if kind == "secret" else "ConfigMap", **data})
    for rendered in of_folder(root).values():
        objects += [dict(each) for each in (rendered.definition, *rendered.manifests.values())]
    for each in [each for each in objects if each["kind"] in {"Deployment", "StatefulSet"}]:
        objects += _of_workload(each)
    cluster = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "fast"}}
    key = {"name": "key", "labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": "active"}}
    started = {**WHEN, "reason": "OperationStarted", "involvedObject": {"kind": "Application", "name": "shop-prod"}}
    objects += [
        *(cluster, {"apiVersion": "v1", "kind": "Secret", "metadata": key}),
        {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "started"}, **started},
    ]
    known = {(each.group, each.kind): each.plural for each in BUILT_IN}
    measured = definition("PodMetrics", "metrics.k8s.io")
    measured["spec"]["names"]["plural"], measured["spec"]["versions"][0]["name"] = "pods", "v1beta1"
    found: dict[tuple[str, str, str], Object] = {("customresourcedefinitions", "", "pods.metrics.k8s.io"): measured}
    for each in objects:
        group, kind = group_and_kind(each)
        if (group, kind) not in known:
            known[group, kind] = f"{kind.lower()}s"
            if group != "argoproj.io":
                own = definition(kind, group)
                own["spec"]["versions"][0]["name"] = each["apiVersion"].rpartition("/")[2]
                found["customresourcedefinitions", "", own["metadata"]["name"]] = own
        is_wide = kind in {"CustomResourceDefinition", "StorageClass"}
        namespace = "" if is_wide else each["metadata"].get("namespace", "argocd")
        metadata = {**each["metadata"], "namespace": namespace, "generation": 1}
        found[known[group, kind], namespace, metadata["name"]] = there = {**each, "metadata": metadata}
        if kind in {"Deployment", "StatefulSet"}:
            ApiServer().settle(kind, there)
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        found["namespaces", "", namespace] = space
    return found


def _of_workload(made: Object) -> list[Object]:
    """Return a Pod of a workload, and what happened to it."""
    made["spec"].setdefault("updateStrategy", {"type": "RollingUpdate"})
    place = {"namespace": made["metadata"].get("namespace", "argocd"), "name": f"{made['metadata']['name']}-0"}
    pod = {**made["spec"]["template"], "metadata": {**place, "labels": made["spec"]["selector"]["matchLabels"]}}
    event = {**WHEN, "reason": "Pulled", "involvedObject": {"kind": "Pod", **place}, "metadata": place}
    return [{"apiVersion": "v1", "kind": "Pod", **pod}, {"apiVersion": "v1", "kind": "Event", **event}]


@pytest.mark.usefixtures("git_configuration")
def test_argosy_does_what_the_pages_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy) -> None:
    """Of a repository that is pushed, with releases to promote and to roll back, each command is run once."""
    root, case = tmp_path / "gitops", "little"
    creation.create(root, rendering.render(repository(case)), branch="main")
    monkeypatch.chdir(root)
    url = repository(case).settings.repo_url
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", "there.git")
    git(root, "config", "--global", f"url.{tmp_path / 'there.git'}.insteadOf", url)
    git(root, "remote", "add", "origin", url)
    image = "environments/dev/shop/deployment.yaml"
    edit(root, image, "1.29.3-alpine", "1.30.0")
    commit(root)
    assert argosy("promote", "shop", "--to", "prod", "--commit", "--yes", "--quiet", "--no-validate").code == 0
    edit(root, image, "1.30.0", "1.31.0")
    commit(root)
    git(root, "push", "--quiet", "--set-upstream", "origin", "main")
    played.instead(monkeypatch)
    monkeypatch.setenv("PATH", f"{Path(kubectl.bundled() or '').parent}{os.pathsep}{os.environ['PATH']}")
    start, filled = git(root, "rev-parse", "HEAD").strip(), {"$CONTEXT": "blue", "$DR": "blue"}
    for name, value in {"KUBECONFIG": str(tmp_path / "kubeconfig"), "GITOPS_TOKEN": "sesame"}.items():
        monkeypatch.setenv(name, value)
    known = dict.fromkeys(tuple(words) for each in ("nothing", case) for _, words in commands(each, "argosy"))
    with serving(ApiServer()) as server:
        kubeconfig(tmp_path / "kubeconfig", server.url, context="blue", current="blue")
        for words in known:
            arguments = [filled.get(each, _plausible(each.replace("COMMIT", "HEAD"))) for each in words]
            if words[:2] == ("add", "app"):
                arguments[2] = "another"
            if words[0] == "bootstrap":  # Argo CD's manifests are elsewhere, and the repository is private.
                arguments += ["--install", str(installation(tmp_path / "install"))]
                arguments += [] if "--credential" in words else ["--credential", "env:GITOPS_TOKEN"]
            if words[0] in {"bootstrap", "promote", "rollback"} and not {"--yes", "--dry-run"} & {*words}:
                arguments.append("--yes")  # As the reader does; the others would be asked twice.
            result = argosy(*arguments)
            if "Confirm with --yes." in result.err:  # As the reader does.
                result = argosy(*arguments, "--yes")
            assert result.code in ({0, 1} if words[0] == "doctor" else {0}), (words, result.out, result.err)
            git(root, "reset", "--quiet", "--hard", start)
            git(root, "clean", "--quiet", "-d", "--force")
    assert len(known) > 30


def test_argocd_names_what_there_is(case: str) -> None:
    known = repository(case)
    applications = {f"{application.name}-{environment.name}" for environment, application in known.deployments()}
    if known.settings.production.self_managed:
        applications.add("argocd")
    environments = {each.name for each in known.environments}
    clusters = {each.cluster for each in known.environments}
    for path, (group, _, *names) in commands(case, "argocd"):
        if group == "app" and names and not names[0].startswith("--"):
            assert names[0] in {"root", *applications}, (path, names)
        elif group == "proj":
            assert names[-1] in environments, (path, names)
        elif group == "cluster" and names[:1] and names[0] not in {"$DR", "NAME"}:
            context = names[0].startswith("CONTEXT-OF-")
            assert names[-1] in clusters or context, (path, names)
        elif "--policy-file" in names:
            project, _, name = names[-3].partition("/")
            assert (project in environments, name in applications) == (True, True), (path, names)


def test_argosy_names_what_there_is(case: str) -> None:
    known = repository(case)
    environments = {each.name for each in known.environments}
    for path, (command, *words) in commands(case, "argosy"):
        options = {name: value for name, value in pairwise(words) if name.startswith("--")}
        for name in ("--env", "--to", "--from", "--after"):
            assert options.get(name, "dev") in environments, (path, command, words)
        if command in {"diff", "doctor", "history", "promote", "render", "rollback"}:
            end = next((index for index, each in enumerate(words) if each.startswith("-")), len(words))
            assert set(words[:end][:1]) <= {"shop"}, (path, command, words)
            assert set(words[:end][1:]) <= environments, (path, command, words)
        elif words[:1] == ["environment"]:
            assert words[1] in environments, (path, command, words)


def test_a_rollout_is_spoken_of_where_it_may_be() -> None:
    hint = "write `rollout` for `deployment`, and `kubectl argo rollouts` for\n`kubectl rollout`."
    page = "docs/runbooks/README.md"
    assert hint in goldens.made("production")[page].content.decode()
    assert hint not in goldens.made("helm")[page].content.decode()


def test_argocd_has_every_command_and_option(case: str) -> None:
    for path, arguments in commands(case, "argocd"):
        known = [name for name in ARGOCD if " ".join(arguments).startswith(name)]
        assert known, f"{path}: argocd {' '.join(arguments)}"
        options = {each for each in arguments if each.startswith("--")}
        assert options <= ARGOCD[max(known, key=len)], f"{path}: argocd {' '.join(arguments)}"


def test_bash_reads_every_script(case: str) -> None:
    text = "\n".join(script for page in pages(case).values() for script in scripts(page))
    done = subprocess.run(["bash", "-n"], input=text, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_links_lead_somewhere(case: str) -> None:
    found = pages(case)
    for path, text in found.items():
        for target in re.findall(r"\]\(([^)]+)\)", text):
            if target.startswith("https://"):
                continue
            name, _, anchor = target.partition("#")
            there = str(PurePosixPath(path).parent / name) if name else path
            assert there in found, f"{path}: {target}"
            assert not anchor or anchor in anchors(found[there]), f"{path}: {target}"


def anchors(text: str) -> set[str]:
    """Return what the headings of a page are linked to by."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_index_names_every_runbook(case: str) -> None:
    folder = "docs/runbooks/"
    names = {path.removeprefix(folder) for path in pages(case) if path.startswith(folder)} - {"README.md"}
    production = CASES[case][0]
    each = ("audit.md", "break-glass.md", "lose-a-cluster.md", "rehearse.md", "restore-argocd.md", "roll-back.md")
    pages_of_cases = {*each, "rotate-a-credential.md"} if production != Production() else set()
    assert names == pages_of_cases | ({"alerts.md"} if production.monitoring else set())
    assert set(re.findall(r"\((\S+\.md)\)", pages(case)[f"{folder}README.md"])) == names


def test_every_alert_has_a_section_and_leads_to_a_runbook() -> None:
    found = pages("everything")
    alerts: dict[str, str] = {}
    for document in yaml.safe_load_all(rendered("everything")["platform/argocd/monitoring.yaml"]):
        for group in document["spec"]["groups"] if document["kind"] == "PrometheusRule" else ():
            alerts |= {rule["alert"]: rule["annotations"]["runbook_url"] for rule in group["rules"]}
    sections = set(re.findall(r"^## (\w+)$", found["docs/runbooks/alerts.md"], re.MULTILINE))
    assert sections == alerts.keys()
    for alert, url in alerts.items():
        _, _, place = url.partition("/docs/runbooks/")
        name, _, anchor = place.partition("#")
        assert f"docs/runbooks/{name}" in found, alert
        assert not anchor or anchor in anchors(found[f"docs/runbooks/{name}"]), alert


def test_they_are_laid_out_with_care(case: str) -> None:
    for path, text in pages(case).items():
        assert "\n\n\n" not in text, path
        assert "[%" not in text
        assert "[[" not in text
        assert not re.search(r"[ \t]+$", text, re.MULTILINE), path
        assert not re.search(r"[^\n]\n#+ ", FENCE.sub("", text)), path
        assert text.endswith("\n")
        assert not text.endswith("\n\n")


def test_agents_are_told_of_this_repository_in_a_page() -> None:
    assert "AGENTS.md" not in rendered("nothing")
    branches, trunk = (rendered(case)["AGENTS.md"] for case in ("everything", "little"))
    assert all(len(each.splitlines()) <= 70 and len(each) <= 5000 for each in (branches, trunk))
    assert "| prod (production) | dev | `prod` |" in branches
    assert "| prod (production) | dev |\n" in trunk
    assert ("an ExternalSecret names" in branches, "an ExternalSecret names" in trunk) == (True, False)
    assert ("CI's files" in branches, "CI's files" in trunk) == (True, False)
    only = replace(repository("little"), environments=repository("little").environments[:1])
    alone = rendering.render(only)["AGENTS.md"].content.decode()
    assert "argosy promote" not in alone  # There is nowhere to promote to.


def test_two_applications_more_change_nothing_that_agents_are_told() -> None:
    """So branches that each add one merge."""
    made = repository("little")
    more = made.with_applications((Application("one", Format.HELM), Application("two", Format.KUSTOMIZE, "web")))
    one, other = (rendering.render(each)["AGENTS.md"] for each in (made, more))
    assert one == other
