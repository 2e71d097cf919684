"""Which kinds of Kubernetes' own belong to no namespace."""

from __future__ import annotations

from collections.abc import Mapping

CLUSTER_SCOPED: Mapping[str, frozenset[str]] = {
    group: frozenset(kinds.split())
    for group, kinds in {
        "": "ComponentStatus Namespace Node PersistentVolume",
        "admissionregistration.k8s.io": "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding "
        "MutatingWebhookConfiguration ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding "
        "ValidatingWebhookConfiguration",
        "apiextensions.crossplane.io": "CompositeResourceDefinition Composition CompositionRevision",
        "apiextensions.k8s.io": "CustomResourceDefinition",
        "apiregistration.k8s.io": "APIService",
        "argoproj.io": "ClusterAnalysisTemplate ClusterWorkflowTemplate",
        "authentication.k8s.io": "SelfSubjectReview TokenReview",
        "authorization.k8s.io": "SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview",
        "cert-manager.io": "ClusterIssuer",
        "certificates.k8s.io": "CertificateSigningRequest ClusterTrustBundle",
        "cilium.io": "CiliumBGPAdvertisement CiliumBGPClusterConfig CiliumBGPPeerConfig "
        "CiliumClusterwideEnvoyConfig CiliumClusterwideNetworkPolicy CiliumEgressGatewayPolicy CiliumIdentity "
        "CiliumL2AnnouncementPolicy CiliumLoadBalancerIPPool CiliumNode CiliumPodIPPool",
        "crd.projectcalico.org": "BGPConfiguration BGPPeer FelixConfiguration GlobalNetworkPolicy IPPool",
        "external-secrets.io": "ClusterExternalSecret ClusterPushSecret ClusterSecretStore",
        "flowcontrol.apiserver.k8s.io": "FlowSchema PriorityLevelConfiguration",
        "gateway.networking.k8s.io": "GatewayClass",
        "generators.external-secrets.io": "ClusterGenerator",
        "karpenter.k8s.aws": "EC2NodeClass",
        "karpenter.sh": "NodeClaim NodePool",
        "keda.sh": "ClusterTriggerAuthentication",
        "kyverno.io": "ClusterCleanupPolicy ClusterPolicy GlobalContextEntry",
        "networking.k8s.io": "IPAddress IngressClass ServiceCIDR",
        "node.k8s.io": "RuntimeClass",
        "operator.tigera.io": "APIServer Installation",
        "pkg.crossplane.io": "Configuration DeploymentRuntimeConfig Function Provider",
        "policies.kyverno.io": "DeletingPolicy GeneratingPolicy ImageValidatingPolicy MutatingPolicy ValidatingPolicy",
        "policy.networking.k8s.io": "AdminNetworkPolicy BaselineAdminNetworkPolicy ClusterNetworkPolicy",
        "projectcalico.org": "BGPConfiguration BGPPeer FelixConfiguration GlobalNetworkPolicy IPPool",
        "rbac.authorization.k8s.io": "ClusterRole ClusterRoleBinding",
        "resource.k8s.io": "DeviceClass DeviceTaintRule ResourceSlice",
        "scheduling.k8s.io": "PriorityClass",
        "snapshot.storage.k8s.io": "VolumeSnapshotClass VolumeSnapshotContent",
        "storage.k8s.io": "CSIDriver CSINode StorageClass VolumeAttachment VolumeAttributesClass",
        "templates.gatekeeper.sh": "ConstraintTemplate",
        "trust.cert-manager.io": "Bundle",
    }.items()
}
"""The kinds without a namespace: Kubernetes' own, and those of operators that many clusters run."""
