// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.interfaces;

import io.sluice.actors.host.HostNet.Nic;
import io.sluice.actors.interfaces.InterfaceActor.Step;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * The way of a host endpoint to nothing, as steps. The programs go before the element, for without
 * it they would drop all that the host sends and gets.
 */
final class HostDown implements WayDown {
  private final InterfaceHost host;
  private final Nic nic;
  private final InterfaceHost.Slots slots;
  private final boolean present;

  /**
   * @param nic the index and name that it is about
   * @param slots that its element names
   * @param present whether that interface is still there
   */
  HostDown(InterfaceHost host, Nic nic, InterfaceHost.Slots slots, boolean present) {
    this.host = host;
    this.nic = nic;
    this.slots = slots;
    this.present = present;
  }

  @Override
  public Nic nic() {
    return nic;
  }

  @Override
  public Deque<Step> steps() {
    Deque<Step> steps = new ArrayDeque<>();
    steps.add(new Step("detach, then clear element", () -> host.withdraw(nic)));
    steps.add(new Step("clear slots", () -> host.clearSlots(slots)));
    steps.add(new Step("restore settings", () -> host.restore(nic, present)));
    return steps;
  }
}
