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
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;

/**
 * The way of a host endpoint to ready, as steps. The preamble drops what comes by an interface
 * without element, and the host's own network is behind this one: so its element is there before
 * the programs are, in one write, and it is ready from the start. Where it has policy, that is in
 * its slots before the element names them; where it has none, slot 0 says so. Either may change
 * later: then the element is written anew, and nothing is attached again.
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
  private InterfaceHost.Slots slots = InterfaceHost.Slots.NONE;

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
    if (endpoint.isPoliced()) {
      steps.add(
          new Step("allocate slots", () -> host.slots(nic.name()).thenAccept(this::useSlots)));
      steps.add(
          new Step("policy programs", () -> host.loadPolicy(nic.name(), Optional.empty(), slots)));
    }
    steps.add(new Step("write element", this::writeElement));
    steps.add(new Step("clear slots", () -> host.clearSlots(unused())));
    if (!endpoint.isPoliced()) {
      steps.add(new Step("release slots", () -> host.releaseSlots(nic.name())));
    }
    steps.add(new Step("attach", () -> host.attach(nic).thenAccept(foreign)));
    steps.add(new Step("host settings", () -> host.prepareHostEndpoint(nic)));
    // Last: somebody else's program may be in its place, and TC's policy is in force without it.
    steps.add(new Step("XDP", () -> host.setXdp(nic, endpoint.untracked())));
    return steps;
  }

  /** Without policy at a hook no program is asked there: slot 0. */
  private void useSlots(InterfaceHost.Slots promised) {
    slots =
        new InterfaceHost.Slots(
            endpoint.policedIn() ? promised.in() : 0, endpoint.policedOut() ? promised.out() : 0);
  }

  /** Slots that the element named until now. */
  private InterfaceHost.Slots unused() {
    return there == null || !there.name().equals(nic.name())
        ? InterfaceHost.Slots.NONE
        : new InterfaceHost.Slots(
            there.policySlot0() == slots.in() ? 0 : there.policySlot0(),
            there.policySlot1() == slots.out() ? 0 : there.policySlot1());
  }

  private CompletionStage<Done> writeElement() {
    Iface wanted =
        new Iface(
            endpoint.flags(),
            slots.in(),
            slots.out(),
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
