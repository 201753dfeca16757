// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

/** One thing that a user asks for: immutable, validated, equal when it asks for the same. */
public sealed interface Resource
    permits Service,
        EndpointSlice,
        Node,
        Namespace,
        Pod,
        WorkloadEndpoint,
        IpPool,
        FelixConfiguration,
        ServiceAccount,
        NetworkPolicy,
        Tier,
        NetworkSet,
        HostEndpoint,
        Profile {
  ObjectMeta meta();

  Kind kind();

  default ResourceKey key() {
    return new ResourceKey(kind(), meta().namespace(), meta().name());
  }
}
