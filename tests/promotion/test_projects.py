"""AppProjects permit what a promotion brings: in its commit, and in nobody else's lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from argosy.change.needs import Used
from argosy.promotion.projects import with_kinds
from argosy.repository.model import Format, Kind, RevisionStyle
from argosy.validation import pipeline
from tests import shared
from tests.changing import commit, git
from tests.conftest import Argosy
from tests.promoting import edit, release, start, text

POD, SERVICE = Kind("", "Pod"), Kind("", "Service")
CONFIG_MAP, INGRESS = Kind("", "ConfigMap"), Kind("networking.k8s.io", "Ingress")
HEAD = "kind: AppProject\nspec:\n"
VALUES = "environments/{}/web/values.yaml"
STAGING = "argocd/staging/project.yaml"
BRINGS = "networkPolicy:\n  enabled: true\n"
QUICK = ("--commit", "--quiet", "--no-validate")
PROMOTE = ("promote", "web", "--to", "staging", "--take", "**", "--yes")


def widened(spec: str, *kinds: Kind, wide: tuple[Kind, ...] = ()) -> str:
    """Return what follows the head of a project's text after kinds were permitted."""
    made, _ = with_kinds(HEAD + spec, Used(set(kinds), set(wide)))
    assert made.startswith(HEAD)
    return made.removeprefix(HEAD)


class TestTheText:
    """Lines come where they belong, and all others stay."""

    def test_in_its_place(self) -> None:
        spec = (
            "  namespaceResourceWhitelist:\n"
            '    - group: ""  # The core\n      kind: Pod\n'
            "    # What people see.\n    - kind: Service\n      group: ''\n\n  # The end.\n  roles: []\n"
        )
        first, last = (
            '    - group: ""\n      kind: ConfigMap\n',
            "    - group: networking.k8s.io\n      kind: Ingress\n",
        )
        begin, end = spec.index('    - group: ""  #'), spec.index("\n  # The end.")
        assert widened(spec, CONFIG_MAP, POD) == spec[:begin] + first + spec[begin:]
        assert widened(spec, INGRESS, SERVICE) == spec[:end] + last + spec[end:]

    def test_beside_other_documents(self) -> None:
        spec = "  namespaceResourceWhitelist:\n    - kind: Pod\n      group: ''\n"
        other = "kind: Application\nspec:\n  namespaceResourceWhitelist:\n    - {group: '', kind: Pod}\n---\n"
        made, added = with_kinds(other + HEAD + spec, Used({INGRESS}, set()))
        assert (made.startswith(other + HEAD + spec), added) == (True, (INGRESS,))

    def test_at_the_end_of_what_is_in_no_order(self) -> None:
        spec = "  namespaceResourceWhitelist:\n  - {group: '', kind: Service}\n  - {group: '', kind: Pod}"
        assert widened(spec, CONFIG_MAP) == f'{spec}\n  - {{group: "", kind: ConfigMap}}\n'

    @pytest.mark.parametrize("listed", ["[]", "[ ]", "[{group: '', kind: Pod}]", "[{group: '', kind: Pod} ]"])
    def test_in_brackets(self, listed: str) -> None:
        data = yaml.safe_load(widened(f"  namespaceResourceWhitelist: {listed}  # Few\n", INGRESS))
        assert {"group": "networking.k8s.io", "kind": "Ingress"} in data["namespaceResourceWhitelist"]
        assert len(data["namespaceResourceWhitelist"]) == 1 + ("Pod" in listed)

    def test_into_an_empty_list_as_the_template_writes_it(self) -> None:
        spec = "  namespaceResourceWhitelist:{}\n  roles: []\n"
        entries = '\n    - {group: "", kind: Pod}\n    - {group: "", kind: Service}'
        assert widened(spec.format(" []"), SERVICE, POD) == spec.format(entries)

    def test_each_list(self) -> None:
        spec = "  clusterResourceWhitelist: []\n  namespaceResourceWhitelist: []\n"
        namespace = Kind("", "Namespace")
        data = yaml.safe_load(widened(spec, POD, wide=(namespace,)))
        assert data == {
            "clusterResourceWhitelist": [{"group": "", "kind": "Namespace"}],
            "namespaceResourceWhitelist": [{"group": "", "kind": "Pod"}],
        }

    @pytest.mark.parametrize(
        "spec",
        [
            "  roles: []\n",
            "  namespaceResourceWhitelist: [{group: '*', kind: '*'}]\n",
            "  namespaceResourceWhitelist: [{group: '', kind: 'Co*'}]\n",
            "  namespaceResourceWhitelist: [Pod]\n",
            "  namespaceResourceWhitelist: Pod\n",
            "  namespaceResourceWhitelist: [\n",
            "  namespaceResourceWhitelist:\n    -\n      group: ''\n      kind: Pod\n",
        ],
    )
    def test_what_permits_it_already_or_cannot_be_edited_stays(self, spec: str) -> None:
        assert with_kinds(HEAD + spec, Used({CONFIG_MAP})) == (HEAD + spec, ())

    def test_line_breaks_and_byte_order_mark(self) -> None:
        written = "\ufeff" + HEAD + "  namespaceResourceWhitelist:\n    - group: ''\n      kind: Service\n"
        made, added = with_kinds(written.replace("\n", "\r\n"), Used({POD}))
        assert added == (POD,)
        assert made.replace("\r\n", "\n") == written.replace(
            "    - group: ''", "    - group: \"\"\n      kind: Pod\n    - group: ''"
        )

    @given(
        st.lists(st.sampled_from([CONFIG_MAP, INGRESS, POD, SERVICE]), unique=True),
        st.sets(st.sampled_from([CONFIG_MAP, INGRESS, POD, SERVICE, Kind("apps", "Deployment")])),
    )
    def test_what_is_used_is_permitted_and_the_rest_stays(self, present: list[Kind], used: set[Kind]) -> None:
        lines = "".join(f"    - group: '{each.group}'\n      kind: {each.kind}\n" for each in present)
        spec = f"  namespaceResourceWhitelist:{chr(10) + lines if present else ' []' + chr(10)}  roles: []\n"
        made, added = with_kinds(HEAD + spec, Used(set(used)))
        listed = [Kind(**each) for each in yaml.safe_load(made)["spec"]["namespaceResourceWhitelist"]]
        assert set(added) == used - {*present}
        assert len(listed) == len(present) + len(added)
        assert [each for each in listed if each in present] == present
        assert set(listed) == {*present} | used
        assert listed == sorted(listed) or present != sorted(present)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy) -> Path:
    """Return a repository in whose dev web has a setting that makes a kind, which only dev's project permits."""

    def make(place: Path) -> None:
        start(place, Format.HELM, environments=("dev", "staging"))
        switched_on(place)
        assert argosy("apply", *QUICK, "--repository", str(place)).code == 0

    root = shared.repository("a promotion brings a kind", make, tmp_path / "gitops")
    monkeypatch.chdir(root)
    return root


def switched_on(root: Path) -> None:
    with (root / VALUES.format("dev")).open("a") as file:
        file.write(BRINGS)
    commit(root)


def found(root: Path) -> list[str]:
    return [str(each) for each in pipeline.validate(root).findings if each.rule.startswith("project-")]


def test_the_project_comes_in_the_same_commit(argosy: Argosy, repository: Path) -> None:
    result = argosy(*PROMOTE, "--commit")
    assert result.code == 0, result.err
    told = f"{STAGING} will also permit networking.k8s.io/NetworkPolicy."
    assert told in result.out
    assert told in git(repository, "log", "-1", "--format=%B")
    assert "+  - group: networking.k8s.io\n+    kind: NetworkPolicy\n" in result.out
    assert set(git(repository, "show", "--name-only", "--format=").split()) == {STAGING, VALUES.format("staging")}
    assert found(repository) == []
    again = argosy("rollback", "web", "staging", "--yes", "--commit")
    assert again.code == 0, again.err
    assert set(git(repository, "show", "--name-only", "--format=").split()) == {VALUES.format("staging")}
    [warning] = found(repository)
    assert "networking.k8s.io/NetworkPolicy" in warning
    back = argosy(*PROMOTE, "--commit", "--no-validate")
    assert (back.code, f"{STAGING} then" in back.out) == (0, False)


def test_the_plan_names_it(argosy: Argosy, repository: Path) -> None:
    [told] = json.loads(argosy(*PROMOTE, "--dry-run", "--output", "json").out)["promotions"]
    assert told["permitted"] == {STAGING: ["networking.k8s.io/NetworkPolicy"]}
    assert STAGING in json.dumps(told["difference"]) or "AppProject" in json.dumps(told["difference"])
    assert git(repository, "status", "--porcelain") == ""


def test_a_branch_of_its_own_has_it(argosy: Argosy, repository: Path) -> None:
    result = argosy(*PROMOTE, "--branch=wanted")
    assert result.code == 0, result.err
    assert "kind: NetworkPolicy" in text(repository, STAGING, "wanted")
    assert "kind: NetworkPolicy" not in text(repository, STAGING)


def test_nothing_is_said_where_everything_is_permitted(argosy: Argosy, repository: Path) -> None:
    edit(repository, VALUES.format("dev"), BRINGS, "")
    release(repository, form=Format.HELM)
    result = argosy(*PROMOTE, "--commit")
    assert (result.code, "permits" in result.out) == (0, False)


def test_the_default_branch_has_to_permit_it_too(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    branches = RevisionStyle.BRANCH
    root = start(tmp_path / "gitops", Format.HELM, environments=("dev", "staging"), revision=branches)
    monkeypatch.chdir(root)
    git(root, "switch", "--quiet", "dev")
    switched_on(root)
    assert argosy("apply", *QUICK).code == 0
    git(root, "switch", "--quiet", "staging")
    result = argosy(*PROMOTE, "--commit")
    assert result.code == 0, result.err
    assert "git switch main, and argosy apply --commit" in result.err
    assert "kind: NetworkPolicy" in text(root, STAGING)
    git(root, "switch", "--quiet", "main")
    assert "kind: NetworkPolicy" not in text(root, STAGING)
    assert argosy("apply", *QUICK).code == 0
    assert "kind: NetworkPolicy" in text(root, STAGING)
    git(root, "switch", "--quiet", "staging")
    edit(root, VALUES.format("dev"), "replicaCount: 1", "replicaCount: 2")
    assert "Argo CD reads" not in argosy(*PROMOTE, "--commit", "--no-validate").err
