// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The kinds of resource, with the apiVersions under which each is known, the preferred one first.
 */
public enum Kind {
  SERVICE("Service", true, "v1"),
  ENDPOINT_SLICE("EndpointSlice", true, "discovery.k8s.io/v1"),
  NODE("Node", false, "v1"),
  NAMESPACE("Namespace", false, "v1"),
  POD("Pod", true, "v1"),
  WORKLOAD_ENDPOINT("WorkloadEndpoint", true, "projectcalico.org/v3", "crd.projectcalico.org/v1"),
  IP_POOL("IPPool", false, "projectcalico.org/v3", "crd.projectcalico.org/v1"),
  FELIX_CONFIGURATION(
      "FelixConfiguration", false, "projectcalico.org/v3", "crd.projectcalico.org/v1"),
  SERVICE_ACCOUNT("ServiceAccount", true, "v1"),
  NETWORK_POLICY("NetworkPolicy", true, "networking.k8s.io/v1"),
  CALICO_NETWORK_POLICY(
      "NetworkPolicy",
      "NetworkPolicy.projectcalico.org",
      true,
      "projectcalico.org/v3",
      "crd.projectcalico.org/v1"),
  GLOBAL_NETWORK_POLICY(
      "GlobalNetworkPolicy", false, "projectcalico.org/v3", "crd.projectcalico.org/v1"),
  TIER("Tier", false, "projectcalico.org/v3", "crd.projectcalico.org/v1"),
  NETWORK_SET("NetworkSet", true, "projectcalico.org/v3", "crd.projectcalico.org/v1"),
  GLOBAL_NETWORK_SET("GlobalNetworkSet", false, "projectcalico.org/v3", "crd.projectcalico.org/v1"),
  HOST_ENDPOINT("HostEndpoint", false, "projectcalico.org/v3", "crd.projectcalico.org/v1"),
  PROFILE("Profile", false, "projectcalico.org/v3", "crd.projectcalico.org/v1");

  private static final Map<String, Kind> BY_UNIQUE_NAME =
      Arrays.stream(values()).collect(Collectors.toMap(Kind::uniqueName, kind -> kind));

  private final String wireName;
  private final String uniqueName;
  private final boolean namespaced;
  private final List<String> apiVersions;

  Kind(String wireName, boolean namespaced, String... apiVersions) {
    this(wireName, wireName, namespaced, apiVersions);
  }

  Kind(String wireName, String uniqueName, boolean namespaced, String... apiVersions) {
    this.wireName = wireName;
    this.uniqueName = uniqueName;
    this.namespaced = namespaced;
    this.apiVersions = List.of(apiVersions);
  }

  /** As {@code kind} in a manifest; two groups may have a kind of one name. */
  public String wireName() {
    return wireName;
  }

  /**
   * The name that is this kind's alone: {@link #wireName()}, with the group behind it where an
   * earlier kind has the name, {@code NetworkPolicy.projectcalico.org}.
   */
  public String uniqueName() {
    return uniqueName;
  }

  /** The kind with that {@link #uniqueName()}. */
  public static Optional<Kind> ofUniqueName(String name) {
    return Optional.ofNullable(BY_UNIQUE_NAME.get(name));
  }

  /** The groups of its apiVersions; empty for v1. */
  public List<String> groups() {
    return apiVersions.stream().map(Kind::group).toList();
  }

  /** The part of an apiVersion before the slash; empty for v1. */
  public static String group(String apiVersion) {
    return apiVersion.substring(0, Math.max(0, apiVersion.indexOf('/')));
  }

  /** Whether its resources live in namespaces. */
  public boolean namespaced() {
    return namespaced;
  }

  public List<String> apiVersions() {
    return apiVersions;
  }

  @Override
  public String toString() {
    return uniqueName;
  }
}
