// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.config.model.HostEndpoint;
import io.sluice.config.model.NetworkSet;
import io.sluice.config.model.Pod;
import io.sluice.config.model.Resource;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.model.WorkloadEndpoint;
import io.sluice.kernel.layout.Ip;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * Everything with labels that selectors can find, with the labels that it inherits. A change of a
 * resource costs the items that are made of it or inherit from it.
 */
final class Items {
  private final Function<ResourceKey, Resource> find;
  private final Map<ResourceKey, Item> items = new HashMap<>();
  private final Multimap<ResourceKey, ResourceKey> heirs = new Multimap<>();
  private final Multimap<ResourceKey, ResourceKey> endpointsOfPods = new Multimap<>();
  private final Map<ResourceKey, Set<ResourceKey>> dependencies = new HashMap<>();
  private final Claims claims = new Claims();

  /**
   * @param find resources of the view in force, null for those that do not exist
   */
  Items(Function<ResourceKey, Resource> find) {
    this.find = find;
  }

  Optional<Item> find(ResourceKey key) {
    return Optional.ofNullable(items.get(key));
  }

  /** Those of an item's addresses that are its own: see {@link Claims}. */
  List<Ip> addresses(Item item) {
    return claims.addresses(item);
  }

  /**
   * Works off changes.
   *
   * @param changes after them {@code find} finds what they say
   * @param local which local workloads have which addresses
   * @return the keys of all items that came, went, or have other labels, ports or addresses
   */
  Set<ResourceKey> apply(List<Diff.Change> changes, Map<Ip, ResourceKey> local) {
    Set<ResourceKey> stale = new HashSet<>();
    for (Diff.Change change : changes) {
      if (isLabelled(change.before()) || isLabelled(change.after())) {
        stale.add(change.key());
      }
      if (change.before() instanceof WorkloadEndpoint endpoint) {
        endpointsOfPods.remove(ItemReader.podKey(endpoint), endpoint.key());
        stale.add(ItemReader.podKey(endpoint));
      }
      if (change.after() instanceof WorkloadEndpoint endpoint) {
        endpointsOfPods.add(ItemReader.podKey(endpoint), endpoint.key());
        stale.add(ItemReader.podKey(endpoint));
      }
      stale.addAll(heirs.get(change.key()));
    }
    Set<ResourceKey> touched = new HashSet<>();
    stale.forEach(key -> read(key, touched));
    claims.local(local, touched);
    return touched;
  }

  private static boolean isLabelled(Resource resource) {
    return resource instanceof Pod
        || resource instanceof WorkloadEndpoint
        || resource instanceof HostEndpoint
        || resource instanceof NetworkSet;
  }

  private void read(ResourceKey key, Set<ResourceKey> touched) {
    Resource resource = find.apply(key);
    boolean is = resource != null && isItem(resource);
    Set<ResourceKey> from = is ? ItemReader.dependencies(resource) : Set.of();
    Set<ResourceKey> former = is ? dependencies.put(key, from) : dependencies.remove(key);
    if (former != null) {
      former.forEach(dependency -> heirs.remove(dependency, key));
    }
    from.forEach(dependency -> heirs.add(dependency, key));
    Item after = is ? ItemReader.read(resource, find) : null;
    Item before = is ? items.put(key, after) : items.remove(key);
    if (after == null ? before == null : after.equals(before)) {
      return;
    }
    touched.add(key);
    claims.change(before, after, touched);
  }

  private boolean isItem(Resource resource) {
    return resource instanceof Pod pod
        ? ItemReader.isEndpoint(pod) && endpointsOfPods.get(pod.key()).isEmpty()
        : isLabelled(resource);
  }
}
