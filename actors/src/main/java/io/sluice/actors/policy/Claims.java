// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.config.model.ResourceKey;
import io.sluice.kernel.layout.Ip;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Whose an address is that several workloads claim, as they do for a moment where one that is gone
 * leaves its address to the next: the local workload's whose interface has it; else that of the one
 * made last, for an address is handed out again only when its former owner has no network any more.
 * Of equally old ones it is everybody's. So whoever gets an address never is taken for whom it was
 * before.
 */
final class Claims {
  private final Map<Ip, List<Item>> claims = new HashMap<>();
  private Map<Ip, ResourceKey> local = Map.of();

  /**
   * An item comes, changes or goes.
   *
   * @param before null: it is new
   * @param after null: it is gone
   * @param touched gets the keys of all others whose addresses may have changed by that
   */
  void change(Item before, Item after, Set<ResourceKey> touched) {
    Set<Ip> addresses = new HashSet<>();
    if (before != null) {
      addresses.addAll(before.addresses());
    }
    if (after != null) {
      addresses.addAll(after.addresses());
    }
    for (Ip address : addresses) {
      List<Item> claimants = new ArrayList<>(claims.getOrDefault(address, List.of()));
      claimants.forEach(item -> touched.add(item.key()));
      if (before != null) {
        claimants.removeIf(item -> item.key().equals(before.key()));
      }
      if (after != null && after.addresses().contains(address)) {
        claimants.add(after);
      }
      if (claimants.isEmpty()) {
        claims.remove(address);
      } else {
        claims.put(address, List.copyOf(claimants));
      }
    }
  }

  /** Which local workloads have which addresses. */
  void local(Map<Ip, ResourceKey> owners, Set<ResourceKey> touched) {
    Set<Ip> changed = new HashSet<>();
    differing(local, owners, changed);
    differing(owners, local, changed);
    local = owners;
    for (Ip address : changed) {
      claims.getOrDefault(address, List.of()).forEach(item -> touched.add(item.key()));
    }
  }

  private static void differing(
      Map<Ip, ResourceKey> some, Map<Ip, ResourceKey> others, Collection<Ip> to) {
    some.forEach(
        (address, owner) -> {
          if (!owner.equals(others.get(address))) {
            to.add(address);
          }
        });
  }

  /** Those of an item's addresses that are its own. */
  List<Ip> addresses(Item item) {
    return item.addresses().stream().filter(address -> isOf(address, item)).toList();
  }

  private boolean isOf(Ip address, Item item) {
    ResourceKey owner = local.get(address);
    if (owner != null) {
      return owner.equals(item.key());
    }
    Instant created = item.created();
    return claims.getOrDefault(address, List.of()).stream()
        .noneMatch(other -> other.created().isAfter(created));
  }
}
