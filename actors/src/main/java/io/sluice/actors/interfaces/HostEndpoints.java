// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.interfaces;

import io.sluice.actors.host.HostNet;
import io.sluice.config.settings.Choices;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.net.Link;
import io.sluice.kernel.net.Mac;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Which of the host's links are host endpoints. Pure.
 *
 * <p>They are those that the pattern names, and loopback. A link whose master is one, too, such as
 * a bond's, is left out: its packets come by the master once more. So are links without Ethernet
 * header, which programs could not read.
 *
 * @param byNic by interface
 * @param refusals a line for each that the pattern names in vain
 */
public record HostEndpoints(SortedMap<String, HostEndpoint> byNic, List<String> refusals) {
  /** None. */
  public static final HostEndpoints NONE = new HostEndpoints(new TreeMap<>(), List.of());

  public HostEndpoints {
    refusals = List.copyOf(refusals);
  }

  /**
   * @param links of this host
   */
  public static HostEndpoints of(Collection<Link> links, InterfaceSettings settings) {
    Map<Integer, Link> byIndex =
        links.stream().collect(Collectors.toMap(Link::index, Function.identity()));
    SortedMap<String, HostEndpoint> byNic = new TreeMap<>();
    List<String> refusals = new ArrayList<>();
    for (Link link : links) {
      Link master = byIndex.get(link.masterIndex());
      if (InterfaceSettings.isLoopback(link.name())) {
        byNic.put(link.name(), new HostEndpoint(IfaceFlags.IFACE_LOOPBACK, link.mtu()));
      } else if (settings.isHost(link.name())
          && (master == null || !settings.isHost(master.name()))) {
        if (link.mac().equals(Mac.ZERO)) {
          refusals.add(
              "interface %s has no Ethernet header: it is no host endpoint, although bpfDataIfacePattern names it"
                  .formatted(link.name()));
        } else {
          byNic.put(link.name(), new HostEndpoint(flags(link.name(), settings), link.mtu()));
        }
      }
    }
    return new HostEndpoints(byNic, refusals);
  }

  /** The addresses of each. */
  SortedMap<String, Set<Ip>> addresses(
      Collection<Link> links, Collection<HostNet.HostAddress> addresses) {
    SortedMap<String, Set<Ip>> byName = new TreeMap<>();
    for (Link link : links) {
      if (byNic.containsKey(link.name())) {
        byName.put(
            link.name(),
            addresses.stream()
                .filter(address -> address.ifindex() == link.index())
                .map(HostNet.HostAddress::address)
                .collect(Collectors.toSet()));
      }
    }
    return byName;
  }

  private static int flags(String nic, InterfaceSettings settings) {
    return flags(settings.rpf()) | (settings.isForced(nic) ? IfaceFlags.IFACE_FORCE_TRACK : 0);
  }

  private static int flags(Choices.Rpf rpf) {
    return switch (rpf) {
      case DISABLED -> 0;
      case STRICT -> IfaceFlags.IFACE_RPF_STRICT;
      case LOOSE -> IfaceFlags.IFACE_RPF_LOOSE;
    };
  }
}
