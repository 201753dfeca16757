// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.explain;

import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.SourceBits;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;

/** Which pods may send from an address that need not be theirs, here and on other nodes. */
final class AllowedSources {
  /** The longest prefix, by ifindex. */
  private final Map<Integer, Integer> here = new HashMap<>();

  /** ... by the node's address. */
  private final Map<Ip, Integer> elsewhere = new TreeMap<>();

  AllowedSources(Dataplane dataplane, Ip source) {
    int bits = source.family().bits();
    dataplane
        .sources(source.family())
        .forEach(
            (key, one) -> {
              int prefix = key.prefixlen() - SourceBits.SOURCE_IFINDEX_BITS;
              if (source.masked(prefix).equals(key.addr())) {
                here.merge(key.ifindex(), prefix, Math::max);
              }
            });
    dataplane
        .nodeSources(source.family())
        .forEach(
            (key, one) -> {
              int prefix = key.prefixlen() - bits;
              if (source.masked(prefix).equals(key.addr())) {
                elsewhere.merge(key.node(), prefix, Math::max);
              }
            });
  }

  /** Whether the pod behind an interface may. */
  boolean at(int ifindex, Iface iface) {
    return (iface.flags() & IfaceFlags.IFACE_SOURCES) != 0 && here.containsKey(ifindex);
  }

  /** The first of the pods of this node for which the address was named: not just any. */
  Optional<String> named(Map<Integer, Iface> ifaces) {
    Collection<String> names = new TreeSet<>();
    here.forEach(
        (ifindex, prefix) -> {
          Iface iface = ifaces.get(ifindex);
          if (prefix > 0 && iface != null && at(ifindex, iface)) {
            names.add(iface.name());
          }
        });
    return names.stream().findFirst();
  }

  /** The first of the other nodes that has such a pod. */
  Optional<Ip> namedElsewhere() {
    return elsewhere.entrySet().stream()
        .filter(entry -> entry.getValue() > 0)
        .map(Map.Entry::getKey)
        .findFirst();
  }
}
