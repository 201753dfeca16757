// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.interfaces;

import akka.Done;
import io.sluice.actors.host.HostNet.Nic;
import io.sluice.actors.interfaces.InterfaceActor.Step;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;

/**
 * The way of an interface to ready, as steps. The order is what keeps packets from passing
 * unpoliced, and from being lost once the interface is ready:
 *
 * <ol>
 *   <li>what an ifindex's earlier owner left goes;
 *   <li>policy programs are in their slots before an element names the slots, and are of a view of
 *       the source that knows the workload;
 *   <li>limits are in their maps before the element says so, and go after it says so no more;
 *   <li>the element is written before a program can look for it, and not ready;
 *   <li>programs are attached, while tables still drop all that passes the host's stack;
 *   <li>settings, gateway and routes: the stack can deliver, programs know where the pod is;
 *   <li>tables let through, for what passes now is guarded;
 *   <li>ready: other pods' new flows are redirected here, and the epoch has old ones look again.
 * </ol>
 *
 * <p>For an interface that is ready and equal to what is wanted, every step finds nothing to write.
 */
final class BringUp {
  private static final int READY_FLAGS = IfaceFlags.IFACE_READY4 | IfaceFlags.IFACE_READY6;

  private final InterfaceHost host;
  private final Nic nic;
  private final Workload workload;
  private final Iface there;
  private final Consumer<List<String>> foreign;
  private InterfaceHost.Slots slots;
  private boolean changed;

  /**
   * @param there the element that the index has now; null if none
   * @param unannounced whether flows are to look again even if nothing changes now
   * @param foreign told of programs of others on the hooks
   */
  BringUp(
      InterfaceHost host,
      Nic nic,
      Workload workload,
      Iface there,
      boolean unannounced,
      Consumer<List<String>> foreign) {
    this.host = host;
    this.nic = nic;
    this.workload = workload;
    this.there = there;
    this.changed = unannounced;
    this.foreign = foreign;
  }

  Deque<Step> steps() {
    Deque<Step> steps = new ArrayDeque<>();
    if (there != null && !there.name().equals(nic.name())) {
      Nic former = new Nic(nic.index(), there.name(), true);
      steps.add(new Step("expel " + former.name(), () -> host.expel(former)));
      steps.add(new Step("clear element", () -> host.removeElement(former)));
      steps.add(new Step("clear limits", () -> host.removeLimits(former)));
      changed = true;
    }
    if (there == null) {
      // Of a former owner of the index, whose way down an agent has died on.
      steps.add(new Step("clear limits", () -> host.removeLimits(nic)));
    }
    Set<Ip> addresses = new HashSet<>(workload.addresses());
    steps.add(new Step("allocate slots", () -> host.slots(nic.name()).thenAccept(s -> slots = s)));
    steps.add(
        new Step(
            "policy programs", () -> host.loadPolicy(nic.name(), Optional.of(workload), slots)));
    steps.add(new Step("limits", () -> host.putLimits(nic, workload.limits())));
    steps.add(new Step("write element", this::writeElement));
    steps.add(new Step("attach", () -> host.attach(nic).thenAccept(foreign)));
    steps.add(
        new Step(
            "host settings",
            () -> host.prepare(nic, workload.has(Family.IPV4), workload.has(Family.IPV6))));
    steps.add(new Step("kernel routes", () -> host.putKernelRoutes(nic, addresses)));
    steps.add(
        new Step(
            "routes",
            () -> host.putBpfRoutes(nic, addresses).thenAccept(routes -> changed |= routes)));
    steps.add(new Step("tables", () -> host.admit(nic)));
    steps.add(new Step("ready", this::setReady));
    steps.add(
        new Step(
            "obsolete limits",
            () -> host.trimLimits(nic, workload.limits()).thenAccept(fewer -> changed |= fewer)));
    steps.add(new Step("epoch", () -> changed ? host.bumpEpoch() : done()));
    return steps;
  }

  /** Ready, if it is so already under the same slots, stays ready while addresses change. */
  private CompletionStage<Done> writeElement() {
    boolean same =
        there != null
            && there.name().equals(nic.name())
            && there.policySlot0() == slots.in()
            && there.policySlot1() == slots.out();
    Iface wanted = element(same ? there.flags() & READY_FLAGS & readyFlags() : 0);
    if (wanted.equals(there)) {
      return done();
    }
    changed = true;
    return host.putElement(nic.index(), wanted);
  }

  private CompletionStage<Done> setReady() {
    Iface wanted = element(readyFlags());
    if (wanted.equals(there)) {
      return done();
    }
    changed = true;
    return host.putElement(nic.index(), wanted);
  }

  private int readyFlags() {
    return (workload.has(Family.IPV4) ? IfaceFlags.IFACE_READY4 : 0)
        | (workload.has(Family.IPV6) ? IfaceFlags.IFACE_READY6 : 0);
  }

  private Iface element(int ready) {
    return new Iface(
        IfaceFlags.IFACE_CONFIGURED
            | IfaceFlags.IFACE_WORKLOAD
            | (workload.anySource() ? IfaceFlags.IFACE_ANY_SOURCE : 0)
            | workload.limits().flags()
            | ready,
        slots.in(),
        slots.out(),
        0,
        0,
        workload.first(Family.IPV4),
        workload.first(Family.IPV6),
        nic.name(),
        0);
  }

  private static CompletionStage<Done> done() {
    return CompletableFuture.completedFuture(Done.getInstance());
  }
}
