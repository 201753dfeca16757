// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.config.model.HostEndpoint;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.settings.Choices;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Which host endpoint is asked about what workloads send to their node, and what it asks: with
 * {@code defaultEndpointToHostAction: Return} the one that is for all interfaces, if there is one.
 */
final class ToHost {
  private final boolean asked;
  private Optional<ResourceKey> owner = Optional.empty();
  private Optional<ResourceKey> known = Optional.empty();
  private Optional<Blueprint> blueprint = Optional.empty();
  private List<String> problems = List.of();

  ToHost(Choices.HostAction action) {
    this.asked = action == Choices.HostAction.RETURN;
  }

  /**
   * @param general the host endpoint of this node that is for all interfaces
   */
  void match(Optional<HostEndpoint> general) {
    owner = general.filter(endpoint -> asked).map(HostEndpoint::key);
  }

  Optional<ResourceKey> owner() {
    return owner;
  }

  /**
   * Looks again at what the host endpoint asks.
   *
   * @param touched endpoints whose policies, tiers or profiles may be others
   * @return whether it asks anything else now
   */
  boolean renew(Set<ResourceKey> touched, Items items, PolicyBook book) {
    if (owner.equals(known) && owner.filter(touched::contains).isEmpty()) {
      return false;
    }
    known = owner;
    Set<String> found = new LinkedHashSet<>();
    Optional<Blueprint> fresh = owner.flatMap(items::find).map(item -> book.toHost(item, found));
    problems = List.copyOf(found);
    boolean renewed = !fresh.equals(blueprint);
    blueprint = fresh;
    return renewed;
  }

  Optional<Blueprint> blueprint() {
    return blueprint;
  }

  /** What of it cannot be as it is written. */
  List<String> problems() {
    return problems;
  }
}
