"""The model: what it takes, what it refuses, and what follows from it."""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.errors import UsageError
from argosy.repository.model import (
    IN_CLUSTER,
    Application,
    CiHost,
    Environment,
    Image,
    Repository,
    RevisionStyle,
    Seed,
    Settings,
    chain,
    check_name,
    without_password,
)
from tests.strategies import IMAGES, repositories

SETTINGS = Settings("gitops", "https://github.com/acme/gitops.git")
HASH = "0123456789abcdef" * 4
INSTALLS = (
    f"argosy @ https://example.com:8443/~ada/a%20b/argosy-0.1.0+acme.1-py3-none-any.whl#sha256={HASH}",
    f"argosy@https://example.com/argosy-0.1.0.tar.gz#sha256={HASH}",
    f"argosy @ git+https://git.example.com/acme/argosy.git@{HASH[:40]}",
    f"argosy @ git+ssh://git@git.example.com:2222/acme/argosy@{HASH[:40]}",
    *("argosy-0.1.0-py3-none-any.whl", "./tools/argosy-0.1.0-py3-none-any.whl", ".ci/a/b/argosy-1.0.tar.gz"),
    f"argosy==0.1.0 --hash=sha256:{HASH} --hash=sha256:{HASH}",
    *("tools/argosy.txt", "./.ci/requirements-argosy.txt", "requirements.txt"),
    *(f"{each}@sha256:{HASH}" for each in ("ghcr.io/acme/argosy:0.1.0", "registry.example.com:5000/a/b_c/argosy")),
)


class TestImage:
    @pytest.mark.parametrize(
        ("text", "parts"),
        [
            ("nginx", ("nginx", "", "")),
            ("nginx:1.29.3-alpine", ("nginx", "1.29.3-alpine", "")),
            ("library/nginx:1", ("library/nginx", "1", "")),
            ("localhost:5000/web", ("localhost:5000/web", "", "")),
            ("[::1]:5000/web:2", ("[::1]:5000/web", "2", "")),
            ("Registry.Example.com/a/b__c--d.e:V1_x", ("Registry.Example.com/a/b__c--d.e", "V1_x", "")),
            ("web@sha256:" + "a" * 64, ("web", "", "sha256:" + "a" * 64)),
            ("web:1@sha256:" + "a" * 64, ("web", "1", "sha256:" + "a" * 64)),
        ],
    )
    def test_parts(self, text: str, parts: tuple[str, str, str]) -> None:
        assert Image.parse(text) == Image(*parts)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            ":1",
            "Web",
            "web:",
            "web:-1",
            "a b",
            "web@",
            "web@sha256:12",
            "/web",
            "web/",
            "a//b",
            "ghcr.io/",
            "web:ü",
            "https://ghcr.io/web",
            "web:1:2",
            "web@sha256:" + "A" * 64,
            "web\n",
            "-web",
            "web:" + "1" * 129,
        ],
    )
    def test_what_no_registry_takes(self, text: str) -> None:
        with pytest.raises(UsageError, match="is not a container image"):
            Image.parse(text)

    @given(IMAGES)
    def test_written_and_read_again_it_is_the_same(self, image: Image) -> None:
        assert Image.parse(str(image)) == image

    def test_an_environment_may_have_its_own(self) -> None:
        seed = Seed(Image("web", "2"), images=(("prod", Image("web", "1")),))
        assert (str(seed.image_in("dev")), str(seed.image_in("prod"))) == ("web:2", "web:1")


class TestNames:
    @given(st.text(max_size=70) | st.from_regex(r"[-a-z0-9]{1,64}", fullmatch=True))
    def test_what_is_taken_is_a_dns_label(self, name: str) -> None:
        with contextlib.suppress(UsageError):
            check_name("application", name, 53, {})
            assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,51}[a-z0-9])?", name)

    @given(st.text(st.sampled_from("aB_ -.9é"), max_size=20))
    def test_a_proposal_is_taken(self, name: str) -> None:
        with pytest.raises(UsageError) as refusal:
            check_name("environment", f"{name}!", 61, {})
        proposal = re.fullmatch("Try “(.+)”.", refusal.value.hint)
        if proposal and not proposal[1].isdigit():
            check_name("environment", proposal[1], 61, {})

    @pytest.mark.parametrize(("name", "kind"), [("argocd", Environment), ("project", Application), ("9a", Application)])
    def test_reserved(self, name: str, kind: type[Environment] | type[Application]) -> None:
        with pytest.raises(UsageError, match=f"“{name}” cannot name an"):
            kind(name)

    def test_two_that_would_have_one_name(self) -> None:
        with pytest.raises(UsageError, match="“a-b-c” would belong to two: a in b-c, and a-b in c"):
            Repository(SETTINGS, chain((("b-c", ""), ("c", "")), RevisionStyle.TRUNK)).with_applications(
                (Application("a"), Application("a-b"))
            )

    def test_a_namespace_of_its_own_makes_room(self) -> None:
        long = Application("a" * 53)
        environment = Environment("e" * 10, applications=(long.name,))
        with pytest.raises(UsageError, match="it has 64 characters"):
            Repository(SETTINGS, (environment,), (long,))
        assert Repository(SETTINGS, (replace(environment, namespace="shop"),), (long,))


class TestSettings:
    @pytest.mark.parametrize("user", ["ada:secret", "ghp_a1B2c3", "glpat-x", "x-token-auth", "a1b2c3d4e5a1b2c3d4e5"])
    def test_no_token_is_a_user(self, user: str) -> None:
        with pytest.raises(UsageError, match=r"https://github.com/acme/gitops.git is given with a password or a token"):
            replace(SETTINGS, repo_url=f"https://{user}@github.com/acme/gitops.git")

    @pytest.mark.parametrize(
        "url",
        [
            "https://github.com/acme/gitops.git",
            "https://ada@bitbucket.org/acme/gitops.git",
            "https://acme@dev.azure.com/acme/project/_git/gitops",
            "git@github.com:acme/x.git",
            "ssh://git@git.example.com:2222/acme/gitops",
            "https://dev.azure.com/acme/my%20project/_git/gitops",
            "git@ssh.dev.azure.com:v3/acme/project/gitops",
            "file:///srv/git/gitops.git",
            "https://git.bücher.example/a/b.git",
            "git://git.example.com/~ada/gitops.git",
        ],
    )
    def test_urls(self, url: str) -> None:
        assert replace(SETTINGS, repo_url=url).repo_url == url

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "gitops",
            "/srv/gitops",
            "./gitops",
            "github.com/acme/gitops",
            "https://github.com",
            "https://github.com/",
            "ftp://x.org/a",
            "https:///a/b",
            "https://x.org/a b",
            "https://x.org/a'b",
            "https://x.org/{a}",
            *("https://x.org/[a]", "https://x.org/a*", "https://x.org/a?", "https://x.org/a#b", "https://x.org/a\\b"),
            *("https://x.org/\U0001f600", "https://\U0001f600.org/a", "http://[::1]:3000/a/b.git", "https://x:y/a"),
            "file://a",
        ],
    )
    def test_what_is_no_url(self, url: str) -> None:
        with pytest.raises(UsageError, match="is not a repository URL"):
            replace(SETTINGS, repo_url=url)

    @pytest.mark.parametrize("url", ["https://ada:secret@x.org/a/b.git", "https://:secret@x.org/a/b.git"])
    def test_a_password_is_not_even_repeated(self, url: str) -> None:
        with pytest.raises(UsageError, match="is given with a password") as refusal:
            replace(SETTINGS, repo_url=url)
        assert "secret" not in refusal.value.message
        assert without_password(url) == "https://x.org/a/b.git"

    @pytest.mark.parametrize("version", ["", "1", "1.3", "1.29", "v1.37", "1.37.1", "2.30", "1.٣٧"])
    def test_versions(self, version: str) -> None:
        with pytest.raises(UsageError, match="Kubernetes"):
            replace(SETTINGS, kubernetes_version=version)

    @pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/a", "a b", "a\n", "é", "y", "N", "1e3"])
    def test_repository_names(self, name: str) -> None:
        with pytest.raises(UsageError, match="cannot name a repository"):
            replace(SETTINGS, name=name)

    @pytest.mark.parametrize(
        "branch", ["", "a b", "a..b", "-a", "a.lock", "a~1", "a^", "a:b", "HEAD", "/a", "a/", "@{-1}", "n"]
    )
    def test_branches(self, branch: str) -> None:
        with pytest.raises(UsageError, match="is not a branch"):
            replace(SETTINGS, branch=branch)

    @pytest.mark.parametrize("installed", INSTALLS)
    def test_what_ci_may_install(self, installed: str) -> None:
        assert replace(SETTINGS, argosy_install=installed)

    @pytest.mark.parametrize(
        "refused",
        [
            *(
                "argosy",
                "argosy~=0.1.0",
                "argosy==0.1.0",
                "argosy==0.* --hash=sha256:" + HASH,
                "other==1 --hash=sha256:",
            ),
            *("https://example.com/argosy-0.1.0-py3-none-any.whl", f"argosy @ https://example.com/#sha256={HASH}"),
            f"argosy @ http://example.com/argosy-0.1.0-py3-none-any.whl#sha256={HASH}",
            f"argosy @ https://ada:secret@example.com/argosy-0.1.0-py3-none-any.whl#sha256={HASH}",
            f"argosy @ https://example.com/other-0.1.0-py3-none-any.whl#sha256={HASH}",
            f"argosy @ https://example.com/argosy-0.1.0-py3-none-any.whl#sha256={HASH[1:]}",
            f"argosy @ https://example.com/argosy-0.1.0-py3-none-any.whl#md5={HASH}",
            *(f"argosy @ git+https://example.com/argosy.git@{each}" for each in ("main", "v0.1.0", HASH[:12], HASH)),
            f"argosy @ git+file:///argosy.git@{HASH[:40]}",
            *("/argosy-0.1.0-py3-none-any.whl", "../argosy-0.1.0-py3-none-any.whl", "a/../argosy-0.1.0.tar.gz"),
            *("-a/argosy-0.1.0-py3-none-any.whl", "tools/", "tools/argosy.whl", "--index-url=https://example.com"),
            *(INSTALLS[0] + each for each in ("\n", " ", "; id", " --index-url=https://example.com", '" && id; "')),
            *(
                f"tools/{each}/argosy-0.1.0-py3-none-any.whl"
                for each in ("$(id)", "`id`", "a b", "a'b", 'a"b', "é", "\n")
            ),
            f"argosy @ https://$(id)/argosy-0.1.0-py3-none-any.whl#sha256={HASH}",
            f"argosy==0.1.0$(id) --hash=sha256:{HASH}",
            *("../argosy.txt", "/argosy.txt", "-r/argosy.txt", "tools/argosy.in", "tools/argosy-dependencies.txt"),
            *("ghcr.io/acme/argosy:0.1.0", f"ghcr.io/acme/argosy@sha256:{HASH[1:]}", f"argosy@sha256:{HASH}"),
            *(f"ghcr.io/$(id)@sha256:{HASH}", f"ghcr.io/Acme/argosy@sha256:{HASH}", f"https://x.org/a@sha256:{HASH}"),
            "argosy==0.1.٣ --hash=sha256:" + HASH,
        ],
    )
    def test_what_ci_may_not_install(self, refused: str) -> None:
        with pytest.raises(UsageError, match="does not name one argosy alone") as refusal:
            replace(SETTINGS, argosy_install=refused)
        assert "argosy==VERSION --hash=sha256:HASH" in refusal.value.hint

    def test_only_ci_can_follow_up(self) -> None:
        assert replace(SETTINGS, follow_up=True).follow_up
        with pytest.raises(UsageError, match="there is no CI"):
            replace(SETTINGS, follow_up=True, ci=CiHost.NONE)


class TestEnvironment:
    @pytest.mark.parametrize(
        "cluster",
        [
            *(
                "",
                "a b",
                "a\tb",
                "a\n",
                "a\u2028b",
                "pr[o]d",
                "pr*d",
                "pr\\od",
                "a?",
                "{a}",
                "!a",
                "'a'",
                "prod\U0001f600",
            ),
            *(
                "https://[::1]:6443",
                "https://a/{{b}}",
                "https://\U0001f600.example.com",
                "https://",
                "ftp://a",
                "https://a/",
            ),
            *("https://ada:secret@a", "https://a:port", "é"),
        ],
    )
    def test_what_is_no_cluster(self, cluster: str) -> None:
        with pytest.raises(UsageError, match="is not a cluster"):
            Environment("dev", cluster)

    @pytest.mark.parametrize(
        "cluster",
        [
            *("prod", "prod.example.com", "ada@prod.example.com", "gke_acme_europe-west1_prod", "Prod-1", "1"),
            *("arn:aws:eks:eu-west-1:111122223333:cluster/prod", "https://prod.example.com:6443", "HTTP://10.0.0.1"),
            *("https://rancher.example.com/k8s/clusters/c-m-1", "https://kubernetes.default.svc"),
        ],
    )
    def test_clusters(self, cluster: str) -> None:
        assert Environment("dev", cluster).cluster == cluster

    @pytest.mark.parametrize("cluster", ["prod.example.com:6443", "10.0.0.1", "10.0.0.1:6443", "prod:443/k8s"])
    def test_an_address_lacks_its_scheme(self, cluster: str) -> None:
        with pytest.raises(UsageError, match="without a scheme") as refusal:
            Environment("dev", cluster)
        assert refusal.value.hint == f"Write https://{cluster}."

    def test_emoji_are_refused_where_yaml_would_not_read_them(self) -> None:
        for make in (
            lambda: Environment("dev", revision="v\U0001f600"),
            lambda: Application("shop", team="\U0001f600"),
            lambda: replace(SETTINGS, branch="\U0001f600"),
        ):
            with pytest.raises(UsageError):
                make()
        assert Application("shop", team="Équipe 1 [web]").team

    @pytest.mark.parametrize("revision", ["main", "v1.2.3", "1.*", "~1.2", "0a1b2c3", "HEAD", "release/1"])
    def test_revisions(self, revision: str) -> None:
        assert Environment("dev", revision=revision)

    @pytest.mark.parametrize(("namespace", "taken"), [("", True), ("shop", True), ("Shop", False), ("a" * 64, False)])
    def test_namespaces(self, namespace: str, taken: bool) -> None:
        if taken:
            assert Environment("dev", namespace=namespace).namespace_of("web") == namespace or "web-dev"
        else:
            with pytest.raises(UsageError, match="cannot name a namespace"):
                Environment("dev", namespace=namespace)

    def test_a_chain(self) -> None:
        chained = chain((("dev", ""), ("test", "eu-1"), ("prod", "https://p.example.com")), RevisionStyle.BRANCH)
        assert [
            (each.name, each.cluster, each.revision, each.promotes_from, each.replicas, each.cluster_is_url)
            for each in chained
        ] == [
            ("dev", IN_CLUSTER, "dev", "", 1, True),
            ("test", "eu-1", "test", "dev", 2, False),
            ("prod", "https://p.example.com", "prod", "test", 3, True),
        ]

    @pytest.mark.parametrize(("count", "replicas"), [(0, []), (1, [1]), (2, [1, 3]), (4, [1, 2, 2, 3])])
    def test_replicas_grow_towards_production(self, count: int, replicas: list[int]) -> None:
        chained = chain(tuple((f"e-{number}", "") for number in range(count)), RevisionStyle.TRUNK, "trunk")
        assert [each.replicas for each in chained] == replicas
        assert {each.revision for each in chained} <= {"trunk"}


class TestRepository:
    @given(repositories())
    def test_deployments_are_what_environments_name(self, model: Repository) -> None:
        pairs = [(environment.name, application.name) for environment, application in model.deployments()]
        assert pairs == [(each.name, name) for each in model.environments for name in each.applications]

    def test_added_applications_are_everywhere_and_in_order(self) -> None:
        bare = Repository(SETTINGS, chain((("dev", ""), ("prod", "")), RevisionStyle.TRUNK))
        both = bare.with_applications((Application("b"), Application("a")))
        assert both == bare.with_applications((Application("a"),)).with_applications((Application("b"),))
        assert [each.name for each in both.applications] == ["a", "b"]
        assert {each.applications for each in both.environments} == {("a", "b")}
        assert both.application("b").name == "b"
        with pytest.raises(KeyError):
            both.application("c")

    def test_a_team_is_one_line(self) -> None:
        assert Application("web", team="@acme/web: “the team”").team
        with pytest.raises(UsageError, match="is not one line"):
            Application("web", team="a\nb")

    @pytest.mark.parametrize("port", [0, -1, 65536])
    def test_ports(self, port: int) -> None:
        with pytest.raises(UsageError, match="is not a port"):
            Application("web", seed=Seed(port=port))
