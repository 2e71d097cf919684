"""Every path of a generated repository, named once: relative to its root, with `/` between the parts."""

ANSWERS = ".copier-answers.yml"
LAYER_ANSWERS = ".copier-answers.{}.yml"
CONFIGURATION = ".argosy.yaml"
BASELINE = ".argosy-baseline.yaml"
"""Where the baseline is, if nothing else is said."""
LOCK = ".argosy-lock.yaml"
"""What was fetched from elsewhere, by digest."""
APPLICATIONS = "applications"
ENVIRONMENTS = "environments"
ARGOCD = "argocd"
PLATFORM = "platform"
COMPONENTS = "components"
PREVIEWS = "previews"
POLICIES = "policies"
CATALOGUE = "catalogue"
CHARTS = "charts"
SHARED_CHART = "charts/app"
"""The folder of the chart that applications share: a folder below it for each of its versions."""
CLUSTERS = "clusters.yaml"
"""The file that declares the clusters."""
ROOT_APPLICATION = "argocd/root.yaml"
INSTALL = "argocd/install"
INSTALL_MANIFESTS = "argocd/install/install.yaml"
"""Argo CD's own manifests, where the repository keeps a copy of them."""
INSTALL_DIGEST = f"{INSTALL_MANIFESTS}.sha256"
APPLICATION_SET = "argocd/applicationset.yaml"
APPLICATION_SETTINGS = "application.yaml"
ENVIRONMENT_SETTINGS = "environment.yaml"
TEAM_SETTINGS = "team.yaml"
VALUES = "values.yaml"
SOURCE = "source.yaml"
"""The file of a deployment that says where it comes from, where that is elsewhere."""
CHART_VERSION = "chart-version.yaml"
IN_CLUSTERS = "clusters"
"""The folder of an environment in which applications have something of their own in some of its clusters."""
TEAMS = "teams"
"""The folder of what is known of teams; below an environment's in `argocd/`, that of their projects."""
CODEOWNERS = ("CODEOWNERS", ".bitbucket/CODEOWNERS")
"""Where a Git host looks for who reviews what."""


def layer_answers(layer: str) -> str:
    """Return the path of the answers to a layer, an organisation's template over the built-in one."""
    return LAYER_ANSWERS.format(layer)


def layer_of(path: str) -> str | None:
    """Return the layer whose answers a file holds, or those to another template of Copier's; None for another file."""
    prefix, suffix = LAYER_ANSWERS.split("{}")
    is_answers = "/" not in path and path.startswith(prefix) and path.endswith(suffix)
    return path.removeprefix(prefix).removesuffix(suffix) if is_answers and path != ANSWERS else None


def application_settings(application: str) -> str:
    """Return the path of an application's settings."""
    return f"{APPLICATIONS}/{application}/{APPLICATION_SETTINGS}"


def chart(application: str) -> str:
    """Return the folder of an application's Helm chart."""
    return f"{APPLICATIONS}/{application}/charts/{application}"


def chart_of(path: str) -> str | None:
    """Return the folder of the chart that a file belongs to, an application's own or the shared one; None without."""
    parts = path.split("/")
    end = 4 if parts[0] == APPLICATIONS and parts[2:3] == [CHARTS] else 3 if path.startswith(f"{SHARED_CHART}/") else 0
    return "/".join(parts[:end]) if 0 < end < len(parts) else None


def shared_chart(version: str) -> str:
    """Return the folder of a version of the chart that applications share."""
    return f"{SHARED_CHART}/{version}"


def chart_version(environment: str, application: str) -> str:
    """Return the path of the shared chart's version that an application follows, where an ApplicationSet reads it."""
    return f"{deployment(environment, application)}/{CHART_VERSION}"


def base(application: str) -> str:
    """Return the folder of an application's Kustomize base."""
    return f"{APPLICATIONS}/{application}/base"


def environment_settings(environment: str) -> str:
    """Return the path of an environment's settings."""
    return f"{ENVIRONMENTS}/{environment}/{ENVIRONMENT_SETTINGS}"


def environment_values(environment: str) -> str:
    """Return the path of the values that all applications of an environment share."""
    return f"{ENVIRONMENTS}/{environment}/{VALUES}"


def deployment(environment: str, application: str) -> str:
    """Return the folder whose being there deploys an application to an environment."""
    return f"{ENVIRONMENTS}/{environment}/{application}"


def cluster_deployments(environment: str, cluster: str) -> str:
    """Return the folder of what applications of an environment have of their own in one of its clusters."""
    return f"{ENVIRONMENTS}/{environment}/{IN_CLUSTERS}/{cluster}"


def team(name: str) -> str:
    """Return the folder of a team."""
    return f"{TEAMS}/{name}"


def team_settings(name: str) -> str:
    """Return the path of a team's settings."""
    return f"{team(name)}/{TEAM_SETTINGS}"


def project(environment: str, team: str = "") -> str:
    """Return the path of the AppProject of an environment, or of a team in it."""
    return f"{ARGOCD}/{environment}/{f'{TEAMS}/{team}' if team else 'project'}.yaml"


def is_project(path: str) -> bool:
    """Return whether a file is the AppProject of an environment, or of a team in it."""
    parts = path.split("/")
    name = parts[-1].removesuffix(".yaml")
    own = len(parts) == 3 and path == project(parts[1])
    return own or (len(parts) == 4 and path == project(parts[1], name))


def argocd_application(environment: str, application: str) -> str:
    """Return the path of the Argo CD Application of an application in an environment."""
    return f"{ARGOCD}/{environment}/{application}.yaml"


def previews(environment: str, application: str) -> str:
    """Return the path of what deploys previews of an application, with the values of an environment."""
    return f"{ARGOCD}/{environment}/{PREVIEWS}/{application}.yaml"


def is_previews(path: str) -> bool:
    """Return whether a file deploys previews."""
    parts = path.split("/")
    return parts[0] == ARGOCD and parts[2:3] == [PREVIEWS] and len(parts) == 4


def platform(environment: str) -> str:
    """Return the folder of an environment's policies and of its components' values."""
    return f"{PLATFORM}/{environment}"


def component(environment: str, name: str) -> str:
    """Return the folder of a component's values, custom resources and vendored chart in an environment."""
    return f"{PLATFORM}/{environment}/{name}"


def component_values(environment: str, name: str) -> str:
    """Return the path of a component's values in an environment."""
    return f"{component(environment, name)}/{VALUES}"


def component_manifests(environment: str, name: str) -> str:
    """Return the folder of the custom resources that go with a component in an environment."""
    return f"{component(environment, name)}/manifests"


def component_chart(environment: str, name: str) -> str:
    """Return the folder of a component's vendored chart in an environment."""
    return f"{component(environment, name)}/chart"


def components(environment: str) -> str:
    """Return the folder of an environment's components' Applications."""
    return f"{ARGOCD}/{environment}/{COMPONENTS}"


def component_application(environment: str, name: str) -> str:
    """Return the path of the Argo CD Application of a component in an environment."""
    return f"{components(environment)}/{name}.yaml"


def components_project(environment: str) -> str:
    """Return the path of the AppProject of an environment's components."""
    return f"{components(environment)}/project.yaml"


def component_of(path: str) -> str | None:
    """Return the component that a file belongs to, None for another file: also for the project of the components."""
    parts = path.split("/")
    if parts[0] == PLATFORM and len(parts) > 3 and parts[1] != ARGOCD and parts[2] != POLICIES:
        return parts[2]
    if parts[0] == ARGOCD and parts[2:3] == [COMPONENTS] and len(parts) == 4 and parts[3] != "project.yaml":
        return parts[3].removesuffix(".yaml")
    return None


def is_components_project(path: str) -> bool:
    """Return whether a file is the AppProject of an environment's components."""
    parts = path.split("/")
    return len(parts) == 4 and path == components_project(parts[1])


def is_vendored(path: str) -> bool:
    """Return whether a file is a copy of a vendor's, or a folder of these: nobody here can mend what is wrong in it."""
    parts = path.split("/")
    is_chart = parts[0] == PLATFORM and parts[3:4] == ["chart"] and parts[2] != POLICIES
    return is_chart or path in {INSTALL_MANIFESTS, INSTALL_DIGEST}


def application_policies(environment: str, application: str) -> str:
    """Return the path of what guards the namespace of an application in an environment."""
    return f"{platform(environment)}/{POLICIES}/namespace-{application}.yaml"


def is_of_policies(path: str) -> bool:
    """Return whether a file is the Application of an environment's policies, or what that reads of an application's."""
    parts = path.split("/")
    return (len(parts) == 3 and (parts[0], parts[2]) == (ARGOCD, "platform.yaml")) or _is_guard(parts)


def _is_guard(parts: list[str]) -> bool:
    return parts[0] == PLATFORM and parts[2:3] == [POLICIES] and parts[3:4] != [] and parts[3].startswith("namespace-")


def is_catalogue(path: str) -> bool:
    """Return whether a file is one of the repository's own catalogue."""
    return path.startswith(f"{CATALOGUE}/") and path.count("/") > 1


def is_catalogue_text(path: str) -> bool:
    """Return whether a file is a text of the repository's own catalogue, which is YAML only once rendered."""
    return is_catalogue(path) and path.split("/")[2] != "component.yaml"


_ENVIRONMENTS_OWN = ("project.yaml", "platform.yaml")
"""What lies beside an environment's Applications and is none of an application's."""


def application_of(path: str) -> str | None:
    """Return the application that a file belongs to, None for a file of an environment or the whole repository."""
    parts = path.split("/")
    if parts[0] == APPLICATIONS and len(parts) > 2:
        return parts[1]
    if parts[0] == ENVIRONMENTS and len(parts) > 3:
        return parts[4] if parts[2] == IN_CLUSTERS and len(parts) > 5 else parts[2]
    if parts[0] == ARGOCD and len(parts) == 3 and parts[1] != "install" and parts[2] not in _ENVIRONMENTS_OWN:
        return parts[2].removesuffix(".yaml")
    if is_previews(path):
        return parts[3].removesuffix(".yaml")
    if _is_guard(parts):
        return parts[3].removeprefix("namespace-").removesuffix(".yaml")
    return None


def is_seeded(path: str) -> bool:
    """Return whether the template writes a file once, and then leaves it to the user."""
    parts = path.split("/")
    if parts[0] == ENVIRONMENTS:
        return (len(parts), parts[-1]) not in {(3, ENVIRONMENT_SETTINGS), (4, CHART_VERSION)}
    if parts[0] == PLATFORM:
        return len(parts) > 3 and parts[2] != POLICIES
    return path in CODEOWNERS or (parts[0] == APPLICATIONS and len(parts) > 3 and parts[2] == "base")


def application(name: str) -> str:
    """Return the folder of an application."""
    return f"{APPLICATIONS}/{name}"


def environment(name: str) -> str:
    """Return the folder of an environment."""
    return f"{ENVIRONMENTS}/{name}"


def argocd_environment(name: str) -> str:
    """Return the folder of an environment's project and Applications."""
    return f"{ARGOCD}/{name}"


def is_settings(path: str) -> bool:
    """Return whether a file holds the settings of an environment, an application or a team, or the clusters."""
    parts = path.split("/")
    folders = {ENVIRONMENTS: ENVIRONMENT_SETTINGS, APPLICATIONS: APPLICATION_SETTINGS, TEAMS: TEAM_SETTINGS}
    return path == CLUSTERS or (len(parts) == 3 and folders.get(parts[0]) == parts[2])


def environment_of(path: str) -> str | None:
    """Return the environment that a file or folder belongs to, None for one of an application or the repository."""
    parts = path.split("/")
    if len(parts) > 1 and (parts[0] == ENVIRONMENTS or (parts[0] in {ARGOCD, PLATFORM} and len(parts) > 2)):
        return parts[1] if (parts[0], parts[1]) not in {(ARGOCD, "install"), (PLATFORM, ARGOCD)} else None
    return None
