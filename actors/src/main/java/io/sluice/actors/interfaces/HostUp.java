// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.interfaces;

import akka.Done;
import io.sluice.actors.host.HostNet.Nic;
import io.sluice.actors.interfaces.InterfaceActor.Step;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.Ip;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;

/**
 * The way of a host endpoint to ready, as steps. The preamble drops what comes by an interface
 * without element, and the host's own network is behind this one: so its element is there before
 * the programs are, in one write, and it is ready from the start.
 *
 * <p>An element of another interface at this index is overwritten, not cleared first: it may be
 * this very interface under an earlier name, with programs on it.
 */
final class HostUp {
  private final InterfaceHost host;
  private final Nic nic;
  private final HostEndpoint endpoint;
  private final Iface there;
  private final Consumer<List<String>> foreign;

  /**
   * @param there the element that the index has now; null if none
   * @param foreign told of programs of others on the hooks
   */
  HostUp(
      InterfaceHost host,
      Nic nic,
      HostEndpoint endpoint,
      Iface there,
      Consumer<List<String>> foreign) {
    this.host = host;
    this.nic = nic;
    this.endpoint = endpoint;
    this.there = there;
    this.foreign = foreign;
  }

  Deque<Step> steps() {
    Deque<Step> steps = new ArrayDeque<>();
    if (there != null && !there.name().equals(nic.name())) {
      Nic former = new Nic(nic.index(), there.name(), true);
      steps.add(new Step("expel " + former.name(), () -> host.expel(former)));
    }
    steps.add(new Step("write element", this::writeElement));
    steps.add(new Step("attach", () -> host.attach(nic).thenAccept(foreign)));
    steps.add(new Step("host settings", () -> host.prepareHostEndpoint(nic)));
    return steps;
  }

  private CompletionStage<Done> writeElement() {
    Iface wanted =
        new Iface(
            endpoint.flags(),
            0,
            0,
            0,
            0,
            Ip.any(Family.IPV4),
            Ip.any(Family.IPV6),
            nic.name(),
            endpoint.mtu());
    return wanted.equals(there)
        ? CompletableFuture.completedFuture(Done.getInstance())
        : host.putElement(nic.index(), wanted);
  }
}
