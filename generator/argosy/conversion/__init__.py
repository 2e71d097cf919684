"""Change how an application is written, and compare what is deployed before and after.

The settings are read from what is rendered today, however people wrote it. Where the new format has a place for them,
they are put there; every other resource is carried over as it is.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from argosy.change import edits, ownership, planning
from argosy.change.merge import Plan
from argosy.change.ownership import FileStatus, Owner, State
from argosy.change.planning import Change
from argosy.conversion import charts, deployed, patches, writing
from argosy.conversion.comparison import Context, Difference, compare
from argosy.conversion.deployed import Deployed, Manifest
from argosy.conversion.values import CHART_LABELS, merged, values
from argosy.conversion.workload import Renames, Workload, find, followed
from argosy.documents import encrypted, plain
from argosy.errors import ArgosyError, UsageError
from argosy.git import objects
from argosy.helm.release import is_test
from argosy.kubernetes.manifests import identity
from argosy.names import joined
from argosy.repository import layout
from argosy.repository.model import OWN, SHARED, WRITTEN_HERE, Application, Environment, Format, Repository, Seed
from argosy.repository.store import Stored
from argosy.template import rendering, versions
from argosy.template.rendering import Tree

__all__ = ["Conversion", "Difference", "convert"]

Files = dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Conversion:
    """A conversion that was worked out, and has written nothing yet."""

    change: Change
    edited: Sequence[FileStatus]
    """The files that go although someone wrote or edited them: what they give to the render is in the new ones."""
    differences: Sequence[Difference]

    @property
    def unexplained(self) -> Sequence[Difference]:
        """The differences that are not by design."""
        return [each for each in self.differences if not each.why]


def convert(
    root: Path,
    stored: Stored,
    name: str,
    form: Format | None = None,
    chart: str | None = None,
    *,
    elsewhere: Seed | None = None,
    values: Mapping[str, bytes] = MappingProxyType({}),
) -> Conversion | None:
    """Work out how an application is written in another format, or with another chart; return None if it is already.

    What is None stays, or follows from the other one. `elsewhere` is where a chart is that is not in this repository,
    and `values` are what that gets in place of what the application has, by environment. Raise ArgosyError where a
    resource would be lost, a file is encrypted, or what is deployed cannot be rendered, or would be something else with
    a chart from elsewhere; UsageError for a name that is none.
    """
    application = edits.application(stored.repository, name)
    if elsewhere or (application.format is Format.CHART and chart and form in {None, Format.HELM}):
        return _from_or_to_elsewhere(root, stored, application, elsewhere or chart or OWN, values)
    form = form or application.format
    stays = form is application.format
    whose = application.chart if stays else stored.repository.settings.chart_of(form)
    made = replace(application, format=form, chart=chart or whose, vendored=False)
    if application.format not in WRITTEN_HERE:
        raise UsageError(
            f"{name} is not written here: environments/*/{name}/source.yaml says where it comes from.",
            f"First bring its chart into this repository: argosy convert {name} --chart own"
            if application.format is Format.CHART
            else "Copy the chart or the manifests into this repository first, as an application of its own: argosy "
            "add app.",
        )
    if (made.format, made.chart) == (application.format, application.chart):
        return None
    _refuse_overrides(stored.repository, application)
    before = _rendered(root, stored, application)
    if stays and (exchanged := _exchanged(root, stored, application, made, before)):
        return exchanged
    work = _Work.begin(root, stored, application, made, before)
    _refuse_encrypted(root, work.removed)
    pristine = replace(work.change({}), from_version=stored.version, to_version=stored.version)
    plan = planning.plan(root, pristine)
    written = work.written(plan)
    change = work.change(written)
    after = deployed.of_commit(root, name, plan, {**dict.fromkeys(change.removed), **written})
    differences = [
        difference
        for environment, each in before.items()
        for difference in compare(each, after[environment], Context(name, form, work.renames(environment)))
    ]
    _refuse_loss(differences)
    return Conversion(change, _edited(root, stored, {*work.removed}), differences)


def _from_or_to_elsewhere(
    root: Path,
    stored: Stored,
    application: Application,
    chart: str | Seed,
    values: Mapping[str, bytes],
) -> Conversion | None:
    """Work out how an application gets a chart from elsewhere, or one of this repository in its place."""
    repository, name = stored.repository, application.name
    _refuse_overrides(repository, application)
    held = charts.Held.of(root, repository, application)
    if isinstance(chart, Seed):
        made = replace(application, format=Format.CHART, chart=OWN, vendored=False, seed=chart)
        charts.refuse_what_has_no_chart(application)
        if held.comes_from(chart) and not values:
            return None
        charts.refuse_unfetched(chart, held.places)
    else:
        made = replace(application, format=Format.HELM, chart=chart, vendored=chart == OWN)
    before = _rendered(root, stored, application)
    after_it = _with(repository, made)
    change, going = held.exchanged(after_it, made, values, _seeds(stored.version, after_it, made, {}))
    settled = replace(change, from_version=stored.version, to_version=stored.version)
    plan = planning.plan(root, settled)
    after = deployed.of_commit(root, name, plan)
    differences = [
        difference
        for environment, each in before.items()
        for difference in compare(each, after[environment], Context(name, made.format, {}))
    ]
    charts.refuse_unequal(name, differences, held.told(made))
    return Conversion(change, _edited(root, stored, going), differences)


def _refuse_overrides(repository: Repository, application: Application) -> None:
    """Raise UsageError where an application has something of its own in some clusters: nobody rewrites that."""
    for environment in repository.environments:
        if places := dict(environment.overrides).get(application.name):
            raise UsageError(
                f"{application.name} has something of its own in {joined(places)}, which nobody writes anew.",
                f"Remove it, convert, and write it again: "
                f"{layout.cluster_deployments(environment.name, places[0])}/{application.name}",
            )


def _exchanged(
    root: Path, stored: Stored, application: Application, made: Application, before: Mapping[str, Deployed]
) -> Conversion | None:
    """Work out how an application gets another chart, and keeps its values; None where that deploys something else.

    Its own chart is the shared one as it was followed, with all that is written in it. Raise ArgosyError where its
    environments follow different versions.
    """
    repository, name = stored.repository, application.name
    after = _with(repository, made)
    places = [each for each, one in repository.deployments() if one == application]
    followed = {each.name: repository.followed(each, name) for each in places}
    if made.chart == OWN and len({*followed.values()}) > 1:
        told = joined([f"{version} in {each}" for each, version in followed.items()])
        raise ArgosyError(
            f"{name} follows different versions of the shared chart: {told}.",
            f"Bring all of them to one first (argosy promote {name} --to …), and commit.",
        )
    own, said = layout.chart(name), layout.shared_chart("<version>")
    addresses = (said, own) if made.chart == OWN else (own, said)
    values = [f"{layout.deployment(each.name, name)}/{layout.VALUES}" for each in places]
    held = objects.blobs(root, objects.entries(root, "HEAD"), values)
    # Their first lines say where all values are.
    old, new = (f"{each}/{layout.VALUES}".encode() for each in addresses)
    written = {path: blob.content.replace(old, new) for path, blob in held.items() if old in blob.content}
    if made.chart == OWN:
        copies = {own: layout.shared_chart(next(iter(followed.values()), repository.newest_chart))}
        change = Change(repository, after, copies, [] if after.charts else [layout.SHARED_CHART], written=written)
        going = set[str]()  # What they hold goes on in the copy.
    else:
        change = Change(repository, after, removed=[own], written=written)
        going = {path for path in objects.entries(root, "HEAD") if objects.is_within(path, [own])}
    plan = planning.plan(root, replace(change, from_version=stored.version, to_version=stored.version))
    deploys = deployed.of_commit(root, name, plan)
    differences = [
        difference
        for environment, each in before.items()
        for difference in compare(each, deploys[environment], Context(name, made.format, {}))
    ]
    if any(not each.path.endswith("[helm.sh/chart]") for each in differences):
        return None
    return Conversion(change, _edited(root, stored, going), differences)


def _with(repository: Repository, made: Application) -> Repository:
    """Return the repository with an application as it is to be, and the shared chart where it is used."""
    applications = tuple(made if each.name == made.name else each for each in repository.applications)
    environments = tuple(
        replace(each, chart_versions=tuple(pair for pair in each.chart_versions if pair[0] != made.name))
        for each in repository.environments
    )
    changed = replace(repository, applications=applications, environments=environments)
    return edits.without_unused_chart(changed.with_shared_chart())


def _edited(root: Path, stored: Stored, going: set[str]) -> list[FileStatus]:
    return [
        each
        for each in ownership.files(root, stored, going.__contains__)
        if each.state is State.EDITED or (each.owner is Owner.USER and each.state is State.UNCHANGED)
    ]


def _rendered(root: Path, stored: Stored, application: Application) -> Mapping[str, Deployed]:
    """Return what each environment gets today; raise ArgosyError where an Application of it is missing."""
    found = deployed.of_commit(root, application.name)
    wanted = [environment for environment, each in stored.repository.deployments() if each == application]
    for environment in wanted:
        if environment.name not in found:
            raise ArgosyError(
                f"No Argo CD Application deploys {application.name} to {environment.name}, although there is a folder "
                "for it.",
                f"Restore {layout.argocd_application(environment.name, application.name)}, or remove "
                f"{layout.deployment(environment.name, application.name)}.",
            )
    return {environment.name: found[environment.name] for environment in wanted}


def _without_chart_labels(found: Deployed, application: Application, form: Format) -> Deployed:
    """Return what is deployed without the labels that tell of its own chart, and without its tests.

    As files, Pods keep the label of their version, so that nothing restarts.
    """
    gone = set(CHART_LABELS[:2] if form is Format.MANIFESTS else CHART_LABELS)

    def without(manifest: Manifest) -> Manifest:
        chart = str((manifest["metadata"].get("labels") or {}).get("helm.sh/chart", ""))
        name = "app" if application.chart == SHARED else application.name
        if application.format is not Format.HELM or not chart.startswith(f"{name}-"):
            return manifest
        plain = copy.deepcopy(manifest)
        pods = plain.get("spec", {}).get("template", {}) if manifest["kind"] == "Deployment" else {}
        for each in (plain, pods):
            labels = each.get("metadata", {}).get("labels", {})
            for label in gone & labels.keys():
                del labels[label]
        if form is Format.HELM:  # Another chart counts them anew.
            annotations = pods.get("metadata", {}).get("annotations", {})
            for key in [each for each in annotations if each.startswith("checksum/")]:
                del annotations[key]
        return plain

    return replace(found, manifests=[without(each) for each in found.manifests if not is_test(each)])


@dataclass(frozen=True)
class _Work:
    """What a conversion is made from."""

    root: Path
    before: Repository
    after: Repository
    application: Application
    """As it is afterwards."""
    deployed: Mapping[str, Deployed]
    workloads: Mapping[str, Workload]
    """By environment; none where every manifest becomes a file."""
    seeds: Tree
    """What the template writes for the application, with each environment's image and replicas."""
    committed: Sequence[str]
    removed: Sequence[str]

    @classmethod
    def begin(
        cls, root: Path, stored: Stored, application: Application, to: Application, before: Mapping[str, Deployed]
    ) -> _Work:
        """Find what runs, and have the template render what it is to become."""
        repository, name, form = stored.repository, application.name, to.format
        plain = {key: _without_chart_labels(each, application, form) for key, each in before.items()}
        workloads = {} if form is Format.MANIFESTS else {key: find(each, name) for key, each in plain.items()}
        images = tuple((key, each.image) for key, each in workloads.items())
        ports = [each.port for each in workloads.values()]
        seed = Seed(images[0][1], ports[0], images) if images else Seed()
        made = replace(to, seed=seed)
        after = _with(repository, made)
        committed = list(objects.entries(root, "HEAD"))
        return cls(
            root,
            repository,
            after,
            made,
            plain,
            workloads,
            _seeds(stored.version, after, made, workloads),
            committed,
            list(_obsolete(repository, after, application, before, committed)),
        )

    def renames(self, environment: str) -> Renames:
        """Return what gets another name in an environment."""
        return self.workloads[environment].renames if environment in self.workloads else {}

    def change(self, written: Files) -> Change:
        """Return the change that brings these files, and what the template gives for everything else."""
        seeded = {path: file.content for path, file in self.seeds.items() if layout.is_seeded(path)}
        given = written if self._is_manifests else seeded | written
        for path in given:
            if path in self.committed and path not in self.removed:
                raise ArgosyError(f"{path} is in the way: a file of that name is needed.", "Rename it, and commit.")
        # What the template would write for what the application does not have goes before it comes.
        going = {*self.removed, *seeded} - given.keys()
        return Change(self.before, self.after, removed=sorted(going), written=given)

    @property
    def _is_manifests(self) -> bool:
        return self.application.format is Format.MANIFESTS

    def written(self, plan: Plan) -> Files:
        """Return the files that say what the template does not; `plan` is what it gives without them."""
        name = self.application.name
        planned = deployed.tree(self.root, name, plan)
        given = {} if self._is_manifests else deployed.of_commit(self.root, name, plan)
        put = self._values_file if self.application.format is Format.HELM else self._overlay
        made: Files = {}
        for environment, each in self.deployed.items():
            if self._is_manifests:
                made |= dict(self._resources(layout.deployment(environment, name), each.manifests))
            else:
                made |= put(environment, self.workloads[environment], given[environment], planned)
        return made

    def _resources(self, folder: str, manifests: Sequence[Manifest]) -> Iterator[tuple[str, bytes]]:
        """Yield a file for each manifest, under a name that is free."""
        taken = {*self.committed, f"{folder}/service-patch.yaml"} - set(self.removed)
        taken |= set() if self._is_manifests else self.seeds.keys()
        for manifest in manifests:
            this = identity(manifest)
            kind, called = this.kind, this.name
            short = kind.lower() if called == self.application.name else f"{kind.lower()}-{called}"
            bare = re.sub(r"[^a-z0-9.-]+", "-", short)
            path, number = f"{folder}/{bare}.yaml", 2
            while path in taken:
                path, number = f"{folder}/{bare}-{number}.yaml", number + 1
            taken.add(path)
            yield path, writing.manifest(manifest)

    def _values_file(self, environment: str, workload: Workload, given: Deployed, tree: Tree) -> Files:
        name = self.application.name
        path = f"{layout.deployment(environment, name)}/{layout.VALUES}"
        is_shared = self.application.chart == SHARED
        chart = layout.shared_chart(self.after.newest_chart) if is_shared else layout.chart(name)
        files = (f"{chart}/{layout.VALUES}", layout.environment_values(environment), path)
        read = [plain.values(tree[each].content) for each in files if each in tree]
        text = writing.load(self.seeds[path].content)
        overrides = values(workload, given.manifests, merged(*read))
        writing.merge(text, {key: value for key, value in overrides.items() if key in text})
        added = {key: value for key, value in overrides.items() if key not in text}
        return {path: writing.dump(text) + (b"\n" + writing.dump(added) if added else b"")}

    def _overlay(self, environment: str, workload: Workload, given: Deployed, tree: Tree) -> Files:
        folder = layout.deployment(environment, self.application.name)
        base = {each["kind"]: each for each in given.manifests}
        files = dict(self._resources(folder, [followed(each, workload.renames) for each in workload.others]))
        kustomization = writing.load(tree[f"{folder}/kustomization.yaml"].content)
        writing.append(kustomization["resources"], [path.removeprefix(f"{folder}/") for path in files])
        if workload.deployment["spec"].get("replicas") is None:
            del kustomization["replicas"]
        deployment = patches.deployment_patch(workload, base["Deployment"])
        patch = f"{folder}/patch.yaml"
        files[patch] = _heading(self.seeds[patch].content) + writing.manifest(deployment)
        if service := patches.service_patch(workload, base["Service"]):
            kustomization["patches"].append({"path": "service-patch.yaml"})
            files[f"{folder}/service-patch.yaml"] = writing.manifest(service)
        return {**files, f"{folder}/kustomization.yaml": writing.dump(kustomization)}


def _heading(text: bytes) -> bytes:
    """Return the comment that a file begins with."""
    found = re.match(rb"(?:#[^\n]*\n)*", text)
    return found[0] if found else b""


def _seeds(version: str, after: Repository, application: Application, workloads: Mapping[str, Workload]) -> Tree:
    """Render what the template writes for an application, with the replicas that each environment has now."""

    def as_it_runs(environment: Environment) -> Environment:
        workload = workloads.get(environment.name)
        replicas = workload.deployment["spec"].get("replicas") if workload else None
        return environment if replicas is None else replace(environment, replicas=replicas)

    alone = replace(
        after,
        environments=tuple(
            replace(as_it_runs(each), applications=tuple({application.name} & set(each.applications)))
            for each in after.environments
        ),
        applications=(application,),
    )
    with versions.checkout(version) as known:
        name = application.name
        return rendering.render(
            alone, template=known, wanted=lambda path: layout.application_of(path) == name, told=["of", name]
        )


def _obsolete(
    before: Repository,
    after: Repository,
    application: Application,
    rendered: Mapping[str, Deployed],
    committed: Sequence[str],
) -> Iterator[str]:
    """Yield the files of the old format: the chart or base, and what the environments' folders give to the render.

    What no render reads says nothing of what runs, so it would be lost: it stays, and is refused where the new format
    would deploy it. The values that an environment's applications share go with the last chart that reads them.
    """
    name = application.name
    read = frozenset[str]().union(*(each.read for each in rendered.values()))
    own = (f"{layout.application(name)}/", *(f"{layout.deployment(each.name, name)}/" for each in before.environments))
    charts_left = any(each.format is Format.HELM for each in after.applications)
    shared = set() if charts_left else {layout.environment_values(each.name) for each in before.environments}
    for path in committed:
        folder, _, file = path.rpartition("/")
        if file.startswith(".argocd-source") and path.startswith(own):
            raise ArgosyError(
                f"Argo CD changes the source of {name} by {path}.",
                "Put what it says into the values, the kustomization or the manifests, and remove it.",
            )
        chart = [layout.chart(name), layout.base(name), *([] if after.charts else [layout.SHARED_CHART])]
        if objects.is_within(path, chart) or (path in read and (path in shared or path.startswith(own))):
            yield path
        elif (
            application.format is not Format.MANIFESTS
            and after.application(name).format is Format.MANIFESTS
            and f"{folder}/" in own[1:]
            and file.endswith((".yaml", ".yml", ".json"))
        ):
            raise ArgosyError(
                f"{path} is not used today, and Argo CD would deploy it: it takes all YAML and JSON in that folder.",
                "Move it elsewhere or delete it, commit, and run this command again.",
            )


def _refuse_encrypted(root: Path, going: Sequence[str]) -> None:
    """Raise ArgosyError where a file is encrypted: written in another way, it could not be decrypted."""
    held = objects.blobs(root, objects.entries(root, "HEAD"), going)
    found = next((path for path in going if path in held and encrypted.is_in(held[path].content)), None)
    if found:
        raise ArgosyError(
            f"{found} is encrypted as a whole, and could not be decrypted once it is written in another format.",
            "Take it out of the application (git mv it elsewhere, and commit), convert, and bring it back by hand.",
        )


def _refuse_loss(differences: Sequence[Difference]) -> None:
    lost = [each for each in differences if not each.path and each.after is None and not each.why]
    if lost:
        told = "\n".join(f"  {each.resource} in {each.environment}" for each in lost)
        raise ArgosyError(
            f"These resources would be lost:\n{told}", "Take them out of the application first, or report this."
        )
