"""Images that say which version they are, that a node can pull, and versions that stay what they are."""

from __future__ import annotations

import pytest

from argosy.argocd.view import View
from argosy.documents import Document, parse
from argosy.errors import UsageError
from argosy.kubernetes.pods import images
from argosy.repository.model import Image
from argosy.rules.images import image_invalid, image_tag, unquoted_versions
from tests.validating import Validate

EVERYTHING = View(root=None)  # type: ignore[arg-type]  # These rules look at one document alone.
DIGEST = "@sha256:" + "0" * 64


def document(data: object) -> Document:
    """Return a manifest."""
    return Document("manifest.yaml", 0, data)


def pod(**container: object) -> Document:
    """Return a Pod with one container."""
    return document({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "shop", **container}]}})


@pytest.mark.parametrize(
    "image",
    [
        "nginx:1.29",
        f"nginx{DIGEST}",
        "registry:5000/nginx:1",
        f"nginx:latest{DIGEST}",
        "",
        None,
        7,
        " ",
        "ko://github.com/acme/cmd:1",
    ],
)
def test_images_that_say_what_they_are(image: object) -> None:
    assert list(image_tag(pod(image=image), EVERYTHING)) == []
    assert list(image_invalid(pod(image=image), EVERYTHING)) == []


@pytest.mark.parametrize("image", ["nginx", "nginx:latest", "registry:5000/nginx", "ghcr.io/acme/shop:latest"])
def test_images_that_do_not(image: str) -> None:
    (problem,) = image_tag(pod(image=image), EVERYTHING)
    assert problem.at == ("spec", "containers", 0, "image")
    assert "latest" in problem.message


GOOD = f"""
shop shop_web shop__web shop---web shop.example shop:1 shop:V1_a.b-c shop.example:8080 10.0.0.7:5000 acme/shop a/b/c/d:1
registry:5000/shop registry:5000/shop:5000 registry:5000/shop{DIGEST} registry:5000/shop:1{DIGEST} 10.0.0.7/shop:1
r-1.example.com/acme/shop:1 Acme/shop ACME/shop localhost/shop localhost:5000/shop xn--80ak.example/shop:xn--80ak
[2001:db8::7]/shop [2001:db8::7]:5000/shop:1 shop@sha384:{"0" * 96} shop@sha512:{"0" * 128} sha256:{"0" * 64}
docker.io/{"0a" * 32} {"0a" * 31}0 {"0" * 63}g {"a/" * 127}a:1 shop_web/x
"""
BAD = f"""
:1 {DIGEST} shop: shop@ shop:-1 shop:.1 shop:{"a" * 129} shop:1.0+build shop:2.0161216e+07 a:b:c shop:1{DIGEST}{DIGEST}
Shop acme/Shop registry:5000/Acme/shop docker.io/acme/Shop https://ghcr.io/acme/shop oci://ghcr.io/acme/shop
shop@sha256:{"0" * 34} shop@md5:{"0" * 32} shop@sha256:{"F" * 64} shop@{"0" * 64} {"0a" * 32}
-shop shop- -acme/shop acme-/shop -r.example.com/shop r.example.com-/shop acme//shop acme/ /shop _acme/_shop
sh..op/web sh_.op/web sh___op/web shop_web.example/x acme/sh$op [2001:db8::7] [2001:db8::7]:5000 [fe80::1%eth0]/shop
2001:db8::7/shop [::ffff:10.0.0.7]/shop {"a" * 256} ${{IMAGE}} grüße
"""


@pytest.mark.parametrize("image", GOOD.split())
def test_a_reference_is_read_as_a_node_reads_it(image: str) -> None:
    assert str(Image.parse(image)) == image


@pytest.mark.parametrize("image", [*BAD.split(), "shop :1", " shop:1", "shop:1 ", "shop:1\n", ""])
def test_what_a_node_refuses_is_refused(image: str) -> None:
    with pytest.raises(UsageError, match="is not a container image: "):
        Image.parse(image)
    assert len(list(image_invalid(pod(image=image), EVERYTHING))) == bool(image)
    assert not list(image_tag(pod(image=image), EVERYTHING))


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ("https://ghcr.io/shop:1", "it has a scheme, as a URL does"),
        ("acme/Shop:1", "its repository has capital letters"),
        ("shop: 1", "it has blanks"),
        ("a:b:c", "“b:c” is not a tag"),
        ("shop@sha256:abc", "its digest is not sha256: and 64 hexadecimal digits"),
    ],
)
def test_the_reason_is_said(image: str, reason: str) -> None:
    [problem] = image_invalid(pod(image=image), EVERYTHING)
    assert problem.message == f"“{image}” is not a container image: {reason}."


def test_a_version_without_quotes_is_found_where_it_is_and_where_it_shows(validate: Validate) -> None:
    values = "image:\n  tag: 20161216\nports: [{version: 1}]\n"
    application = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop, namespace: argocd}\nspec:\n"
        "  project: default\n  destination: {server: https://kubernetes.default.svc, namespace: shop}\n  source:\n"
        "    repoURL: https://git.example.com/acme/gitops.git\n    targetRevision: main\n    path: charts/shop\n"
        "    helm:\n      valueFiles: [/dev.yaml]\n"
    )
    template = POD.replace("IMAGE", "shop:{{ .Values.image.tag }}")
    report = validate(
        {
            "charts/shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
            "charts/shop/values.yaml": "version: 1.20\nimage: {}\n",
            "charts/shop/templates/pod.yaml": template,
            "dev.yaml": values,
            "a.yaml": application,
            "b.yaml": application.replace("name: shop,", "name: other,")
            + "      valuesObject: {sidecar: {imageTag: 1.10}}\n",
            "c.yaml": application.replace("name: shop,", "name: third,") + "      values: |\n        tag: 7\n",
            # Nothing reads it as values.
            "notes.yaml": "tag: 1.10\n",
        }
    )
    found = {(each.path, each.line, each.message, each.hint) for each in report.findings if "version" in each.rule}
    assert found == {
        ("charts/shop/values.yaml", 1, "version: 1.20 is a number, and Helm prints it as 1.2.", Q.format("1.20")),
        ("dev.yaml", 2, "image.tag: 20161216 is a number, and Helm prints it as 2.0161216e+07.", Q.format("20161216")),
        ("b.yaml", 13, "sidecar.imageTag: 1.10 is a number, and Helm prints it as 1.1.", Q.format("1.10")),
        ("c.yaml", 13, "tag: 7 is a number, and Helm would print 1.10 as 1.1.", Q.format("7")),
    }
    [invalid] = [each for each in report.findings if each.rule == "image-invalid"]
    assert "“shop:2.0161216e+07” is not a container image" in invalid.message
    assert "lost its quotes" in invalid.hint


Q = 'Put it in quotes: "{}".'
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: shop}\nspec: {containers: [{name: shop, image: 'IMAGE'}]}\n"


NUMBERS = {
    **{"1.10": "1.1", "0755": "493", "1e3": "1000", "1_0": "10", "999999.0": "999999", "1e-5": "1e-05"},
    **{"1000000": "1e+06", "12345678901": "1.2345678901e+10", "-1234567.5": "-1.2345675e+06", "0.0001": "0.0001"},
}
"""As written -> as Helm prints it."""


@pytest.mark.parametrize("written", NUMBERS)
def test_helm_prints_numbers_as_go_does(written: str) -> None:
    [values] = parse(f"version: {written}\n", "values.yaml").documents
    printed, said = NUMBERS[written], "".join(problem.message for problem in unquoted_versions(values))
    assert said == ("" if written == printed else f"version: {written} is a number, and Helm prints it as {printed}.")


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("Pod", ("spec",)),
        ("Deployment", ("spec", "template", "spec")),
        ("Job", ("spec", "template", "spec")),
        ("CronJob", ("spec", "jobTemplate", "spec", "template", "spec")),
    ],
)
def test_images_of_every_workload_are_seen(kind: str, path: tuple[str, ...]) -> None:
    inner: object = {"initContainers": [{"image": "a"}], "containers": [{"image": "b"}, "junk", {}]}
    for part in reversed(path):
        inner = {part: inner}
    data = {"kind": kind, **inner}  # type: ignore[dict-item]
    assert [image for _, image in images(data)] == ["a", "b"]
