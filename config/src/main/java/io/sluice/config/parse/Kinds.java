// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import io.sluice.config.model.Kind;
import io.sluice.config.model.Resource;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiFunction;
import java.util.stream.Stream;

/** Which kinds there are, and who reads them. */
final class Kinds {
  /** Reads what is particular to a kind; empty where the document is not one for Sluice. */
  interface Binder extends BiFunction<Fields, MetaBinder.Bound, Optional<? extends Resource>> {}

  private static final Map<Kind, Binder> BINDERS = new EnumMap<>(Kind.class);

  static {
    BINDERS.put(Kind.SERVICE, ServiceBinder::bind);
    BINDERS.put(Kind.ENDPOINT_SLICE, EndpointSliceBinder::bind);
    BINDERS.put(Kind.NODE, CoreBinders::node);
    BINDERS.put(Kind.NAMESPACE, CoreBinders::namespace);
    BINDERS.put(Kind.POD, CoreBinders::pod);
    BINDERS.put(Kind.WORKLOAD_ENDPOINT, CalicoBinders::workloadEndpoint);
    BINDERS.put(Kind.IP_POOL, CalicoBinders::ipPool);
    BINDERS.put(Kind.FELIX_CONFIGURATION, CalicoBinders::felixConfiguration);
    BINDERS.put(Kind.SERVICE_ACCOUNT, CoreBinders::serviceAccount);
    BINDERS.put(Kind.NETWORK_POLICY, KubernetesPolicyBinder::bind);
    BINDERS.put(Kind.CALICO_NETWORK_POLICY, PolicyBinders::networkPolicy);
    BINDERS.put(Kind.GLOBAL_NETWORK_POLICY, PolicyBinders::globalNetworkPolicy);
    BINDERS.put(Kind.TIER, PolicyBinders::tier);
    BINDERS.put(Kind.NETWORK_SET, PolicyBinders::networkSet);
    BINDERS.put(Kind.GLOBAL_NETWORK_SET, PolicyBinders::globalNetworkSet);
    BINDERS.put(Kind.HOST_ENDPOINT, PolicyBinders::hostEndpoint);
    BINDERS.put(Kind.PROFILE, PolicyBinders::profile);
  }

  /** Kinds that decide what is allowed: without them, what their author forbids would pass. */
  private static final Set<String> POLICY_KINDS =
      Set.of("AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy");

  private static final String POLICY_GROUP = "policy.networking.k8s.io";

  /** Policies to look at before they are in force: nobody enforces them. */
  private static final Set<String> STAGED_KINDS =
      Set.of("StagedNetworkPolicy", "StagedGlobalNetworkPolicy", "StagedKubernetesNetworkPolicy");

  /** Groups in which kinds that Sluice does not know are mistakes. */
  private static final Set<String> OWN_GROUPS =
      Set.of("discovery.k8s.io", "projectcalico.org", "crd.projectcalico.org", "networking.k8s.io");

  /** The API server's other kinds in v1. */
  private static final Set<String> CORE_KINDS =
      Set.of(
          "ConfigMap",
          "Secret",
          "Endpoints",
          "Event",
          "LimitRange",
          "PersistentVolume",
          "PersistentVolumeClaim",
          "PodTemplate",
          "ReplicationController",
          "ResourceQuota",
          "ComponentStatus",
          "Binding");

  /** Kinds of the groups above that say nothing about what Sluice does. */
  private static final Set<String> OTHER_KINDS =
      Set.of(
          "Ingress",
          "IngressClass",
          "IPAddress",
          "ServiceCIDR",
          "BGPConfiguration",
          "BGPPeer",
          "BGPFilter",
          "BlockAffinity",
          "CalicoNodeStatus",
          "ClusterInformation",
          "IPAMBlock",
          "IPAMConfig",
          "IPAMConfiguration",
          "IPAMHandle",
          "IPReservation",
          "KubeControllersConfiguration",
          "Node");

  private Kinds() {}

  static Binder binder(Kind kind) {
    return BINDERS.get(kind);
  }

  /** The kind of that name in that apiVersion. */
  static Optional<Kind> find(String wireName, String apiVersion) {
    return ofName(wireName).filter(kind -> kind.apiVersions().contains(apiVersion)).findFirst();
  }

  /** The apiVersions that have a kind of that name; none if there is no such kind. */
  static List<String> apiVersions(String wireName) {
    return ofName(wireName).flatMap(kind -> kind.apiVersions().stream()).toList();
  }

  private static Stream<Kind> ofName(String wireName) {
    return Arrays.stream(Kind.values()).filter(kind -> kind.wireName().equals(wireName));
  }

  static boolean isPolicy(String kind, String apiVersion) {
    return POLICY_KINDS.contains(kind) && Kind.group(apiVersion).equals(POLICY_GROUP);
  }

  static boolean isStaged(String kind, String apiVersion) {
    return STAGED_KINDS.contains(kind) && OWN_GROUPS.contains(Kind.group(apiVersion));
  }

  /** Whether this is somebody else's kind, to be passed over. */
  static boolean isForeign(String kind, String apiVersion) {
    String group = Kind.group(apiVersion);
    if (group.isEmpty()) {
      return apiVersion.equals("v1") && CORE_KINDS.contains(kind);
    }
    return !OWN_GROUPS.contains(group) && apiVersions(kind).isEmpty() || OTHER_KINDS.contains(kind);
  }

  /** All names, for suggestions. */
  static Set<String> names() {
    Set<String> names = new TreeSet<>(STAGED_KINDS);
    Arrays.stream(Kind.values()).map(Kind::wireName).forEach(names::add);
    return names;
  }
}
