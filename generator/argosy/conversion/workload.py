"""The Deployment and the Service that the template writes for an application, found among what is deployed."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from argosy.conversion.deployed import Deployed, Manifest
from argosy.errors import ArgosyError, UsageError
from argosy.helm.release import is_test
from argosy.kubernetes.manifests import identity
from argosy.repository.model import Image

Renames = Mapping[tuple[str, str], str]
"""What resources are called from now on: (kind, old name) -> new name."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What an application runs in an environment, its Service, and everything beside them."""

    name: str
    """The application's name."""
    deployment: Manifest
    service: Manifest | None
    others: Sequence[Manifest]

    @property
    def pod(self) -> Manifest:
        """The Pods' specification."""
        found: Manifest = self.deployment["spec"]["template"]["spec"]
        return found

    @property
    def container(self) -> Manifest:
        """The container that runs the application: the one of its name, or the first."""
        containers: list[Manifest] = self.pod["containers"]
        return next((each for each in containers if each.get("name") == self.name), containers[0])

    @property
    def image(self) -> Image:
        """The application's image; raise UsageError where it names none."""
        return Image.parse(str(self.container.get("image", "")))

    @property
    def service_port(self) -> Manifest:
        """The Service's port that leads to the application; empty without a Service."""
        ports: list[Manifest] = (self.service or {}).get("spec", {}).get("ports") or [{}]
        return next((each for each in ports if each.get("name") == "http"), ports[0])

    @property
    def container_port(self) -> Manifest:
        """The container's port that the Service leads to; the first where it is unclear, empty without any."""
        ports: list[Manifest] = self.container.get("ports") or [{}]
        target = self.service_port.get("targetPort", self.service_port.get("port", "http"))
        return next((each for each in ports if target in {each.get("name"), each.get("containerPort")}), ports[0])

    @property
    def port(self) -> int:
        """The port that the application is reached at, or listens on; raise UsageError where that is not a number."""
        found = self.service_port.get("port") or self.container_port.get("containerPort") or 80
        if not re.fullmatch("[0-9]{1,5}", str(found)):
            raise UsageError(f"The port “{found}” of {self.name} is not a number.", "`argosy validate` says where.")
        return int(found)

    @property
    def renames(self) -> Renames:
        """What the Deployment and the Service were called, where the template calls them after the application."""
        main = [each for each in (self.deployment, self.service) if each]
        names = {(each["kind"], each["metadata"]["name"]): self.name for each in main}
        return {old: new for old, new in names.items() if old[1] != new}


def find(deployed: Deployed, name: str) -> Workload:
    """Return what runs in an environment; raise ArgosyError where that is no Deployment, or several that are alike."""
    manifests = [each for each in deployed.manifests if not is_test(each)]
    found = _own([each for each in manifests if identity(each)[:2] == ("apps", "Deployment")], name)
    if found is None:
        kinds = sorted({f"{identity(each)}" for each in manifests if "spec" in each})
        raise ArgosyError(
            f"What {name} runs in {deployed.environment} is not one Deployment: {', '.join(kinds) or 'nothing'}.",
            "The chart and the base of the template run one. Convert it to manifests, or name one Deployment "
            f"“{name}”.",
        )
    _check(found, deployed.environment)
    labels = (found["spec"]["template"].get("metadata") or {}).get("labels") or {}
    services = [each for each in manifests if identity(each)[:2] == ("", "Service")]
    leading = [each for each in services if (each["spec"].get("selector") or {"": ""}).items() <= labels.items()]
    service = _own(leading, name) or next(iter(leading), None)
    others = [each for each in manifests if each is not found and each is not service]
    workload = Workload(name, found, service, others)
    try:
        _ = workload.image, workload.port
    except UsageError as error:
        raise ArgosyError(f"{deployed.environment}: {error.message}", error.hint) from error
    return workload


def _check(deployment: Manifest, environment: str) -> None:
    try:
        complete = bool(
            deployment["spec"]["selector"] and deployment["spec"]["template"]["spec"]["containers"][0]["image"]
        )
    except (KeyError, IndexError, TypeError):
        complete = False
    if not complete:
        raise ArgosyError(
            f"The Deployment {deployment['metadata']['name']} in {environment} lacks its selector, container or image.",
            "`argosy validate` says where.",
        )


def _own(manifests: Sequence[Manifest], name: str) -> Manifest | None:
    called = [each for each in manifests if each["metadata"].get("name") == name]
    return (called or manifests)[0] if called or len(manifests) == 1 else None


def followed(manifest: Manifest, renames: Renames) -> Manifest:
    """Return a manifest that refers to the Deployment and the Service by their new names."""
    found: Manifest = copy.deepcopy(manifest)
    if renames:
        _follow(found.get("spec"), renames)
    return found


def _follow(value: Any, renames: Renames) -> None:
    for each in value if isinstance(value, list) else value.values() if isinstance(value, dict) else ():
        _follow(each, renames)
    if not isinstance(value, dict):
        return
    _rename(value, str(value.get("kind", "")), renames)
    if isinstance(value.get("service"), dict):
        _rename(value["service"], "Service", renames)
    for each in value.get("backendRefs") or ():
        if isinstance(each, dict):
            _rename(each, str(each.get("kind", "Service")), renames)


def _rename(reference: Manifest, kind: str, renames: Renames) -> None:
    if (kind, reference.get("name")) in renames:
        reference["name"] = renames[kind, reference["name"]]
