// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.limits;

import io.sluice.config.model.QosControls;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.QosDscp;
import io.sluice.kernel.layout.QosLimit;
import io.sluice.kernel.layout.SluiceHook;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * What an interface's workload may send from besides its own addresses, and how much it may send
 * and get.
 */
public record Limits(Set<Network> sources, QosControls qos) {
  /** Its own addresses, as much as it likes. */
  public static final Limits NONE = new Limits(Set.of(), QosControls.NONE);

  private static final int BITS = 8;

  /**
   * Addresses that begin alike.
   *
   * @param address the first of them
   * @param prefix bits that they share
   */
  public record Network(Ip address, int prefix) {}

  public Limits {
    sources = Set.copyOf(sources);
  }

  /** Flags of the interface's element: each says where programs are to look further. */
  public int flags() {
    QosControls.Limits in = qos.ingress();
    QosControls.Limits out = qos.egress();
    boolean ingress = in.packetRate() > 0 || in.bandwidth() > 0;
    boolean egress = out.packetRate() > 0 || out.bandwidth() > 0;
    boolean connections = in.connections() > 0 || out.connections() > 0;
    return (sources.isEmpty() ? 0 : IfaceFlags.IFACE_SOURCES)
        | (ingress || egress ? IfaceFlags.IFACE_QOS : 0)
        | (ingress ? IfaceFlags.IFACE_PACED : 0)
        | (connections ? IfaceFlags.IFACE_CONNECTIONS : 0)
        | (qos.dscp().isPresent() ? IfaceFlags.IFACE_DSCP : 0);
  }

  /**
   * The map's value for a hook; empty: nothing is limited there.
   *
   * @param adjust of the recount
   * @param shaped whether a queueing discipline sees to the bandwidth of what the workload gets
   */
  Optional<QosLimit> at(int hook, int adjust, boolean shaped) {
    boolean sends = hook == SluiceHook.HOOK_IN;
    QosControls.Limits limits = sends ? qos.egress() : qos.ingress();
    OptionalInt dscp = sends ? qos.dscp() : OptionalInt.empty();
    if (limits.equals(QosControls.Limits.NONE) && dscp.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        new QosLimit(
            limits.packetRate(),
            limits.packetBurst(),
            limits.bandwidth() / BITS,
            limits.burst() / BITS,
            (int) limits.connections(),
            adjust,
            dscp.isPresent() ? QosDscp.QOS_DSCP_SET | dscp.getAsInt() : 0,
            shaped && !sends && limits.bandwidth() > 0 ? 1 : 0));
  }
}
