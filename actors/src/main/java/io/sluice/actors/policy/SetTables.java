// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.kernel.bpf.TypedMap;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.IpSetKey;
import io.sluice.kernel.policy.IpSet;
import io.sluice.kernel.policy.IpSet.Member;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The IP sets in the kernel, both families, written in two steps: {@link #add} what programs will
 * look for, {@link #trim} what is no member any more; {@link #drop} whole sets. A set is taken
 * whole or not at all. Of one thread; what throws leaves it unknown, to be made anew.
 */
final class SetTables {
  private final Map<Family, TypedMap<IpSetKey, Integer>> maps;

  /** What is in the kernel: as values, or, found there and not wanted yet, as keys. */
  private final Map<Long, IpSet> known = new HashMap<>();

  private final Map<Long, Set<IpSetKey>> found = new HashMap<>();
  private final Map<Family, Integer> sizes = new EnumMap<>(Family.class);
  private final Map<Family, List<IpSetKey>> removes = new EnumMap<>(Family.class);

  /** Reads what is there. */
  SetTables(Map<Family, TypedMap<IpSetKey, Integer>> maps) {
    this.maps = new EnumMap<>(maps);
    this.maps.forEach(
        (family, map) -> {
          removes.put(family, new ArrayList<>());
          sizes.put(family, 0);
          map.forEach(
              (key, one) -> {
                found.computeIfAbsent(SetKeys.set(key), id -> new HashSet<>()).add(key);
                sizes.merge(family, 1, Integer::sum);
              });
        });
  }

  /**
   * Writes sets that are new, and members that are new.
   *
   * @param changed told of the sets that others have members than before
   * @return sets for which there is no room, and why: they are as they were
   */
  Map<Long, String> add(Collection<IpSet> wanted, Set<Long> changed) {
    Map<Long, String> refused = new LinkedHashMap<>();
    Map<Family, Map<IpSetKey, Integer>> puts = new EnumMap<>(Family.class);
    Map<Family, Integer> room = new EnumMap<>(Family.class);
    maps.forEach(
        (family, map) -> {
          puts.put(family, new LinkedHashMap<>());
          room.put(family, map.maxEntries() - sizes.get(family));
        });
    for (IpSet set : wanted) {
      if (known.get(set.id()) != set) {
        add(set, puts, room, refused, changed);
      }
    }
    puts.forEach(
        (family, entries) -> {
          if (!entries.isEmpty()) {
            maps.get(family).putAll(entries);
            sizes.merge(family, entries.size(), Integer::sum);
          }
        });
    return refused;
  }

  private void add(
      IpSet set,
      Map<Family, Map<IpSetKey, Integer>> puts,
      Map<Family, Integer> room,
      Map<Long, String> refused,
      Set<Long> changed) {
    Difference difference = differenceTo(set);
    for (Map.Entry<Family, List<IpSetKey>> entry : difference.adds().entrySet()) {
      Family family = entry.getKey();
      if (entry.getValue().size() > room.get(family)) {
        refused.put(
            set.id(),
            "the set %s with %d members does not fit into ip_sets%d of %d entries: raise bpfMapSizeIPSets"
                .formatted(
                    set.definition(),
                    set.members().size(),
                    family.number(),
                    maps.get(family).maxEntries()));
        return;
      }
    }
    boolean isChange = known.containsKey(set.id()) || found.containsKey(set.id());
    if (isChange && !difference.isEmpty()) {
      changed.add(set.id());
    }
    difference
        .adds()
        .forEach(
            (family, keys) -> {
              room.merge(family, -keys.size(), Integer::sum);
              keys.forEach(key -> puts.get(family).put(key, 1));
            });
    difference.removes().forEach((family, keys) -> removes.get(family).addAll(keys));
    known.put(set.id(), set);
    found.remove(set.id());
  }

  private record Difference(Map<Family, List<IpSetKey>> adds, Map<Family, List<IpSetKey>> removes) {
    Difference() {
      this(new EnumMap<>(Family.class), new EnumMap<>(Family.class));
    }

    boolean isEmpty() {
      return adds.isEmpty() && removes.isEmpty();
    }
  }

  private static void put(Map<Family, List<IpSetKey>> map, Family family, IpSetKey key) {
    map.computeIfAbsent(family, f -> new ArrayList<>()).add(key);
  }

  private Difference differenceTo(IpSet set) {
    Difference difference = new Difference();
    IpSet before = known.get(set.id());
    Set<IpSetKey> keys = found.getOrDefault(set.id(), Set.of());
    for (Member member : set.members()) {
      if (before == null || !before.members().contains(member)) {
        IpSetKey key = SetKeys.of(set.id(), member);
        if (!keys.contains(key)) {
          put(difference.adds(), SetKeys.family(member), key);
        }
      }
    }
    if (before != null) {
      for (Member member : before.members()) {
        if (!set.members().contains(member)) {
          put(difference.removes(), SetKeys.family(member), SetKeys.of(set.id(), member));
        }
      }
    } else if (!keys.isEmpty()) {
      Set<IpSetKey> extra = new HashSet<>(keys);
      extra.removeAll(SetKeys.all(set));
      extra.forEach(key -> put(difference.removes(), key.addr().family(), key));
    }
    return difference;
  }

  /** Removes what {@link #add} has found to be no member any more. */
  void trim() {
    removes.forEach(this::remove);
    removes.values().forEach(List::clear);
  }

  private void remove(Family family, List<IpSetKey> keys) {
    if (!keys.isEmpty()) {
      maps.get(family).removeAll(keys);
      sizes.merge(family, -keys.size(), Integer::sum);
    }
  }

  /** Removes sets that are none of these; whether there were any. */
  boolean drop(Set<Long> needed) {
    Map<Family, List<IpSetKey>> gone = new EnumMap<>(Family.class);
    known
        .values()
        .removeIf(
            set -> {
              if (needed.contains(set.id())) {
                return false;
              }
              set.members().forEach(m -> put(gone, SetKeys.family(m), SetKeys.of(set.id(), m)));
              return true;
            });
    found
        .entrySet()
        .removeIf(
            entry -> {
              if (needed.contains(entry.getKey())) {
                return false;
              }
              entry.getValue().forEach(key -> put(gone, key.addr().family(), key));
              return true;
            });
    gone.forEach(this::remove);
    return !gone.isEmpty();
  }

  /** The set as it was last written; null: it was not, or is no more. */
  IpSet known(long id) {
    return known.get(id);
  }

  /** Sets in the kernel. */
  int count() {
    return known.size() + found.size();
  }

  /** Members in the kernel, by family. */
  Map<Family, Integer> members() {
    return Map.copyOf(sizes);
  }
}
