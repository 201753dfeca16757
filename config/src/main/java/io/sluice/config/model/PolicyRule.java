// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

import io.sluice.config.selector.Selector;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * One rule of a policy or a profile, with the meaning of projectcalico.org/v3; Kubernetes' rules
 * are put in the same terms when they are read.
 *
 * @param protocol its number
 * @param notProtocol its number
 * @param annotations of the rule itself
 */
public record PolicyRule(
    Action action,
    Optional<IpFamily> ipVersion,
    OptionalInt protocol,
    OptionalInt notProtocol,
    Optional<Icmp> icmp,
    Optional<Icmp> notIcmp,
    Entity source,
    Entity destination,
    Map<String, String> annotations) {
  /** What becomes of a packet that matches. */
  public enum Action {
    ALLOW("Allow"),
    DENY("Deny"),
    LOG("Log"),
    PASS("Pass");

    private final String wireName;

    Action(String wireName) {
      this.wireName = wireName;
    }

    @Override
    public String toString() {
      return wireName;
    }
  }

  /**
   * @param code empty: any
   */
  public record Icmp(int type, OptionalInt code) {}

  /** A port of a rule: numbers, or the name that endpoints give to one. */
  public sealed interface RulePort {}

  public record Numbers(PortRange range) implements RulePort {}

  public record Named(String name) implements RulePort {}

  /**
   * Service accounts, in the namespaces that the rule is about.
   *
   * @param names one of them; empty: any
   * @param selector of their labels; empty: any
   */
  public record ServiceAccounts(List<String> names, Optional<Selector> selector) {
    public ServiceAccounts {
      names = List.copyOf(names);
    }
  }

  /**
   * A service's endpoints.
   *
   * @param namespace empty: the policy's
   */
  public record ServiceRef(String namespace, String name) {}

  /**
   * One end of a packet; every part that is given must hold.
   *
   * @param selector of endpoints and network sets
   * @param namespaceSelector of their namespaces; {@code global()}: those without one. Where it is
   *     absent, a namespaced policy's selectors mean its own namespace
   */
  public record Entity(
      List<Cidr> nets,
      List<Cidr> notNets,
      Optional<Selector> selector,
      Optional<Selector> notSelector,
      Optional<Selector> namespaceSelector,
      List<RulePort> ports,
      List<RulePort> notPorts,
      Optional<ServiceAccounts> serviceAccounts,
      Optional<ServiceRef> service) {
    /** Anywhere. */
    public static final Entity ANY =
        new Entity(
            List.of(),
            List.of(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            List.of(),
            List.of(),
            Optional.empty(),
            Optional.empty());

    public Entity {
      nets = List.copyOf(nets);
      notNets = List.copyOf(notNets);
      ports = List.copyOf(ports);
      notPorts = List.copyOf(notPorts);
    }
  }

  public PolicyRule {
    annotations = Map.copyOf(annotations);
  }
}
