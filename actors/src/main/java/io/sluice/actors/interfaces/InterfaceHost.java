// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.interfaces;

import akka.Done;
import io.sluice.actors.host.HostNet.Nic;
import io.sluice.actors.limits.Limits;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.Ip;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;

/**
 * Everything that an {@link InterfaceActor} has done to the host, one step at a time: it knows the
 * order, this knows how. Each step is idempotent, writes nothing that is right already, and fails
 * its stage with a message for people. An interface, so that orders and failures can be tested.
 */
public interface InterfaceHost {
  /**
   * Slots of an interface's policy programs.
   *
   * @param in at host-ingress
   * @param out at host-egress; of either, 0: none
   */
  record Slots(int in, int out) {
    /** None. */
    public static final Slots NONE = new Slots(0, 0);

    boolean isNone() {
      return in == 0 && out == 0;
    }
  }

  /** The interface elements in the kernel, by ifindex. */
  CompletionStage<Map<Integer, Iface>> elements();

  /** The slots that are promised to the interface, now or before. */
  CompletionStage<Slots> slots(String nic);

  /** Gives the slots back, to be used for another after a long while. */
  CompletionStage<Done> releaseSlots(String nic);

  /**
   * Has the interface's policy programs loaded, and kept right from then on. Done when they are in,
   * and know the workload (POL-1).
   *
   * @param workload that lives behind it; empty: a host endpoint
   * @param slots where to; 0: nowhere
   */
  CompletionStage<Done> loadPolicy(String nic, Optional<Workload> workload, Slots slots);

  /** Empties slots: what still enters them is dropped. */
  CompletionStage<Done> clearSlots(Slots slots);

  /** Writes what its workload is allowed and limited to; what is no longer stays. */
  CompletionStage<Done> putLimits(Nic nic, Limits limits);

  /**
   * Removes what is there besides these limits.
   *
   * @return whether flows that are there are to look again
   */
  CompletionStage<Boolean> trimLimits(Nic nic, Limits limits);

  /** Removes all limits; nothing happens if the index is another interface's by now. */
  CompletionStage<Done> removeLimits(Nic nic);

  /** Writes an interface's element. */
  CompletionStage<Done> putElement(int ifindex, Iface element);

  /** Zeroes an element; nothing happens if it is another interface's by now. */
  CompletionStage<Done> removeElement(Nic nic);

  /**
   * Attaches the programs, or leaves them as they are.
   *
   * @return programs of others on the same hooks
   */
  CompletionStage<List<String>> attach(Nic nic);

  /** Attaches XDP to a host endpoint, or takes it off. */
  CompletionStage<Done> setXdp(Nic nic, boolean wanted);

  /** Detaches the programs; nothing happens if the index is another interface's by now. */
  CompletionStage<Done> detach(Nic nic);

  /**
   * Detaches the programs of a host endpoint and, only then, zeroes its element. Nothing happens if
   * the index is by now an interface's that has programs of its own right, such as this one under
   * another name.
   */
  CompletionStage<Done> withdraw(Nic nic);

  /** The settings of a host endpoint. */
  CompletionStage<Done> prepareHostEndpoint(Nic nic);

  /** The settings and the gateway address of an interface. */
  CompletionStage<Done> prepare(Nic nic, boolean ipv4, boolean ipv6);

  /**
   * The settings of the tunnel's device.
   *
   * @param mtu6 of IPv6 packets on it
   */
  CompletionStage<Done> prepareTunnel(Nic nic, int mtu6);

  /**
   * Undoes {@link #prepare}, {@link #prepareHostEndpoint} and {@link #prepareTunnel}.
   *
   * @param present whether the interface is still there
   */
  CompletionStage<Done> restore(Nic nic, boolean present);

  CompletionStage<Done> putKernelRoutes(Nic nic, Set<Ip> addresses);

  CompletionStage<Done> removeKernelRoutes(Nic nic);

  /** Whether the maps have changed. */
  CompletionStage<Boolean> putBpfRoutes(Nic nic, Set<Ip> addresses);

  /** Whether the maps have changed. */
  CompletionStage<Boolean> removeBpfRoutes(Nic nic);

  /** Lets what is marked as seen by programs pass the host's stack. */
  CompletionStage<Done> admit(Nic nic);

  /** The reverse; nothing happens if the index is another interface's by now. */
  CompletionStage<Done> expel(Nic nic);

  /** Has every flow look its route up anew. */
  CompletionStage<Done> bumpEpoch();

  /** Has the flows of addresses that left this node deleted. */
  CompletionStage<Done> workloadGone(Set<Ip> addresses);
}
