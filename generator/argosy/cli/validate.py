"""`argosy validate`."""

from __future__ import annotations

from pathlib import Path

import click

from argosy.cli import options
from argosy.cli.validation import reported, run
from argosy.errors import UsageError
from argosy.repository.root import root_of


class ShardType(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of Click alone
    """I/N -> (I, N)."""

    name = "I/N"

    def convert(
        self, value: str | tuple[int, int], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Split at the `/`."""
        if isinstance(value, tuple):
            return value
        index, _, count = value.partition("/")
        if not (index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count)):
            self.fail(f"“{value}” is not I/N with I from 1 to N.", param, ctx)
        return int(index), int(count)


@click.command("validate")
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--repository",
    type=options.folder,
    metavar="DIR",
    help="The repository's root.  [default: around PATH, or the current folder]",
)
@click.option(
    "--kubernetes-version",
    "kubernetes_versions",
    metavar="1.NN[,1.NN]",
    help="The Kubernetes versions to check manifests for.  [default: the repository's]",
)
@click.option(
    "--schema-location",
    "schema_locations",
    metavar="WHERE",
    multiple=True,
    help="Schemas of custom resources: a folder, or a path or URL such as "
    "crds/{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json.",
)
@click.option(
    "--baseline",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A list of findings that do not count.  [default: what .argosy.yaml names, or .argosy-baseline.yaml]",
)
@click.option("--update-baseline", is_flag=True, help="Make what is found the baseline, and keep reasons and dates.")
@click.option(
    "--changed-since",
    "since",
    metavar="REF",
    help="Check only what the changes since a commit, a branch or a tag can reach, those in the work tree too.",
)
@click.option(
    "--shard",
    type=ShardType(),
    metavar="I/N",
    help="Check one of N parts of the repository: argosy report --merge puts their JSON reports together.",
)
@click.option("--server", is_flag=True, help="Ask a cluster's API server too, by a dry run that changes nothing.")
@click.option("--context", metavar="NAME", default="", help="The cluster to ask.  [default: the kubeconfig's current]")
@click.option(
    "--kubeconfig",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The kubeconfig to ask it by.  [default: kubectl's]",
)
@click.option(
    "--env",
    "environments",
    metavar="ENV",
    multiple=True,
    help="Ask it about the Applications of this environment alone; may be repeated.",
)
@click.option("--unreached", is_flag=True, help="Check also what no Application leads to.")
@reported
@options.fetch
@options.rendering
@options.quiet
def command(
    *,
    paths: tuple[Path, ...],
    repository: Path | None,
    kubernetes_versions: str | None,
    schema_locations: tuple[str, ...],
    baseline: Path | None,
    update_baseline: bool,
    since: str | None,
    shard: tuple[int, int] | None,
    server: bool,
    context: str,
    kubeconfig: Path | None,
    environments: tuple[str, ...],
    strict: bool,
    unreached: bool,
    verbose: bool,
    output: str,
    reports: tuple[tuple[str, Path], ...],
    quiet: bool,
) -> int:
    """Check offline that Argo CD and Kubernetes will accept a repository.

    Every YAML and JSON document passes, fails, or is skipped with a reason. Helm charts and Kustomize overlays are
    rendered for each Application, and the result is checked too. What no Application leads to is counted and not
    checked, but in repositories that argosy made, or that have no Application. With PATHs, only these files and folders
    are reported on, what is rendered from them, and what an Application among them deploys. Exit code: 0 without
    errors, 1 with errors or if there is nothing to validate, 2 for wrong usage, or if no cluster answers.
    """
    if update_baseline and paths:
        raise UsageError("A baseline is of the whole repository.", "Leave out PATH with --update-baseline.")
    if shard and (paths or update_baseline or since):
        hint = "Leave out PATH, --update-baseline and --changed-since with --shard."
        raise UsageError("A shard is of the whole repository.", hint)
    if since and update_baseline:
        raise UsageError("A baseline is of the whole repository.", "Leave out --changed-since with --update-baseline.")
    if (context or kubeconfig or environments) and not server:
        hint = "Add --server, or leave out --context, --kubeconfig and --env."
        raise UsageError("No cluster is asked without --server.", hint)
    if server and shard:
        raise UsageError("A cluster is asked about the whole repository.", "Leave out --shard with --server.")
    access = None
    if server:
        from argosy.kubernetes.dry_run import Access  # noqa: PLC0415 - with sockets and TLS, which nothing else needs here

        access = Access(context, kubeconfig)
    versions = tuple(each.strip() for each in kubernetes_versions.split(",")) if kubernetes_versions else ()
    return run(
        root_of(repository, paths),
        paths=paths,
        kubernetes_versions=versions,
        schema_locations=schema_locations,
        strict=strict,
        unreached=unreached,
        verbose=verbose,
        output=output,
        reports=reports,
        quiet=quiet,
        baseline=baseline,
        update_baseline=update_baseline,
        shard=shard,
        since=since,
        access=access,
        environments=environments,
    )
