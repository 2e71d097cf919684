"""The pieces that the examples of Argo CD's rules are put together from."""

CONFIG_MAP = """
# file: apps/my-app/config-map.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: my-app}
data: {greeting: hello}
"""

CHART = """
# file: charts/my-app/Chart.yaml
apiVersion: v2
name: my-app
version: 0.1.0
# file: charts/my-app/values.yaml
greeting: hello
# file: charts/my-app/templates/config-map.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: my-app}
data:
  greeting: {{ .Values.greeting | quote }}
"""

VALUES = """
# file: environments/dev/my-app/values.yaml
greeting: good day
"""

APPLICATION = """
# file: argocd/my-app.yaml
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: my-app, namespace: argocd}
spec:
  project: default
"""

REPOSITORY = "https://git.example.com/team/gitops.git"
SOURCE = f"  source: {{repoURL: {REPOSITORY}, targetRevision: main, path: apps/my-app}}\n"
DESTINATION = "  destination: {server: https://kubernetes.default.svc, namespace: my-app}\n"

DEPLOYED = CONFIG_MAP + APPLICATION + SOURCE + DESTINATION
"""A folder of manifests and the Application that deploys it, to which more of the Application's spec can be added."""

PROJECT = """
# file: argocd/project.yaml
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: team, namespace: argocd}
spec:
"""

APPLICATION_SET = """
# file: argocd/applicationset.yaml
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: my-app, namespace: argocd}
spec:
"""

TEMPLATE = f"""  template:
    metadata: {{name: 'my-app-{{{{ .environment }}}}', namespace: argocd}}
    spec:
      project: default
      source: {{repoURL: {REPOSITORY}, targetRevision: main, path: apps/my-app}}
      destination: {{server: https://kubernetes.default.svc, namespace: 'my-app-{{{{ .environment }}}}'}}
"""
"""An ApplicationSet's template, for Go templates and a parameter `environment`."""

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: shop
spec:
  containers:
    - name: shop
      image: {image}
"""

SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: shop
spec:
  ports:
    - port: 80
"""

GREETING = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: shop\ndata:\n  greeting: {greeting}\n"
"""A ConfigMap, by what it says."""

REPLICATED = """# file: deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
spec:
  replicas: REPLICAS
  selector:
    matchLabels: {app: shop}
  template:
    metadata:
      labels: {app: shop}
    spec:
      containers:
        - name: shop
          image: nginx:1.29.3-alpine
          resources: {requests: {cpu: 10m, memory: 32Mi}, limits: {memory: 32Mi}}
"""
"""A Deployment with as many replicas as REPLICAS is replaced with."""
