// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.host;

import io.sluice.actors.host.HostNet.Nic;
import io.sluice.config.model.QosControls;
import io.sluice.kernel.net.Link;
import io.sluice.kernel.net.RootQdisc;
import java.util.Optional;

/**
 * The bandwidth of what workloads get: a token bucket filter at the root of the host side of their
 * links. What somebody else has put there stays.
 */
public final class Shaping {
  /** By this we know ours: {@code 5106:} in tc's output. */
  static final int HANDLE = 0x5106_0000;

  /** A packet waits at most a 40th of a second, as in Calico. */
  private static final long LATENCY = 40;

  private static final int BITS = 8;
  private static final int ETHERNET_HEADER = 14;
  private static final long MOST = 0xffff_ffffL;

  private final HostNet net;

  public Shaping(HostNet net) {
    this.net = net;
  }

  private Optional<RootQdisc> root(Nic nic) {
    return net.rootQdiscs().stream().filter(q -> q.ifindex() == nic.index()).findFirst();
  }

  /**
   * Has a bandwidth kept, by writing no more than what differs.
   *
   * @return what keeps it from being kept there; empty: nothing, or there is none
   */
  public Optional<String> put(Nic nic, QosControls.Limits ingress) {
    if (ingress.bandwidth() == 0) {
      return Optional.empty();
    }
    Optional<RootQdisc> there = root(nic);
    if (there.isPresent() && there.get().handle() != 0 && !isOurs(there.get())) {
      return Optional.of(
          "somebody else's %s %x: is at its root"
              .formatted(there.get().kind(), major(there.get())));
    }
    long rate = ingress.bandwidth() / BITS;
    // A packet larger than the burst would never go.
    long whole = net.link(nic.name()).map(Link::mtu).orElse(0) + ETHERNET_HEADER;
    long burst = Math.min(MOST, Math.max(ingress.burst() / BITS, whole));
    long limit = Math.min(MOST, burst + rate / LATENCY);
    RootQdisc wanted = new RootQdisc(nic.index(), HANDLE, RootQdisc.TBF, rate, limit);
    if (there.isPresent() && there.get().equals(wanted)) {
      return Optional.empty();
    }
    try {
      net.putTbf(nic.index(), HANDLE, rate, burst, limit);
      return Optional.empty();
    } catch (RuntimeException e) {
      return Optional.of(e.getMessage());
    }
  }

  /** Takes ours away, if it is there. */
  public void remove(Nic nic) {
    root(nic).filter(Shaping::isOurs).ifPresent(q -> net.deleteRootQdisc(q.ifindex(), q.handle()));
  }

  /** Takes all of ours away. */
  public static void removeAll(HostNet net) {
    net.rootQdiscs().stream()
        .filter(Shaping::isOurs)
        .forEach(q -> net.deleteRootQdisc(q.ifindex(), q.handle()));
  }

  private static boolean isOurs(RootQdisc qdisc) {
    return qdisc.handle() == HANDLE && qdisc.kind().equals(RootQdisc.TBF);
  }

  private static int major(RootQdisc qdisc) {
    return qdisc.handle() >>> 16;
  }
}
