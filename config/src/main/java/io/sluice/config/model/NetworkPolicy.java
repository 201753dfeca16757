// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

import io.sluice.config.selector.Selector;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

/**
 * A policy: projectcalico.org/v3 GlobalNetworkPolicy or NetworkPolicy, or networking.k8s.io/v1
 * NetworkPolicy, which is read as what it means in the terms of the others: in tier default, of
 * order 1000.
 *
 * @param kind one of the three
 * @param order policies of a tier without one come last
 * @param selector of the endpoints that it is for; a namespaced policy is for its namespace alone
 * @param namespaceSelector of a global policy: only endpoints of these namespaces
 * @param serviceAccountSelector only endpoints of these service accounts
 * @param types which directions it decides on
 * @param doNotTrack for host endpoints: asked before conntrack
 * @param preDnat for host endpoints: asked before services are looked up
 * @param applyOnForward for host endpoints: for what is forwarded, too
 */
public record NetworkPolicy(
    ObjectMeta meta,
    Kind kind,
    String tier,
    OptionalDouble order,
    Selector selector,
    Optional<Selector> namespaceSelector,
    Optional<Selector> serviceAccountSelector,
    Set<Direction> types,
    List<PolicyRule> ingress,
    List<PolicyRule> egress,
    boolean doNotTrack,
    boolean preDnat,
    boolean applyOnForward)
    implements Resource {
  /** The tier of policies that name none. */
  public static final String DEFAULT_TIER = "default";

  /** Seen from the endpoint. */
  public enum Direction {
    INGRESS("Ingress"),
    EGRESS("Egress");

    private final String wireName;

    Direction(String wireName) {
      this.wireName = wireName;
    }

    @Override
    public String toString() {
      return wireName;
    }
  }

  public NetworkPolicy {
    types = Set.copyOf(types);
    ingress = List.copyOf(ingress);
    egress = List.copyOf(egress);
  }
}
