"""Every path of a generated repository, named once: relative to its root, with `/` between the parts."""

ANSWERS = ".copier-answers.yml"
CONFIGURATION = ".argosy.yaml"
APPLICATIONS = "applications"
ENVIRONMENTS = "environments"
ARGOCD = "argocd"
ROOT_APPLICATION = "argocd/root.yaml"
APPLICATION_SET = "argocd/applicationset.yaml"
APPLICATION_SETTINGS = "application.yaml"
ENVIRONMENT_SETTINGS = "environment.yaml"
VALUES = "values.yaml"


def application_settings(application: str) -> str:
    """Return the path of an application's settings."""
    return f"{APPLICATIONS}/{application}/{APPLICATION_SETTINGS}"


def chart(application: str) -> str:
    """Return the folder of an application's Helm chart."""
    return f"{APPLICATIONS}/{application}/charts/{application}"


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


def project(environment: str) -> str:
    """Return the path of an environment's AppProject."""
    return f"{ARGOCD}/{environment}/project.yaml"


def argocd_application(environment: str, application: str) -> str:
    """Return the path of the Argo CD Application of an application in an environment."""
    return f"{ARGOCD}/{environment}/{application}.yaml"


def application_of(path: str) -> str | None:
    """Return the application that a file belongs to, None for a file of an environment or the whole repository."""
    parts = path.split("/")
    if parts[0] == APPLICATIONS and len(parts) > 2:
        return parts[1]
    if parts[0] == ENVIRONMENTS and len(parts) > 3:
        return parts[2]
    if parts[0] == ARGOCD and len(parts) == 3 and parts[1] != "install" and parts[2] != "project.yaml":
        return parts[2].removesuffix(".yaml")
    return None


def is_seeded(path: str) -> bool:
    """Tell whether the template writes a file once, and then leaves it to the user."""
    parts = path.split("/")
    if parts[0] == ENVIRONMENTS:
        return parts[-1] != ENVIRONMENT_SETTINGS or len(parts) != 3
    return path == "CODEOWNERS" or (parts[0] == APPLICATIONS and len(parts) > 3 and parts[2] == "base")


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
    """Tell whether a file holds the settings of an environment or an application: a part of the model."""
    parts = path.split("/")
    return len(parts) == 3 and (parts[0], parts[2]) in {
        (ENVIRONMENTS, ENVIRONMENT_SETTINGS),
        (APPLICATIONS, APPLICATION_SETTINGS),
    }


def environment_of(path: str) -> str | None:
    """Return the environment that a file or folder belongs to, None for one of an application or the repository."""
    parts = path.split("/")
    if len(parts) > 1 and (parts[0] == ENVIRONMENTS or (parts[0] == ARGOCD and len(parts) > 2)):
        return parts[1] if (parts[0], parts[1]) != (ARGOCD, "install") else None
    return None
