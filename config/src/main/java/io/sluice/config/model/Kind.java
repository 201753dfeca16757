// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

import java.util.List;

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
  CALICO_NETWORK_POLICY("NetworkPolicy", true, "projectcalico.org/v3", "crd.projectcalico.org/v1"),
  GLOBAL_NETWORK_POLICY(
      "GlobalNetworkPolicy", false, "projectcalico.org/v3", "crd.projectcalico.org/v1"),
  TIER("Tier", false, "projectcalico.org/v3", "crd.projectcalico.org/v1"),
  NETWORK_SET("NetworkSet", true, "projectcalico.org/v3", "crd.projectcalico.org/v1"),
  GLOBAL_NETWORK_SET("GlobalNetworkSet", false, "projectcalico.org/v3", "crd.projectcalico.org/v1"),
  HOST_ENDPOINT("HostEndpoint", false, "projectcalico.org/v3", "crd.projectcalico.org/v1"),
  PROFILE("Profile", false, "projectcalico.org/v3", "crd.projectcalico.org/v1");

  private final String wireName;
  private final boolean namespaced;
  private final List<String> apiVersions;

  Kind(String wireName, boolean namespaced, String... apiVersions) {
    this.wireName = wireName;
    this.namespaced = namespaced;
    this.apiVersions = List.of(apiVersions);
  }

  /** As {@code kind} in a manifest. */
  public String wireName() {
    return wireName;
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
    return wireName;
  }
}
