// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.interfaces;

import io.sluice.actors.host.HostNet.Nic;
import io.sluice.actors.interfaces.InterfaceActor.Step;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.Ip;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The way of an interface from ready to nothing, as steps: first no program leads to it any more,
 * then its own programs drop everything, then tables do, and only then the programs go.
 */
final class TakeDown implements WayDown {
  private final InterfaceHost host;
  private final Nic nic;
  private final Optional<Iface> element;
  private final boolean present;

  /**
   * @param nic the index and name that it is about
   * @param element what the map holds of it; empty: nothing any more
   * @param present whether that interface is still there
   */
  TakeDown(InterfaceHost host, Nic nic, Optional<Iface> element, boolean present) {
    this.host = host;
    this.nic = nic;
    this.element = element;
    this.present = present;
  }

  @Override
  public Nic nic() {
    return nic;
  }

  @Override
  public Deque<Step> steps() {
    Deque<Step> steps = new ArrayDeque<>();
    steps.add(new Step("remove routes", () -> host.removeBpfRoutes(nic)));
    element.ifPresent(
        known -> {
          InterfaceHost.Slots slots =
              new InterfaceHost.Slots(known.policySlot0(), known.policySlot1());
          steps.add(new Step("clear element", () -> host.removeElement(nic)));
          steps.add(new Step("clear limits", () -> host.removeLimits(nic)));
          steps.add(new Step("epoch", host::bumpEpoch));
          steps.add(new Step("clear slots", () -> host.clearSlots(slots)));
        });
    steps.add(new Step("tables", () -> host.expel(nic)));
    steps.add(new Step("remove kernel routes", () -> host.removeKernelRoutes(nic)));
    steps.add(new Step("restore settings", () -> host.restore(nic, present)));
    steps.add(new Step("detach", () -> host.detach(nic)));
    element.ifPresent(
        known -> steps.add(new Step("flows", () -> host.workloadGone(addresses(known)))));
    return steps;
  }

  private static Set<Ip> addresses(Iface element) {
    return Stream.of(element.addr4(), element.addr6())
        .filter(address -> !address.isAny())
        .collect(Collectors.toUnmodifiableSet());
  }
}
