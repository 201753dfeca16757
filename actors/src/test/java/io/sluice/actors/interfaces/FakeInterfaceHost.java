// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.interfaces;

import akka.Done;
import io.sluice.actors.host.HostNet.Nic;
import io.sluice.actors.limits.Limits;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * A host in memory that writes down what changes, in order, and fails where it is told to. Like the
 * real one it writes down nothing for what is so already.
 */
public final class FakeInterfaceHost implements InterfaceHost {
  /** What has changed, in order. */
  public final List<String> changes = new CopyOnWriteArrayList<>();

  public final Map<Integer, Iface> elements = new HashMap<>();
  public final Map<String, Set<Ip>> bpfRoutes = new HashMap<>();
  public final Map<String, Integer> slots = new HashMap<>();
  public final Set<Ip> gone = new HashSet<>();

  /** Steps (by the word that their change begins with) that fail, and how often. */
  public final Map<String, Integer> failures = new ConcurrentHashMap<>();

  public List<String> foreign = List.of();

  private final Map<Integer, Limits> written = new HashMap<>();
  private final Set<Integer> filled = new HashSet<>();
  private final Set<String> attached = new HashSet<>();
  private final Set<String> xdp = new HashSet<>();
  private final Set<String> prepared = new HashSet<>();
  private final Map<String, Set<Ip>> kernelRoutes = new HashMap<>();
  private final Set<String> admitted = new HashSet<>();

  private synchronized <T> CompletionStage<T> step(String word, Supplier<T> work) {
    Integer left = failures.get(word);
    if (left != null && left > 0) {
      failures.put(word, left - 1);
      return CompletableFuture.failedFuture(new IllegalStateException("no " + word + " today"));
    }
    return CompletableFuture.completedFuture(work.get());
  }

  private CompletionStage<Done> change(String word, BooleanSupplier news, String text) {
    return step(
        word,
        () -> {
          if (news.getAsBoolean()) {
            changes.add((word + " " + text).strip());
          }
          return Done.getInstance();
        });
  }

  @Override
  public synchronized CompletionStage<Map<Integer, Iface>> elements() {
    Map<Integer, Iface> copy = Map.copyOf(elements);
    return step("elements", () -> copy);
  }

  @Override
  public CompletionStage<Slots> slots(String nic) {
    return step(
        "slots",
        () -> {
          int slot = slots.computeIfAbsent(nic, n -> slots.size() + 1);
          return new Slots(slot, slot);
        });
  }

  @Override
  public CompletionStage<Done> releaseSlots(String nic) {
    return change("release", () -> slots.remove(nic) != null, nic);
  }

  @Override
  public CompletionStage<Done> loadPolicy(String nic, Optional<Workload> workload, Slots wanted) {
    return change("policy", () -> filled.add(slot(wanted)), Integer.toString(slot(wanted)));
  }

  private static int slot(Slots slots) {
    return Math.max(slots.in(), slots.out());
  }

  @Override
  public CompletionStage<Done> clearSlots(Slots wanted) {
    return change("no-policy", () -> filled.remove(slot(wanted)), Integer.toString(slot(wanted)));
  }

  @Override
  public CompletionStage<Done> putLimits(Nic nic, Limits limits) {
    return change(
        "limits",
        () -> !limits.equals(written.getOrDefault(nic.index(), Limits.NONE)),
        nic.name() + "@" + nic.index() + " " + limits.flags());
  }

  @Override
  public CompletionStage<Boolean> trimLimits(Nic nic, Limits limits) {
    return step(
        "trim",
        () -> {
          Limits before = written.put(nic.index(), limits);
          boolean fewer = before != null && !limits.sources().containsAll(before.sources());
          if (before != null && !before.equals(limits)) {
            changes.add("trim " + nic.name() + "@" + nic.index());
          }
          return fewer;
        });
  }

  @Override
  public CompletionStage<Done> removeLimits(Nic nic) {
    return change(
        "no-limits",
        () ->
            !Limits.NONE.equals(
                Optional.ofNullable(written.remove(nic.index())).orElse(Limits.NONE)),
        nic.name() + "@" + nic.index());
  }

  @Override
  public CompletionStage<Done> putElement(int ifindex, Iface element) {
    boolean ready = (element.flags() & IfaceFlags.IFACE_READY4) != 0;
    String word = ready ? "ready" : "element";
    return step(
        word,
        () -> {
          elements.put(ifindex, element);
          changes.add(word + " " + element.name() + "@" + ifindex);
          return Done.getInstance();
        });
  }

  @Override
  public CompletionStage<Done> removeElement(Nic nic) {
    return step(
        "zero",
        () -> {
          elements.remove(nic.index());
          changes.add("zero " + nic.name() + "@" + nic.index());
          return Done.getInstance();
        });
  }

  @Override
  public CompletionStage<List<String>> attach(Nic nic) {
    return change("attach", () -> attached.add(nic.name() + nic.index()), nic.name())
        .thenApply(done -> foreign);
  }

  @Override
  public CompletionStage<Done> detach(Nic nic) {
    return change("detach", () -> attached.remove(nic.name() + nic.index()), nic.name());
  }

  @Override
  public CompletionStage<Done> setXdp(Nic nic, boolean wanted) {
    return change(
        wanted ? "xdp" : "no-xdp",
        () -> wanted ? xdp.add(nic.name()) : xdp.remove(nic.name()),
        nic.name());
  }

  @Override
  public CompletionStage<Done> withdraw(Nic nic) {
    return detach(nic).thenCompose(done -> removeElement(nic));
  }

  @Override
  public CompletionStage<Done> prepareHostEndpoint(Nic nic) {
    return change("prepare-host", () -> prepared.add(nic.name() + nic.index()), nic.name());
  }

  @Override
  public CompletionStage<Done> prepare(Nic nic, boolean ipv4, boolean ipv6) {
    return change("prepare", () -> prepared.add(nic.name() + nic.index()), nic.name());
  }

  @Override
  public CompletionStage<Done> prepareTunnel(Nic nic, int mtu6) {
    return change(
        "prepare-tunnel", () -> prepared.add(nic.name() + nic.index() + "/" + mtu6), "" + mtu6);
  }

  @Override
  public CompletionStage<Done> restore(Nic nic, boolean present) {
    return change(
        present ? "restore" : "forget",
        () -> prepared.remove(nic.name() + nic.index()),
        nic.name());
  }

  @Override
  public CompletionStage<Done> putKernelRoutes(Nic nic, Set<Ip> addresses) {
    return change(
        "kernel-routes",
        () -> !addresses.equals(kernelRoutes.put(nic.name(), addresses)),
        nic.name());
  }

  @Override
  public CompletionStage<Done> removeKernelRoutes(Nic nic) {
    return change("no-kernel-routes", () -> kernelRoutes.remove(nic.name()) != null, nic.name());
  }

  @Override
  public CompletionStage<Boolean> putBpfRoutes(Nic nic, Set<Ip> addresses) {
    boolean news = !addresses.equals(bpfRoutes.get(nic.name()));
    return change(
            "routes", () -> !addresses.equals(bpfRoutes.put(nic.name(), addresses)), nic.name())
        .thenApply(done -> news);
  }

  @Override
  public CompletionStage<Boolean> removeBpfRoutes(Nic nic) {
    boolean news = bpfRoutes.containsKey(nic.name());
    return change("no-routes", () -> bpfRoutes.remove(nic.name()) != null, nic.name())
        .thenApply(done -> news);
  }

  @Override
  public CompletionStage<Done> admit(Nic nic) {
    return change("admit", () -> admitted.add(nic.name() + nic.index()), nic.name());
  }

  @Override
  public CompletionStage<Done> expel(Nic nic) {
    return change("expel", () -> admitted.remove(nic.name() + nic.index()), nic.name());
  }

  @Override
  public CompletionStage<Done> bumpEpoch() {
    return change("epoch", () -> true, "");
  }

  @Override
  public CompletionStage<Done> workloadGone(Set<Ip> addresses) {
    return change("flows", () -> gone.addAll(addresses), "");
  }
}
