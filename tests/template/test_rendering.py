"""The template through argosy's engine, beside Copier itself."""

from __future__ import annotations

import gc
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import copier
import plumbum
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy import cache
from argosy.change import privileges
from argosy.errors import ArgosyError
from argosy.repository import layout
from argosy.repository.model import Application, Repository, Settings, chain
from argosy.template import copying, rendering
from argosy.template import versions as template
from argosy.template.rendering import File
from argosy.template.versions import Template
from tests import goldens
from tests.conftest import Git
from tests.strategies import repositories

DEFAULTS = Repository(
    Settings("gitops", "https://github.com/your-org/gitops.git"),
    chain((("dev", ""), ("staging", ""), ("prod", "")), Settings("gitops", goldens.URL).revision),
).with_applications((Application("my-app"),))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of the template, which nobody may change."""
    folder, root = tmp_path_factory.mktemp("template"), Path(__file__).parents[2]
    shutil.copy(root / "copier.yml", folder)
    shutil.copytree(root / "templates", folder / "templates")
    return folder


def as_checkout(folder: Path, git: Git) -> Path:
    """Return a folder whose files are committed."""
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Begin")
    return folder


def copied(source: Path, place: Path, **data: Any) -> dict[str, File]:
    """Copy the template with Copier, and return the tree."""
    copier.run_copy(str(source), place, data=data, defaults=True, quiet=True)
    return without_source(goldens.read(place))


def without_source(tree: Mapping[str, File]) -> dict[str, File]:
    """Return a tree without the two lines in which Copier says where it came from."""
    answers = re.sub(rb"^_(commit|src_path): .*\n", b"", tree[layout.ANSWERS].content, flags=re.MULTILINE)
    return {**tree, layout.ANSWERS: replace(tree[layout.ANSWERS], content=answers)}


class TestCopier:
    # Each format, style, way of revisions and host of CI is in one of the first four.
    @pytest.mark.parametrize(
        "name",
        [
            *("helm-applicationset", "kustomize", "manifests"),
            *("helm-shared", "clusters", "teams", "minimal", "production"),
        ],
    )
    def test_copier_copy_gives_the_same_tree(self, folder: Path, tmp_path: Path, name: str) -> None:
        model = goldens.model(name)
        with plumbum.local.env(PATH=""):  # It would ask git, of each file, about an index that a new folder has not.
            found = copied(folder, tmp_path / "copied", **rendering.answers(model))
        assert found == without_source(rendering.render(model))

    def test_of_the_oldest_version_too(self, tmp_path: Path, git: Git) -> None:
        model = goldens.model("helm")
        with template.checkout(template.versions()[-1]) as oldest:
            tree = rendering.render(model, template=oldest)
            as_checkout(oldest.root, git)
            found = copied(oldest.root, tmp_path / "copied", **rendering.answers(model))
        assert found == without_source(tree)

    def test_with_no_answers_at_all_too(self, folder: Path, tmp_path: Path, git: Git) -> None:
        """Out of a git repository, as people give it to `copier copy`."""
        checkout = as_checkout(shutil.copytree(folder, tmp_path / "checkout"), git)
        assert copied(checkout, tmp_path / "copied") == without_source(rendering.render(privileges.of_new(DEFAULTS)))

    def test_the_users_defaults_for_copier_change_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "settings.yml").write_text("defaults: {format: manifests, repository_name: mine}\n")
        before = rendering.render(DEFAULTS)
        monkeypatch.setenv("COPIER_SETTINGS_PATH", str(tmp_path / "settings.yml"))
        assert rendering.render(DEFAULTS) == before

    def test_what_is_recorded(self) -> None:
        recorded = yaml.safe_load(rendering.render(DEFAULTS)[layout.ANSWERS].content)
        derived = {"applications", "chart_versions", "clusters", "environments", "teams"}
        asked = {key: value for key, value in rendering.answers(DEFAULTS).items() if key not in derived}
        assert recorded == {"_commit": template.current().version, "_src_path": template.URL, **asked}


class TestKept:
    """A tree that was rendered once is there for every later command."""

    @pytest.fixture
    def runs(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
        """Return the versions for which the template is run, with a cache of this test's own."""
        for name in ("helm", "kustomize"):  # What they permit, a render has said, whichever test asked first.
            goldens.model(name)
        monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
        done: list[str] = []
        run = copying.run

        def count(chosen: Template, *arguments: Any) -> dict[str, File]:
            done.append(chosen.version)
            return run(chosen, *arguments)

        monkeypatch.setattr(copying, "run", count)
        return done

    def test_the_same_is_rendered_once(self, runs: list[str]) -> None:
        model = goldens.model("helm")
        assert [*rendering.render(model).items()] == [*rendering.render(model).items()]
        assert len(runs) == 1
        with cache.off():
            assert len(rendering.render(model)) == len(rendering.render(model))
        assert len(runs) == 3

    def test_another_model_version_or_part_is_another_tree(self, runs: list[str], tmp_path: Path) -> None:
        one, other = goldens.model("helm"), goldens.model("kustomize")
        small = TestSmallTemplates.template(tmp_path, {"templates/a.txt.jinja": "[[ repository_name ]]\n"})
        trees = [
            rendering.render(one),
            rendering.render(other),
            rendering.render(one, template=small),
            rendering.render(one, without=("environments",)),
            rendering.render(one, wanted=lambda path: "dev" in path, told="dev"),
            rendering.render(one, wanted=lambda path: "prod" in path, told="prod"),
        ]
        assert len({frozenset(each.items()) for each in trees}) == len(runs) == 6

    def test_what_nobody_tells_apart_is_rendered_each_time(self, runs: list[str]) -> None:
        for part in ("dev", "prod"):
            tree = rendering.render(goldens.model("helm"), wanted=lambda path, part=part: part in path)  # type: ignore[misc]
            assert all(part in path for path in tree)
        assert len(runs) == 2


class TestPieces:
    """A file of an application or an environment depends on no other application or environment."""

    @given(repositories())
    @settings(max_examples=6, deadline=None)
    def test_an_application_renders_alone(self, model: Repository) -> None:
        whole = rendering.render(model)
        for application in model.applications:
            alone = rendering.render(replace(model, applications=(application,)))
            assert files_of(alone, application.name) == files_of(whole, application.name) != {}

    @given(repositories())
    @settings(max_examples=5, deadline=None)
    def test_an_environment_renders_alone(self, model: Repository) -> None:
        whole = rendering.render(model)
        for environment in model.environments:
            # Whether releases end there, and so how exact its project is, the ones after it tell.
            after = [each for each in model.environments if each.promotes_from == environment.name]
            alone = rendering.render(replace(model, environments=(environment, *after)))
            prefixes = (f"environments/{environment.name}/", f"argocd/{environment.name}/")
            assert {path: alone[path] for path in alone if path.startswith(prefixes)} == {
                path: whole[path] for path in whole if path.startswith(prefixes)
            }

    @given(repositories(), st.randoms(use_true_random=False))
    @settings(max_examples=5, deadline=None)
    def test_the_wanted_files_are_those_of_the_whole(self, model: Repository, random: Any) -> None:
        whole = rendering.render(model)
        chosen = set(random.sample(sorted(whole), 5))
        above = {str(parent) for path in chosen for parent in Path(path).parents}
        part = rendering.render(model, wanted=lambda path: path in chosen | above)
        assert part == {path: whole[path] for path in chosen}


def files_of(tree: Mapping[str, File], application: str) -> dict[str, File]:
    return {
        path: file
        for path, file in tree.items()
        if path.startswith(f"applications/{application}/")
        or re.match(rf"environments/[^/]+/{application}/", path)
        or re.fullmatch(rf"argocd/[^/]+/{application}\.yaml", path)
    }


@given(repositories())
@settings(max_examples=15, deadline=None)
def test_whatever_the_model_says_is_in_the_files(model: Repository) -> None:
    tree = rendering.render(model)
    documents = {
        path: next(iter([*yaml.load_all(file.content, yaml.CSafeLoader)]))
        for path, file in tree.items()
        if path.endswith((".yaml", ".yml")) and "charts/" not in path
    }
    for environment in model.environments:
        written = documents[layout.environment_settings(environment.name)]
        kind = "server" if environment.cluster_is_url else "name"
        assert written["destination"] == {kind: environment.cluster}
        assert (written["revision"], written["replicas"]) == (environment.revision, environment.replicas)
    for application in model.applications:
        assert documents[layout.application_settings(application.name)]["team"] == application.team
    for environment, application in model.deployments():
        image = application.seed.image_in(environment.name)
        folder = layout.deployment(environment.name, application.name)
        if application.chart == "shared":
            by_set = model.settings.argocd == "applicationset"
            path = layout.chart_version if by_set else layout.argocd_application
            followed = dict(environment.chart_versions)[application.name]
            text = tree[path(environment.name, application.name)].content.decode()
            assert f" {'' if by_set else 'charts/app/'}{followed}\n" in text
        if application.format == "helm":
            values = documents[f"{folder}/values.yaml"]["image"]
            assert (values["repository"], values.get("digest", "")) == (image.repository, image.digest)
            assert values["tag"] == (image.tag or ("" if image.digest else "latest"))
        if application.format == "manifests":
            pod = documents[f"{folder}/deployment.yaml"]["spec"]["template"]["spec"]
            assert pod["containers"][0]["image"].startswith(image.repository)
            assert pod["containers"][0]["ports"][0]["containerPort"] == application.seed.port
    assert all(isinstance(file.content.decode(), str) and b"\r" not in file.content for file in tree.values())


class TestSmallTemplates:
    @staticmethod
    def template(folder: Path, files: Mapping[str, str]) -> Template:
        configuration = (Path(__file__).parents[2] / "copier.yml").read_text()
        for path, text in {"copier.yml": configuration, **files}.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        return Template(folder, template.tree_id(folder))

    def test_a_file_that_can_be_run_stays_so(self, tmp_path: Path) -> None:
        made = self.template(tmp_path, {"templates/run.sh": "#!/bin/sh\n", "templates/walk.sh": "#!/bin/sh\n"})
        (tmp_path / "templates/run.sh").chmod(0o755)
        tree = rendering.render(DEFAULTS, template=made)
        assert {path: file.executable for path, file in tree.items()} == {"run.sh": True, "walk.sh": False}

    # Copier leaves an open iterator over the template's folder behind.
    @pytest.mark.filterwarnings("ignore:Exception ignored in.*ScandirIterator:pytest.PytestUnraisableExceptionWarning")
    def test_a_template_that_is_broken(self, tmp_path: Path) -> None:
        for number, text in enumerate(("[[ nobody.knows ]]", "[% for %]", "[[ 1 / 0 ]]", "[% include 'x' %]")):
            made = self.template(tmp_path / str(number), {"templates/a.yaml.jinja": text})
            with pytest.raises(ArgosyError, match="The template could not be rendered"):
                rendering.render(DEFAULTS, template=made)
        gc.collect()

    def test_nothing_is_written_outside_of_the_tree(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        with cache.off():
            rendering.render(DEFAULTS)
        assert list(tmp_path.iterdir()) == []
