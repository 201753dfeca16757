// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.actors.host.Addresses;
import io.sluice.config.model.Cidr;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.ObjectMeta;
import io.sluice.config.model.Pod;
import io.sluice.config.model.Resource;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.model.WorkloadEndpoint;
import io.sluice.config.source.Snapshot;
import io.sluice.kernel.layout.Ip;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;

/**
 * Whose the addresses of all nodes' workloads are, and which have changed hands: found by comparing
 * views that are in sync, so that neither the first one nor one that is missing takes anything from
 * anybody (AG-3). A view costs the workloads that it changes. Used by one thread at a time.
 *
 * <p>An owner is a pod of that name and node. Where resources say so, it is also told by its UID,
 * or else by when it was made: one that is made again is another. A pod and its WorkloadEndpoint
 * are one. Of several that claim an address the one made last has it, of equally old ones each has,
 * as policy takes it ({@link Claims}); it changes hands when one that had it has it no more.
 */
final class Owners {
  /**
   * Addresses that have changed hands.
   *
   * @param nobodys those that nobody has any more
   * @param taken those that somebody has who did not have them before
   */
  record Change(Set<Ip> nobodys, Set<Ip> taken) {}

  /**
   * Who has an address.
   *
   * @param key the pod's; of a WorkloadEndpoint without one its own
   * @param asPod tells one pod of that name from the next; empty: it does not say
   * @param asEndpoint likewise of WorkloadEndpoints
   */
  private record Owner(
      ResourceKey key, String node, String asPod, String asEndpoint, Instant created) {
    boolean is(Owner other) {
      return key.equals(other.key)
          && node.equals(other.node)
          && agree(asPod, other.asPod)
          && agree(asEndpoint, other.asEndpoint);
    }

    private static boolean agree(String some, String other) {
      return some.isEmpty() || other.isEmpty() || some.equals(other);
    }
  }

  private final Map<ResourceKey, Map<ResourceKey, WorkloadEndpoint>> endpoints = new HashMap<>();
  private final Map<ResourceKey, Map<Ip, Owner>> byWorkload = new HashMap<>();
  private final Map<Ip, List<Owner>> byAddress = new HashMap<>();
  private final Set<Ip> nobodys = new HashSet<>();
  private final Set<Ip> taken = new HashSet<>();
  private SortedMap<ResourceKey, Resource> view = Collections.emptySortedMap();
  private boolean first = true;

  /**
   * Takes a view.
   *
   * @param snapshot newer than those before; ignored if it is not in sync
   */
  void see(Snapshot snapshot) {
    if (!snapshot.inSync() || snapshot.resources() == view) {
      return;
    }
    Set<ResourceKey> stale = new LinkedHashSet<>();
    for (Diff.Change change : Diff.between(view, snapshot.resources())) {
      forget(change.before(), stale);
      learn(change.after(), stale);
    }
    view = snapshot.resources();
    Map<Ip, List<Owner>> before = new HashMap<>();
    stale.forEach(key -> read(key, before));
    before.forEach(this::judge);
    if (first) {
      nobodys.clear();
      taken.clear();
      first = false;
    }
  }

  /** What has changed hands since this was asked last, if anything has. */
  Optional<Change> handedOver() {
    if (nobodys.isEmpty() && taken.isEmpty()) {
      return Optional.empty();
    }
    Change change = new Change(Set.copyOf(nobodys), Set.copyOf(taken));
    nobodys.clear();
    taken.clear();
    return Optional.of(change);
  }

  private static ResourceKey workload(WorkloadEndpoint endpoint) {
    return endpoint.pod().isEmpty() ? endpoint.key() : ItemReader.podKey(endpoint);
  }

  private void forget(Resource resource, Set<ResourceKey> stale) {
    if (resource instanceof Pod) {
      stale.add(resource.key());
    } else if (resource instanceof WorkloadEndpoint endpoint) {
      ResourceKey workload = workload(endpoint);
      stale.add(workload);
      endpoints.computeIfPresent(
          workload,
          (key, all) -> {
            all.remove(endpoint.key());
            return all.isEmpty() ? null : all;
          });
    }
  }

  private void learn(Resource resource, Set<ResourceKey> stale) {
    if (resource instanceof Pod) {
      stale.add(resource.key());
    } else if (resource instanceof WorkloadEndpoint endpoint) {
      ResourceKey workload = workload(endpoint);
      stale.add(workload);
      endpoints.computeIfAbsent(workload, key -> new HashMap<>()).put(endpoint.key(), endpoint);
    }
  }

  /**
   * Reads a workload's addresses anew.
   *
   * @param before gets the owners so far of each address that it concerns
   */
  private void read(ResourceKey workload, Map<Ip, List<Owner>> before) {
    Map<Ip, Owner> now = owned(workload);
    Map<Ip, Owner> was =
        now.isEmpty() ? byWorkload.remove(workload) : byWorkload.put(workload, now);
    Map<Ip, Owner> former = was == null ? Map.of() : was;
    Set<Ip> addresses = new HashSet<>(former.keySet());
    addresses.addAll(now.keySet());
    for (Ip address : addresses) {
      List<Owner> all = byAddress.getOrDefault(address, List.of());
      before.putIfAbsent(address, all);
      List<Owner> next = new ArrayList<>(all);
      next.removeIf(owner -> owner.key().equals(workload));
      if (now.containsKey(address)) {
        next.add(now.get(address));
      }
      if (next.isEmpty()) {
        byAddress.remove(address);
      } else {
        byAddress.put(address, List.copyOf(next));
      }
    }
  }

  private Map<Ip, Owner> owned(ResourceKey workload) {
    Optional<Pod> pod =
        Optional.ofNullable(view.get(workload)).filter(Pod.class::isInstance).map(Pod.class::cast);
    String asPod = pod.map(Pod::meta).map(Owners::identity).orElse("");
    Optional<Instant> made = pod.flatMap(p -> p.meta().creationTimestamp());
    Map<Ip, Owner> owned = new HashMap<>();
    Map<ResourceKey, WorkloadEndpoint> its = endpoints.getOrDefault(workload, Map.of());
    for (WorkloadEndpoint endpoint : its.values()) {
      ObjectMeta meta = endpoint.meta();
      Instant created = made.or(meta::creationTimestamp).orElse(Instant.MIN);
      Owner owner = new Owner(workload, endpoint.node(), asPod, identity(meta), created);
      for (Cidr cidr : endpoint.ipNetworks()) {
        owned.put(Addresses.ip(cidr.address()), owner);
      }
    }
    if (its.isEmpty() && pod.filter(ItemReader::isEndpoint).isPresent()) {
      Owner owner = new Owner(workload, pod.get().nodeName(), asPod, "", made.orElse(Instant.MIN));
      for (IpAddress address : pod.get().podIps()) {
        owned.put(Addresses.ip(address), owner);
      }
    }
    return owned;
  }

  private static String identity(ObjectMeta meta) {
    return meta.uid().isEmpty()
        ? meta.creationTimestamp().map(Instant::toString).orElse("")
        : meta.uid();
  }

  private void judge(Ip address, List<Owner> before) {
    List<Owner> had = youngest(before);
    List<Owner> have = youngest(byAddress.getOrDefault(address, List.of()));
    if (have.isEmpty() && !had.isEmpty()) {
      taken.remove(address);
      nobodys.add(address);
    } else if (had.isEmpty() && !have.isEmpty()
        || had.stream().anyMatch(owner -> have.stream().noneMatch(owner::is))) {
      nobodys.remove(address);
      taken.add(address);
    }
  }

  private static List<Owner> youngest(List<Owner> owners) {
    return owners.stream()
        .filter(
            owner -> owners.stream().noneMatch(other -> other.created().isAfter(owner.created())))
        .toList();
  }
}
