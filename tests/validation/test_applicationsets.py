"""An ApplicationSet and a working tree -> Applications: real Helm runs the Go templates."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from generator.helm import engine
from generator.validation.applicationsets import Expansion, Flaw, RepositoryFiles, expand
from generator.validation.documents import parse

URL = "https://github.com/acme/gitops.git"

REPOSITORY_SET = r"""
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata:
  name: gitops
  namespace: argocd
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  syncPolicy:
    preserveResourcesOnDeletion: true
  generators:
    - matrix:
        generators:
          - matrix:
              generators:
                - git:
                    repoURL: https://github.com/acme/gitops.git
                    revision: main
                    pathParamPrefix: env
                    files:
                      - path: environments/*/environment.yaml
                      # In Argo CD's default globbing `*` crosses `/`.
                      - path: environments/*/*/environment.yaml
                        exclude: true
                - git:
                    repoURL: https://github.com/acme/gitops.git
                    revision: "{{ .revision }}"
                    pathParamPrefix: app
                    directories:
                      - path: environments/{{ .env.path.basename }}/*
          - git:
              repoURL: https://github.com/acme/gitops.git
              revision: "{{ .revision }}"
              pathParamPrefix: settings
              files:
                - path: applications/{{ .app.path.basename }}/application.yaml
  template:
    metadata:
      name: "{{ .app.path.basename }}-{{ .env.path.basename }}"
      labels:
        app.kubernetes.io/name: "{{ .app.path.basename }}"
        environment: "{{ .env.path.basename }}"
      annotations:
        argocd.argoproj.io/manifest-generate-paths: "/applications/{{ .app.path.basename }};\
          /environments/{{ .env.path.basename }}/values.yaml;/{{ .app.path.path }}"
    spec:
      project: "{{ .env.path.basename }}"
      source:
        repoURL: https://github.com/acme/gitops.git
        targetRevision: "{{ .revision }}"
        path: >-
          {{ if eq .format "helm" -}}
          applications/{{ .app.path.basename }}/charts/{{ .app.path.basename }}
          {{- else -}}
          {{ .app.path.path }}
          {{- end }}
      destination:
        server: '{{ get .destination "server" }}'
        name: '{{ get .destination "name" }}'
        namespace: >-
          {{ get . "namespace" | default (printf "%s-%s" .app.path.basename .env.path.basename) }}
  templatePatch: |
    spec:
      {{- if eq .format "helm" }}
      source:
        helm:
          releaseName: {{ .app.path.basename }}
          valueFiles:
            - /environments/{{ .env.path.basename }}/values.yaml
            - /{{ .app.path.path }}/values.yaml
      {{- end }}
      syncPolicy:
        {{- if .autoSync }}
        automated:
          prune: true
          selfHeal: true
        {{- end }}
        syncOptions:
          - CreateNamespace=true
"""

IN_CLUSTER = "destination: {server: https://kubernetes.default.svc}\n"
REPOSITORY = {
    "environments/dev/environment.yaml": IN_CLUSTER + 'revision: main\nautoSync: true\npromotesFrom: ""\n',
    "environments/dev/values.yaml": "",
    "environments/dev/web/values.yaml": "",
    "environments/dev/web/environment.yaml": "not: an environment\n",
    "environments/dev/api/kustomization.yaml": "",
    "environments/dev/.hidden/x.yaml": "",
    "environments/prod/environment.yaml": (
        "destination: {name: far}\nrevision: release\nautoSync: false\nnamespace: all\n"
    ),
    "environments/prod/web/values.yaml": "",
    "applications/web/application.yaml": "format: helm\nteam: a\n",
    "applications/web/charts/web/Chart.yaml": "",
    "applications/api/application.yaml": "format: kustomize\nteam: b\n",
}


def files(root: Path, content: Mapping[str, str]) -> RepositoryFiles:
    for path, text in content.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return RepositoryFiles(root, sorted(content), lambda url: url == URL)


def expanded(root: Path, text: str, content: Mapping[str, str] | None = None) -> Expansion:
    return expand(parse(textwrap.dedent(text), "set.yaml").documents[0], files(root, content or {}), engine())


def application_set(generators: str, name: str = "{{ .name }}", *, go: bool = True, extra: str = "") -> str:
    """Return an ApplicationSet with those generators, whose Applications have just a name."""
    return (
        f"metadata: {{name: s}}\nspec:\n  goTemplate: {str(go).lower()}\n"
        + ("  goTemplateOptions: [missingkey=error]\n" if go else "")
        + "  generators:\n"
        + textwrap.indent(textwrap.dedent(generators).strip("\n"), "    ")
        + f"\n  template:\n    metadata:\n      name: '{name}'\n"
        + textwrap.indent(textwrap.dedent(extra), "    ")
    )


def names(expansion: Expansion) -> list[str]:
    assert not expansion.problems
    assert not expansion.skipped
    return [application.name for application in expansion.applications]


def messages(expansion: Expansion) -> list[tuple[Flaw, tuple[str | int, ...], str]]:
    return [(flaw, problem.at, problem.message) for flaw, problem in expansion.problems]


def git(kind: str, *paths: str, **more: str) -> str:
    """Return a Git generator; a path that begins with `!` is excluded."""
    items = [f"{{path: '{path.removeprefix('!')}', exclude: {str(path[0] == '!').lower()}}}" for path in paths]
    rest = "".join(f", {key}: {value}" for key, value in more.items())
    return f"{{git: {{repoURL: '{URL}', revision: main, {kind}: [{', '.join(items)}]{rest}}}}}"


class TestRepositorySet:
    """The ApplicationSet that a generated repository has."""

    def test_applications(self, tmp_path: Path) -> None:
        expansion = expanded(tmp_path, REPOSITORY_SET, REPOSITORY)

        assert names(expansion) == ["api-dev", "web-dev", "web-prod"]
        api, web, prod = (application.manifest for application in expansion.applications)
        assert web == {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {
                "name": "web-dev",
                "namespace": "argocd",
                "labels": {"app.kubernetes.io/name": "web", "environment": "dev"},
                "annotations": {
                    "argocd.argoproj.io/manifest-generate-paths": (
                        "/applications/web;/environments/dev/values.yaml;/environments/dev/web"
                    )
                },
            },
            "spec": {
                "project": "dev",
                "source": {
                    "repoURL": URL,
                    "targetRevision": "main",
                    "path": "applications/web/charts/web",
                    "helm": {
                        "releaseName": "web",
                        "valueFiles": ["/environments/dev/values.yaml", "/environments/dev/web/values.yaml"],
                    },
                },
                "destination": {"server": "https://kubernetes.default.svc", "namespace": "web-dev"},
                "syncPolicy": {
                    "automated": {"prune": True, "selfHeal": True},
                    "syncOptions": ["CreateNamespace=true"],
                },
            },
        }
        assert api["spec"]["source"] == {
            "repoURL": URL,
            "targetRevision": "main",
            "path": "environments/dev/api",
        }
        assert prod["spec"]["destination"] == {"name": "far", "namespace": "all"}
        assert prod["spec"]["source"]["targetRevision"] == "release"
        assert prod["spec"]["syncPolicy"] == {"syncOptions": ["CreateNamespace=true"]}

    def test_applications_stand_in_the_template(self, tmp_path: Path) -> None:
        application = expanded(tmp_path, REPOSITORY_SET, REPOSITORY).applications[0]

        assert application.at("spec", "project") == ("spec", "template", "spec", "project")
        line = application.document.line_of(application.at("spec", "project"))
        assert line is not None
        assert REPOSITORY_SET.splitlines()[line - 1].strip().startswith("project:")

    def test_missing_setting_is_named(self, tmp_path: Path) -> None:
        broken = REPOSITORY | {"applications/api/application.yaml": "team: b\n"}
        expansion = expanded(tmp_path, REPOSITORY_SET, broken)

        assert [application.name for application in expansion.applications] == ["web-dev", "web-prod"]
        ((flaw, at, message),) = messages(expansion)
        assert (flaw, at) == (Flaw.TEMPLATE, ("spec", "template", "spec", "source", "path"))
        assert message.endswith('fails with 1 of 3 sets of parameters: map has no entry for key "format".')

    def test_no_deployment_is_empty(self, tmp_path: Path) -> None:
        only = {"environments/dev/environment.yaml": REPOSITORY["environments/dev/environment.yaml"]}
        ((flaw, at, message),) = messages(expanded(tmp_path, REPOSITORY_SET, only))

        assert flaw is Flaw.EMPTY
        assert at == ("spec", "generators", 0, "matrix", "generators", 0, "matrix", "generators", 1)
        assert message == ("The generator yields nothing: no folder matches environments/{{ .env.path.basename }}/*.")

    def test_finalizer_unless_resources_are_preserved(self, tmp_path: Path) -> None:
        text = REPOSITORY_SET.replace("preserveResourcesOnDeletion: true", "preserveResourcesOnDeletion: false")
        application = expanded(tmp_path, text, REPOSITORY).applications[0]

        assert application.metadata["finalizers"] == ["resources-finalizer.argocd.argoproj.io"]


class TestList:
    def test_elements_and_elements_yaml(self, tmp_path: Path) -> None:
        text = application_set(
            """
            - list:
                elements: [{name: a}, {name: b}]
                elementsYaml: "- name: c"
            """
        )
        assert names(expanded(tmp_path, text)) == ["a", "b", "c"]

    def test_without_go_template(self, tmp_path: Path) -> None:
        text = application_set("- list: {elements: [{name: a, values: {x: '1'}}]}", "{{name}}-{{ values.x }}", go=False)
        assert names(expanded(tmp_path, text)) == ["a-1"]

    def test_without_go_template_a_number_is_refused(self, tmp_path: Path) -> None:
        text = application_set("- list: {elements: [{name: a, port: 80}]}", "{{name}}", go=False)
        assert messages(expanded(tmp_path, text)) == [
            (
                Flaw.GENERATOR,
                ("spec", "generators", 0, "list", "elements", 0),
                "Without goTemplate, an element's “port” has to be a string.",
            )
        ]

    def test_empty(self, tmp_path: Path) -> None:
        text = application_set("- list: {elements: []}")
        assert messages(expanded(tmp_path, text)) == [
            (Flaw.EMPTY, ("spec", "generators", 0), "The generator yields nothing: its list is empty.")
        ]


TREE = dict.fromkeys(
    ["apps/a/x.yaml", "apps/a/deep/x.yaml", "apps/B_c/x.yaml", "apps/old/x.yaml", ".github/x.yaml", "apps/.x/x.yaml"],
    "",
)


class TestGitDirectories:
    def test_star_stays_in_a_folder_and_exclude_wins(self, tmp_path: Path) -> None:
        text = application_set("- " + git("directories", "!apps/o*", "apps/*"), "{{ .path.basenameNormalized }}")
        assert names(expanded(tmp_path, text, TREE)) == ["b-c", "a"]

    def test_hidden_folders_are_skipped(self, tmp_path: Path) -> None:
        text = application_set("- " + git("directories", "*", "apps/.x"), "{{ .path.path }}")
        assert names(expanded(tmp_path, text, TREE)) == ["apps"]

    def test_go_parameters(self, tmp_path: Path) -> None:
        name = "{{ .app.path.path }} {{ .app.path.basename }} {{ index .app.path.segments 1 }} {{ .values.up }}"
        generator = git(
            "directories", "apps/a/*", pathParamPrefix="app", values="{up: '{{ .app.path.basename | upper }}'}"
        )
        assert names(expanded(tmp_path, application_set("- " + generator, name), TREE)) == ["apps/a/deep deep a DEEP"]

    def test_flat_parameters(self, tmp_path: Path) -> None:
        name = "{{path}} {{path.basename}} {{path[1]}} {{values.v}}"
        text = application_set(
            "- " + git("directories", "apps/a/*", values="{v: 'x-{{path.basename}}'}"), name, go=False
        )
        assert names(expanded(tmp_path, text, TREE)) == ["apps/a/deep deep a x-deep"]

    def test_no_match(self, tmp_path: Path) -> None:
        text = application_set("- " + git("directories", "nowhere/*"))
        assert messages(expanded(tmp_path, text, TREE)) == [
            (Flaw.EMPTY, ("spec", "generators", 0), "The generator yields nothing: no folder matches nowhere/*.")
        ]

    def test_another_repository_is_skipped(self, tmp_path: Path) -> None:
        text = application_set("- " + git("directories", "*").replace("acme/gitops", "acme/other"))
        expansion = expanded(tmp_path, text, TREE)
        assert expansion.skipped == "its Git generator reads another repository: https://github.com/acme/other.git"
        assert not expansion.problems


class TestGitFiles:
    def test_star_crosses_folders(self, tmp_path: Path) -> None:
        text = application_set("- " + git("files", "apps/*.json"), "{{ .path.path }}")
        content = {"apps/a.json": "{}", "apps/b/c/d.json": "{}", "apps/e.yaml": "{}"}
        assert names(expanded(tmp_path, text, content)) == ["apps", "apps/b/c"]

    def test_go_parameters(self, tmp_path: Path) -> None:
        name = "{{ .a.b }} {{ index .list 1 }} {{ with .p.path }}{{ .filename }} {{ .filenameNormalized }}{{ end }}"
        text = application_set("- " + git("files", "x/*.json", pathParamPrefix="p"), name)
        content = {"x/A_b.json": '{"a": {"b": 1}, "list": [1, 2.5]}'}
        assert names(expanded(tmp_path, text, content)) == ["1 2.5 A_b.json a-b.json"]

    def test_flat_parameters(self, tmp_path: Path) -> None:
        name = "{{a.b}} {{list.1}} {{flag}} {{none}} {{big}} {{day}} {{p.path}} {{p.path.filename}} {{p.path[0]}}"
        text = application_set("- " + git("files", "x/a.yaml", pathParamPrefix="p"), name, go=False)
        content = {"x/a.yaml": "a: {b: c}\nlist: [1, 2.5]\nflag: true\nnone: null\nbig: 12345678\nday: 2026-01-01\n"}
        assert names(expanded(tmp_path, text, content)) == ["c 2.5 true <nil> 1.2345678e+07 2026-01-01 x a.yaml x"]

    def test_list_of_objects_and_empty_file(self, tmp_path: Path) -> None:
        text = application_set("- " + git("files", "*.yaml"), '{{ get . "id" | default .path.path }}')
        content = {"a/l.yaml": "- id: one\n- id: two\n", "b/e.yaml": ""}
        assert names(expanded(tmp_path, text, content)) == ["one", "two", "b"]

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("a: [", "a/x.yaml is no valid YAML: line 1: "),
            ("just text", "a/x.yaml is neither a map nor a list of maps."),
        ],
    )
    def test_unreadable(self, tmp_path: Path, content: str, message: str) -> None:
        text = application_set("- " + git("files", "a/x.yaml"))
        ((flaw, _, found),) = messages(expanded(tmp_path, text, {"a/x.yaml": content}))
        assert flaw is Flaw.GENERATOR
        assert found.startswith(message)

    def test_neither_files_nor_directories(self, tmp_path: Path) -> None:
        text = application_set(f"- git: {{repoURL: '{URL}', revision: main}}")
        assert messages(expanded(tmp_path, text))[0][2] == "A Git generator needs directories or files."


class TestMatrix:
    def test_second_child_reads_the_first(self, tmp_path: Path) -> None:
        first = "{list: {elements: [{env: dev}, {env: prod}]}}"
        text = application_set(
            f"- matrix: {{generators: [{first}, {git('directories', '{{ .env }}/*')}]}}",
            "{{ .env }}-{{ .path.basename }}",
        )
        content = dict.fromkeys(["dev/a/x", "dev/b/x", "prod/a/x", "test/a/x"], "")
        assert names(expanded(tmp_path, text, content)) == ["dev-a", "dev-b", "prod-a"]

    def test_the_first_child_wins_and_maps_merge(self, tmp_path: Path) -> None:
        text = application_set(
            """
            - matrix:
                generators:
                  - list: {elements: [{name: first, flag: false, m: {a: 1}}]}
                  - list: {elements: [{name: second, flag: true, m: {a: 2, b: 3}}]}
            """,
            "{{ .name }} {{ .flag }} {{ .m.a }} {{ .m.b }}",
        )
        assert names(expanded(tmp_path, text)) == ["first false 1 3"]

    def test_values_may_wait_for_their_own_parameters(self, tmp_path: Path) -> None:
        values = "{both: '{{ .env }}-{{ .path.basename }}', early: '{{ .env | upper }}'}"
        second = git("directories", "a/*", values=values)
        text = application_set(
            f"- matrix: {{generators: [{{list: {{elements: [{{env: dev}}]}}}}, {second}]}}",
            "{{ .values.early }} {{ .path.basename }}",
        )
        expansion = expanded(tmp_path, text, {"a/b/x": ""})
        # `both` names parameters of both children, which no generator has at once.
        assert [problem.message for _, problem in expansion.problems] == [
            'The template “{{ .env }}-{{ .path.basename }}” fails: map has no entry for key "env".'
        ]

    def test_flat_conflict(self, tmp_path: Path) -> None:
        text = application_set(
            """
            - matrix:
                generators:
                  - list: {elements: [{name: a}]}
                  - list: {elements: [{name: b}]}
            """,
            "{{name}}",
            go=False,
        )
        assert messages(expanded(tmp_path, text))[0][2] == "Both generators of the matrix give “name”: a and b."

    def test_selector_of_a_child(self, tmp_path: Path) -> None:
        text = application_set(
            """
            - matrix:
                generators:
                  - list: {elements: [{env: dev}, {env: prod}]}
                    selector: {matchLabels: {env: prod}}
                  - list: {elements: [{name: '{{ .env }}-x'}]}
            """
        )
        assert names(expanded(tmp_path, text)) == ["prod-x"]

    def test_three_children(self, tmp_path: Path) -> None:
        child = "{list: {elements: [{name: a}]}}"
        text = application_set(f"- matrix: {{generators: [{child}, {child}, {child}]}}")
        assert (
            messages(expanded(tmp_path, text))[0][2] == "A matrix combines exactly two generators, and this one has 3."
        )

    def test_nested_twice(self, tmp_path: Path) -> None:
        child = "{list: {elements: [{name: a}]}}"
        inner = f"{{matrix: {{generators: [{child}, {child}]}}}}"
        middle = f"{{matrix: {{generators: [{inner}, {child}]}}}}"
        text = application_set(f"- matrix: {{generators: [{middle}, {child}]}}")
        assert messages(expanded(tmp_path, text))[0][2] == "A matrix generator can be nested once, not twice."


class TestMerge:
    GENERATORS = """
    - merge:
        mergeKeys: [name]
        generators:
          - list: {elements: [{name: a, size: "1", tag: x}, {name: b, size: "1", tag: x}]}
          - list: {elements: [{name: b, size: "2"}, {name: c, size: "9"}]}
    """

    @pytest.mark.parametrize("go", [True, False])
    def test_later_generators_override_known_keys(self, tmp_path: Path, go: bool) -> None:
        dot = "." if go else ""
        text = application_set(self.GENERATORS, f"{{{{{dot}name}}}}{{{{{dot}size}}}}{{{{{dot}tag}}}}", go=go)
        assert names(expanded(tmp_path, text)) == ["a1x", "b2x"]

    def test_keys_have_to_be_unique(self, tmp_path: Path) -> None:
        text = application_set(self.GENERATORS.replace("name: c", "name: b"))
        assert (
            messages(expanded(tmp_path, text))[0][2] == 'Two sets of parameters have the same mergeKeys: {"name": "b"}.'
        )


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("{}", ["a", "b", "c"]),
        ("{matchLabels: {m.tier: gold}}", ["a"]),
        ("{matchExpressions: [{key: m.tier, operator: In, values: [gold, tin]}]}", ["a", "b"]),
        ("{matchExpressions: [{key: m.tier, operator: NotIn, values: [gold]}]}", ["b", "c"]),
        ("{matchExpressions: [{key: m.tier, operator: Exists}]}", ["a", "b"]),
        ("{matchExpressions: [{key: m.tier, operator: DoesNotExist}]}", ["c"]),
    ],
)
def test_selectors(tmp_path: Path, selector: str, expected: list[str]) -> None:
    elements = "[{name: a, m: {tier: gold}}, {name: b, m: {tier: tin}}, {name: c}]"
    text = application_set(f"- list: {{elements: {elements}}}\n  selector: {selector}")
    assert names(expanded(tmp_path, text)) == expected


@pytest.mark.parametrize("kind", ["clusters", "scmProvider", "pullRequest", "plugin", "clusterDecisionResource"])
def test_what_only_a_cluster_knows_is_skipped(tmp_path: Path, kind: str) -> None:
    text = application_set(f"- {kind}: {{}}\n- list: {{elements: [{{name: a}}]}}")
    expansion = expanded(tmp_path, text)
    assert expansion.skipped.startswith(f"its generator `{kind}` asks for ")
    assert [application.name for application in expansion.applications] == ["a"]


def test_unknown_generator(tmp_path: Path) -> None:
    (found,) = messages(expanded(tmp_path, application_set("- listt: {}")))
    assert found[:2] == (Flaw.GENERATOR, ("spec", "generators", 0))


def test_duplicate_names(tmp_path: Path) -> None:
    text = application_set("- list: {elements: [{name: a}, {name: a}]}")
    assert messages(expanded(tmp_path, text)) == [
        (Flaw.DUPLICATE, ("spec", "template", "metadata", "name"), "2 Applications are named “a”.")
    ]


class TestTemplates:
    LIST = "- list: {elements: [{name: a, m: {k: v}, flag: false, none: null}]}"

    @pytest.mark.parametrize(
        ("template", "expected"),
        [
            ("{{ .m.k }}", "v"),
            ("{{ $.m.k }}{{ with .m }}{{ .k }}{{ $.name }}{{ end }}", "vva"),
            ("{{ $x := .m }}{{ $x.k }}{{ (.m).k }}{{ (index . \"m\").k }}", "vvv"),
            ("{{ if .flag }}{{ .absent }}{{ else }}off{{ end }}", "off"),
            ("{{ get .m \"absent\" | default \"d\" }}{{ dig \"m\" \"z\" \"e\" . }}", "de"),
            ("{{ range $k, $v := .m }}{{ $k }}={{ $v }}{{ end }}", "k=v"),
            ("{{/* .absent }} */}}{{ print `}}.absent` }}", "}}.absent"),
            ("{{- \" A_b..\" | normalize -}}{{ normalize \"C D\" }}", "a-bc-d"),
            ("{{ .flag }}", "false"),
        ],
    )  # fmt: skip
    def test_go_template(self, tmp_path: Path, template: str, expected: str) -> None:
        text = application_set(self.LIST, template.replace("'", "''"))
        assert names(expanded(tmp_path, text)) == [expected]

    @pytest.mark.parametrize(
        ("template", "message"),
        [
            ("{{ .absent }}", 'map has no entry for key "absent"'),
            ("{{ .m.absent | upper }}", 'map has no entry for key "absent"'),
            ("{{ if .absent }}{{ end }}", 'map has no entry for key "absent"'),
            ("{{ with .m }}{{ .name }}{{ end }}", 'map has no entry for key "name"'),
            ("{{ tpl .name . }}", 'function "tpl" not defined'),
            ("{{ nonsense }}", 'function "nonsense" not defined'),
            ("{{ if }}", "missing value for if"),
            ('{{ fail "no" }}', "no"),
        ],
    )
    def test_failures_name_the_field(self, tmp_path: Path, template: str, message: str) -> None:
        text = application_set(self.LIST, template)
        assert messages(expanded(tmp_path, text)) == [
            (Flaw.TEMPLATE, ("spec", "template", "metadata", "name"), f"The template “{template}” fails: {message}.")
        ]

    def test_without_missingkey_error_no_value_is_reported(self, tmp_path: Path) -> None:
        text = application_set(self.LIST, "{{ .absent }}").replace("missingkey=error", "missingkey=default")
        expansion = expanded(tmp_path, text)
        assert expansion.applications[0].name == "<no value>"
        assert messages(expansion)[0][:2] == (Flaw.TEMPLATE, ("spec", "template", "metadata", "name"))

    def test_without_go_template_unknown_parameters_stay(self, tmp_path: Path) -> None:
        text = application_set("- list: {elements: [{name: a}]}", "{{name}}-{{ .name }}", go=False)
        expansion = expanded(tmp_path, text)
        assert expansion.applications[0].name == "a-{{ .name }}"
        assert messages(expansion) == [
            (
                Flaw.TEMPLATE,
                ("spec", "template", "metadata", "name"),
                "No generator gives the parameter “.name”: Argo CD leaves {{.name}} as it is.",
            )
        ]

    def test_keys_are_rendered_and_other_values_are_not(self, tmp_path: Path) -> None:
        extra = """
              labels: {'{{ .name }}/x': z}
            spec: {revisionHistoryLimit: 3, info: [{name: i, value: '{{ .m.k }}'}]}
        """
        (application,) = expanded(tmp_path, application_set(self.LIST, extra=extra)).applications
        assert application.metadata["labels"] == {"a/x": "z"}
        assert application.spec == {"revisionHistoryLimit": 3, "info": [{"name": "i", "value": "v"}]}

    def test_generator_template_comes_first(self, tmp_path: Path) -> None:
        text = application_set(
            """
            - list:
                elements: [{name: a}]
                template: {metadata: {labels: {from: generator}}, spec: {project: own, destination: {}}}
            """,
            extra="""
              labels: {from: set, also: set}
            spec: {project: base, destination: {name: x}}
            """,
        )
        (application,) = expanded(tmp_path, text).applications
        assert application.metadata["labels"] == {"from": "generator", "also": "set"}
        assert application.spec == {"project": "own", "destination": {"name": "x"}}


class TestTemplatePatch:
    def patched(self, tmp_path: Path, patch: str) -> Mapping[str, Any]:
        text = application_set("- list: {elements: [{name: a, limit: 2}]}")
        text += (
            "    spec:\n      project: p\n      source: {path: x, helm: {valueFiles: [one]}}\n"
            "      destination: {name: c}\n  templatePatch: |\n" + textwrap.indent(textwrap.dedent(patch), "    ")
        )
        expansion = expanded(tmp_path, text)
        self.problems = messages(expansion)
        return expansion.applications[0].spec if expansion.applications else {}

    def test_maps_merge_and_lists_are_replaced(self, tmp_path: Path) -> None:
        spec = self.patched(
            tmp_path,
            """
            spec:
              revisionHistoryLimit: {{ .limit }}
              project: stolen
              source: {helm: {valueFiles: [two], releaseName: "{{ .name }}"}}
              destination: {name: null, server: s}
            """,
        )
        assert spec == {
            "project": "p",
            "revisionHistoryLimit": 2,
            "source": {"path": "x", "helm": {"valueFiles": ["two"], "releaseName": "a"}},
            "destination": {"server": "s"},
        }

    def test_an_empty_spec_deletes_the_spec(self, tmp_path: Path) -> None:
        assert self.patched(tmp_path, "spec:\n{{ if false }}\n  x: y\n{{ end }}") == {"project": "p"}

    def test_replace_directive(self, tmp_path: Path) -> None:
        spec = self.patched(tmp_path, "spec: {source: {$patch: replace, path: z}}")
        assert spec["source"] == {"path": "z"}

    def test_blank_patch_changes_nothing(self, tmp_path: Path) -> None:
        assert self.patched(tmp_path, "{{ if false }}x{{ end }}")["destination"] == {"name": "c"}

    @pytest.mark.parametrize(
        ("patch", "message"),
        [
            ("- {{ .name }}", "The templatePatch renders to no map of fields."),
            ("a: [", "The templatePatch renders to invalid YAML: line 1: "),
            ("{{ .zzz }}", "The template “{{ .zzz }}” fails: "),
        ],
    )
    def test_failures(self, tmp_path: Path, patch: str, message: str) -> None:
        self.patched(tmp_path, patch)
        ((flaw, at, found),) = self.problems
        assert (flaw, at) == (Flaw.TEMPLATE, ("spec", "templatePatch"))
        assert found.startswith(message)
