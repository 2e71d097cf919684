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
