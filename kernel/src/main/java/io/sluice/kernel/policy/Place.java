// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import java.util.List;

/**
 * What a rule says of one end of a packet. Every part that is not empty must hold. Sets are named
 * by their IDs: {@link IpSet}.
 *
 * @param nets one of them has the address. If all are of the other family, none has
 * @param notNets none of them has it
 * @param sets all of them have the address
 * @param notSets none of them has it
 * @param ports one of them, or one of {@code portSets}, has the port. Protocols other than TCP, UDP
 *     and SCTP have none
 * @param portSets sets of (address, protocol, port)
 * @param notPorts none of them has the port
 * @param notPortSets likewise
 * @param services all of these sets of (address, protocol, port) have the end
 */
public record Place(
    List<Net> nets,
    List<Net> notNets,
    List<Long> sets,
    List<Long> notSets,
    List<Ports> ports,
    List<Long> portSets,
    List<Ports> notPorts,
    List<Long> notPortSets,
    List<Long> services) {
  /** Anywhere. */
  public static final Place ANY = of(List.of(), List.of(), List.of());

  /** With parts that must hold, and none that must not. */
  public static Place of(List<Net> nets, List<Long> sets, List<Ports> ports) {
    return new Place(
        nets, List.of(), sets, List.of(), ports, List.of(), List.of(), List.of(), List.of());
  }

  boolean readsTransport() {
    return !(ports.isEmpty()
        && portSets.isEmpty()
        && notPorts.isEmpty()
        && notPortSets.isEmpty()
        && services.isEmpty());
  }

  public Place {
    nets = List.copyOf(nets);
    notNets = List.copyOf(notNets);
    sets = List.copyOf(sets);
    notSets = List.copyOf(notSets);
    ports = List.copyOf(ports);
    portSets = List.copyOf(portSets);
    notPorts = List.copyOf(notPorts);
    notPortSets = List.copyOf(notPortSets);
    services = List.copyOf(services);
  }
}
