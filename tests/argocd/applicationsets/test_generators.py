"""Generators give the parameters that Argo CD's give."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest

from argosy.argocd import clusters
from argosy.argocd.applicationsets import Expansion, Flaw
from argosy.argocd.clusters import Clusters
from argosy.documents import parse
from tests.argocd.applicationsets.sets import URL, application_set, expanded, git, messages, names


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


GITHUB = "{pullRequest: {github: {owner: acme, repo: web, labels: [preview]}}}"


class TestPullRequests:
    """What Argo CD makes for pull requests is made for two that stand for them: no host is asked."""

    def test_both_kinds_of_templates(self, tmp_path: Path) -> None:
        plain = application_set(f"- {GITHUB}", "{{number}} {{branch_slug}} {{target_branch}} {{author}}", go=False)
        assert names(expanded(tmp_path, plain)) == [
            "0 feature-example main example",
            "99999 renovate-example-2-x main example",
        ]
        short = "{{ .head_short_sha_7 }} {{ trimPrefix .head_short_sha .head_sha | len }} {{ first .labels }}"
        made = expanded(tmp_path, application_set(f"- {GITHUB}", short))
        assert names(made) == ["0dd5cf1 32 preview", "1234567 32 preview"]
        assert [each.pull_request["number"] for each in made.applications] == ["0", "99999"]
        assert made.stands_for_others

    def test_values_and_files_of_the_repository(self, tmp_path: Path) -> None:
        values = GITHUB.replace("github:", "values: {host: 'pr-{{ .number }}.example.com'}, github:")
        text = application_set(
            f"- matrix: {{generators: [{values}, {git('files', 'apps/*/app.yaml')}]}}",
            "{{ .path.basename }} {{ .values.host }} {{ .port }}",
        )
        made = expanded(tmp_path, text, {"apps/web/app.yaml": "port: 80\n"})
        assert names(made) == ["web pr-0.example.com 80", "web pr-99999.example.com 80"]
        assert all(each.pull_request for each in made.applications)

    def test_what_suits_one_pull_request_alone(self, tmp_path: Path) -> None:
        alike = expanded(tmp_path, application_set(f"- {GITHUB}", "web"))
        assert messages(alike) == [
            (Flaw.DUPLICATE, ("spec", "template", "metadata", "name"), "2 Applications are named “web”.")
        ]
        patch = "templatePatch: |\n  metadata:\n    annotations:\n      title: {{ .title }}\n"
        title = application_set(f"- {GITHUB}", "web-{{ .number }}") + patch.replace("\n", "\n  ").join(("  ", ""))
        ((flaw, _, message),) = messages(expanded(tmp_path, title))
        assert flaw is Flaw.TEMPLATE
        assert message.startswith("The templatePatch renders to invalid YAML: ")

    @pytest.mark.parametrize("hosts", ["", "github: {owner: a, repo: b}, gitlab: {project: a/b}"])
    def test_one_host_is_asked(self, tmp_path: Path, hosts: str) -> None:
        ((flaw, at, message),) = messages(expanded(tmp_path, application_set(f"- pullRequest: {{{hosts}}}")))
        assert (flaw, at) == (Flaw.GENERATOR, ("spec", "generators", 0, "pullRequest"))
        assert message.startswith("The pull request generator asks ")

    def test_a_selector_that_no_example_passes(self, tmp_path: Path) -> None:
        text = application_set(f"- {GITHUB[1:-1]}\n  selector: {{matchLabels: {{author: somebody}}}}")
        made = expanded(tmp_path, text)
        assert (made.applications, made.problems) == ([], [])
        assert made.skipped == "its `selector` lets no example of a pull request through"


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


@pytest.mark.parametrize("kind", ["clusters", "scmProvider", "plugin", "clusterDecisionResource"])
def test_what_only_a_cluster_knows_is_skipped(tmp_path: Path, kind: str) -> None:
    text = application_set(f"- {kind}: {{}}\n- list: {{elements: [{{name: a}}]}}")
    expansion = expanded(tmp_path, text)
    assert expansion.skipped.startswith(f"its generator `{kind}` asks for ")
    assert [application.name for application in expansion.applications] == ["a"]


def test_unknown_generator(tmp_path: Path) -> None:
    (found,) = messages(expanded(tmp_path, application_set("- listt: {}")))
    assert found[:2] == (Flaw.GENERATOR, ("spec", "generators", 0))


def _list_of(count: int, *keys: str) -> str:
    elements = [{key: str(number) for key in keys} for number in range(count)]
    return f"{{list: {{elements: {json.dumps(elements)}}}}}"


@pytest.mark.parametrize("go", [False, True])
def test_what_multiplies_without_end_is_refused(tmp_path: Path, go: bool) -> None:
    name = "{{ .name }}{{ .other }}" if go else "{{name}}{{other}}"
    matrix = f"- matrix: {{generators: [{_list_of(150, 'name')}, {_list_of(150, 'other')}]}}"
    ((flaw, _, message),) = messages(expanded(tmp_path, application_set(matrix, name, go=go)))
    assert (flaw, message) == (Flaw.GENERATOR, "The generator yields more than 10,000 sets of parameters.")
    with_templates = json.dumps([{"name": "{{ .name }}"}] * 2000)
    both = f"{_list_of(2000, 'name')}, {{list: {{elements: {with_templates}}}}}"
    ((flaw, _, message),) = messages(expanded(tmp_path, application_set(f"- matrix: {{generators: [{both}]}}", go=go)))
    assert (flaw, message) == (Flaw.GENERATOR, "Its templates give more than 100,000,000 characters.")
    several = "\n".join([f"- {_list_of(4000, 'name', 'other')}"] * 4)
    made = expanded(tmp_path, application_set(several, name, go=go))
    assert messages(made)[0][2] == "The generators yield more than 10,000 Applications."


def test_templates_that_give_too_much_are_refused(tmp_path: Path) -> None:
    long = f"- list: {{elements: [{{name: {'x' * 1_000_000}}}]}}"
    ((flaw, _, message),) = messages(expanded(tmp_path, application_set(long, "{{name}}" * 101, go=False)))
    assert (flaw, message) == (Flaw.GENERATOR, "Its templates give more than 100,000,000 characters.")
    many = application_set(f"- {_list_of(9000, 'name')}", f"{{{{name}}}}{'x' * 12_000}", go=False)
    assert messages(expanded(tmp_path, many))[0][2] == "Its templates give more than 100,000,000 characters."


def test_templates_that_fail_with_everything_are_not_tried_with_all(tmp_path: Path) -> None:
    failing = application_set(f"- {_list_of(2000, 'name')}", "{{ fail .name }}")
    ((flaw, _, message),) = messages(expanded(tmp_path, failing))
    assert flaw is Flaw.GENERATOR
    assert message.startswith("The template “{{ fail .name }}” fails with more than 20 sets of parameters: ")


def test_operands_that_multiply_are_refused(tmp_path: Path) -> None:
    deep = "{a: {b: {c: {d: {e: {f: {g: {h: {i: {j: {k: {l: found}}}}}}}}}}}}"
    chain = application_set(f"- list: {{elements: [{deep}]}}", "{{ .a.b.c.d.e.f.g.h.i.j.k.l }}")
    assert names(expanded(tmp_path, chain)) == ["found"]
    nested = application_set("- list: {elements: [{a: b}]}", f"{{{{ {'(' * 40}.a{'.a)' * 40} }}}}")
    assert "nested too deep to be evaluated here" in messages(expanded(tmp_path, nested))[0][2]


@pytest.mark.parametrize("text", ["{{ x " * 20_000, "{{ " + "/*" * 40_000, "{{ " + '"' * 99_991, "(" * 40_000])
@pytest.mark.parametrize("go", [False, True])
def test_texts_without_end_are_read_in_linear_time(tmp_path: Path, text: str, go: bool) -> None:
    made = application_set("- list: {elements: [{name: a}]}", text.replace("'", ""), go=go)
    paths = f"{{git: {{repoURL: {URL}, directories: [{{path: '{text}'}}], files: [{{path: '{text}'}}]}}}}"
    made = made.replace("- list", f"- {paths}\n    - list", 1)
    assert [flaw for flaw, *_ in messages(expanded(tmp_path, made))][:1] in ([Flaw.EMPTY], [Flaw.TEMPLATE])


class TestClusters:
    """Of the clusters that are declared, the ones that Argo CD's generator gives once it knows them."""

    LISTED = """
    clusters:
      - {name: eu1, server: https://eu1.example.com, labels: {region: eu}}
      - {name: us1, server: https://us1.example.com, labels: {region: us, tier: gold}}
    """
    SECRETS = """
    kind: Secret
    apiVersion: v1
    metadata: {name: a, labels: {argocd.argoproj.io/secret-type: cluster, region: eu}, annotations: {owner: ada}}
    stringData: {name: Eu_2, server: https://eu2.example.com, config: x}
    ---
    kind: ExternalSecret
    apiVersion: external-secrets.io/v1
    metadata: {name: b}
    spec:
      target:
        template:
          metadata: {labels: {argocd.argoproj.io/secret-type: cluster, region: us}}
          data: {name: us2, server: "{{ .server }}", config: "{{ .config }}"}
    ---
    kind: SealedSecret
    apiVersion: bitnami.com/v1alpha1
    metadata: {name: c}
    spec: {template: {metadata: {labels: {argocd.argoproj.io/secret-type: cluster, region: ap}}}}
    ---
    kind: Secret
    apiVersion: v1
    metadata: {name: d, labels: {argocd.argoproj.io/secret-type: repository, region: eu}}
    """

    def known(self, *, listed: bool = True) -> Clusters:
        secrets = parse(textwrap.dedent(self.SECRETS), "secrets.yaml").documents
        return clusters.of(
            secrets, parse(textwrap.dedent(self.LISTED), "clusters.yaml").documents[0] if listed else None
        )

    def made(self, root: Path, selector: str, name: str = "{{ .name }}", *, listed: bool = False) -> Expansion:
        chosen = f"- clusters: {{selector: {{{selector}}}}}" if selector else "- clusters: {}"
        return expanded(root, application_set(chosen, name), clusters=self.known(listed=listed))

    def test_a_selector_chooses_by_label(self, tmp_path: Path) -> None:
        both = self.made(tmp_path, "matchLabels: {region: eu}", "{{ .nameNormalized }} {{ .server }}", listed=True)
        assert names(both) == ["eu1 https://eu1.example.com", "eu-2 https://eu2.example.com"]
        gold = "matchExpressions: [{key: tier, operator: Exists}, {key: cluster, operator: In, values: [eu1, us1]}]"
        assert names(self.made(tmp_path, gold, "{{ .metadata.labels.tier }}", listed=True)) == ["gold"]
        owner = self.made(tmp_path, "matchLabels: {region: eu}", "{{ .metadata.annotations.owner }}{{ .project }}")
        assert names(owner) == ["ada"]
        flat = application_set(
            "- clusters: {flatList: true, selector: {matchLabels: {region: us}}, values: {x: '{{ .name }}!'}}",
            "{{ range .clusters }}{{ .values.x }}{{ end }}",
        )
        assert names(expanded(tmp_path, flat, clusters=self.known())) == ["us1!us2!"]

    def test_another_generator_says_which_label(self, tmp_path: Path) -> None:
        first = "{list: {elements: [{at: eu}, {at: us}]}}"
        second = "{clusters: {selector: {matchLabels: {region: '{{ .at }}'}}}}"
        text = application_set(f"- matrix: {{generators: [{first}, {second}]}}", "{{ .at }}-{{ .name }}")
        listed = clusters.of([], parse(textwrap.dedent(self.LISTED), "clusters.yaml").documents[0])
        assert names(expanded(tmp_path, text, clusters=listed)) == ["eu-eu1", "us-us1"]

    def test_its_own_cluster_is_there_without_a_selector_alone(self, tmp_path: Path) -> None:
        listed = clusters.of([], parse(textwrap.dedent(self.LISTED), "clusters.yaml").documents[0])
        text = application_set(
            "- clusters: {values: {at: x}}", "{{name}}{{values.at}}{{metadata.labels.region}}", go=False
        )
        made = expanded(tmp_path, text, clusters=listed)
        assert [each.name for each in made.applications] == [
            "in-clusterx{{metadata.labels.region}}",
            "eu1xeu",
            "us1xus",
        ]

    def test_what_is_not_known_here_is_skipped_and_what_is_not_there_is_a_mistake(self, tmp_path: Path) -> None:
        assert expanded(tmp_path, application_set("- clusters: {}")).skipped == (
            "its generator `clusters` asks for the clusters that Argo CD knows, which `clusters` can declare in "
            ".argosy.yaml"
        )
        for selector, name, told in (
            ("matchLabels: {region: af}", "{{ .name }}", "clusters that are not declared in the repository"),
            ("matchLabels: {region: ap}", "{{ .name }}", "a cluster whose name is not in Git (secrets.yaml)"),
            ("matchLabels: {region: us}", "{{ .server }}", "a cluster whose server is not in Git (secrets.yaml)"),
        ):
            assert told in self.made(tmp_path, selector, name).skipped
        (empty,) = messages(self.made(tmp_path, "matchLabels: {region: af}", listed=True))
        assert empty[::2] == (
            Flaw.EMPTY,
            "The generator yields nothing: no cluster that is declared has the labels of its selector.",
        )
