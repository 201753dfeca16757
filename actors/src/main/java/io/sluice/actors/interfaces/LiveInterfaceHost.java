// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.interfaces;

import akka.Done;
import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.javadsl.AskPattern;
import akka.japi.function.Function;
import akka.pattern.StatusReply;
import io.sluice.actors.conntrack.ConntrackKeeper;
import io.sluice.actors.host.HostNet;
import io.sluice.actors.host.HostNet.Nic;
import io.sluice.actors.host.HostSettings;
import io.sluice.actors.host.Lane;
import io.sluice.actors.host.Shaping;
import io.sluice.actors.limits.LimitMaps;
import io.sluice.actors.limits.Limits;
import io.sluice.actors.maps.MapActor;
import io.sluice.actors.maps.NodeElement;
import io.sluice.actors.routes.RouteKeeper;
import io.sluice.actors.tables.TablesKeeper;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.Ip;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Predicate;

/** The steps of interface actors on a real host: each goes to the one that owns what it changes. */
public final class LiveInterfaceHost implements InterfaceHost {
  /**
   * The owners.
   *
   * @param ifaces the writer of the map of that name
   * @param node the element of the map of that name
   * @param policies who loads programs
   * @param limits the writer of limits' maps
   */
  public record Owners(
      ActorRef<MapActor.Command<Integer, Iface>> ifaces,
      NodeElement node,
      ActorRef<RouteKeeper.Command> routes,
      ActorRef<TablesKeeper.Command> tables,
      ActorRef<ConntrackKeeper.Command> conntrack,
      SlotPromises slots,
      Policies policies,
      LimitMaps limits) {}

  private static final Duration TIMEOUT = Duration.ofSeconds(30);

  private final ActorSystem<?> system;
  private final Dataplane dataplane;
  private final HostNet net;
  private final HostSettings settings;
  private final Owners owners;
  private final Shaping shaping;
  private final Lane programs;
  private final Lane host;

  /** Whose element an index is, since this agent wrote one; guarded by this. */
  private final Map<Integer, String> elementOf = new HashMap<>();

  /** Likewise, whose limits; guarded by this. */
  private final Map<Integer, String> limitsOf = new HashMap<>();

  /** Which interfaces programs belong on, by name. */
  private volatile Predicate<String> ours = nic -> true;

  public LiveInterfaceHost(
      ActorSystem<?> system,
      Dataplane dataplane,
      HostNet net,
      HostSettings settings,
      Owners owners) {
    this.system = system;
    this.dataplane = dataplane;
    this.net = net;
    this.settings = settings;
    this.owners = owners;
    this.shaping = new Shaping(net);
    var kernel =
        system.dispatchers().lookup(DispatcherSelector.fromConfig(MapActor.KERNEL_DISPATCHER));
    this.programs = new Lane(kernel);
    this.host = new Lane(kernel);
  }

  private static Done done(Runnable work) {
    work.run();
    return Done.getInstance();
  }

  private static CompletionStage<Done> nothing() {
    return CompletableFuture.completedFuture(Done.getInstance());
  }

  private <T, C> CompletionStage<T> ask(
      ActorRef<C> owner, Function<ActorRef<StatusReply<T>>, C> message) {
    return AskPattern.askWithStatus(owner, message, TIMEOUT, system.scheduler());
  }

  private <K, V> CompletionStage<Done> update(
      ActorRef<MapActor.Command<K, V>> map, Map<K, V> puts, Set<K> removes) {
    CompletionStage<MapActor.Result<K>> reply =
        AskPattern.ask(
            map, ref -> new MapActor.Update<>(puts, removes, ref), TIMEOUT, system.scheduler());
    return reply.thenApply(
        result -> {
          if (result instanceof MapActor.Refused<K> refused) {
            throw new IllegalStateException(refused.reason());
          }
          return Done.getInstance();
        });
  }

  private static <K, V> CompletionStage<Map<K, V>> read(
      ActorSystem<?> system, ActorRef<MapActor.Command<K, V>> map) {
    CompletionStage<MapActor.Contents<K, V>> contents =
        AskPattern.ask(map, MapActor.Read::new, TIMEOUT, system.scheduler());
    return contents.thenApply(MapActor.Contents::entries);
  }

  @Override
  public CompletionStage<Map<Integer, Iface>> elements() {
    return read(system, owners.ifaces());
  }

  /** What is in the kernel about workload interfaces when an agent starts. */
  public CompletionStage<Found> found() {
    return elements()
        .thenCombine(
            programs.run(dataplane::attachments),
            (elements, attachments) -> new Found(elements, attachments, Set.of()))
        .thenCompose(
            found ->
                owners
                    .slots()
                    .adopt(found.slotsInUse())
                    .thenApply(
                        promised -> new Found(found.elements(), found.attachments(), promised)));
  }

  /**
   * @param elements by ifindex
   * @param attachments by ifindex
   * @param promised names of interfaces that have slots
   */
  public record Found(
      Map<Integer, Iface> elements,
      Map<Integer, Dataplane.Attachment> attachments,
      Set<String> promised) {
    Map<String, Integer> slotsInUse() {
      Map<String, Integer> slots = new HashMap<>();
      for (Iface element : elements.values()) {
        int slot = Math.max(element.policySlot0(), element.policySlot1());
        boolean one =
            (element.policySlot0() == 0 || element.policySlot0() == slot)
                && (element.policySlot1() == 0 || element.policySlot1() == slot);
        if (slot > 0 && one) {
          slots.put(element.name(), slot);
        }
      }
      return slots;
    }
  }

  /**
   * The settings of the host as a whole, and those of host endpoints that are set up.
   *
   * @return the keys of those that were otherwise
   */
  public CompletionStage<List<String>> prepareHost(
      InterfaceSettings interfaces, Collection<Nic> hostEndpoints) {
    use(interfaces);
    return host.run(
        () -> {
          List<String> written = new ArrayList<>(settings.prepareHost(ours));
          hostEndpoints.forEach(nic -> written.addAll(settings.prepareHostEndpoint(nic.name())));
          return written;
        });
  }

  /** Takes note of the settings in force. */
  public void use(InterfaceSettings interfaces) {
    ours = interfaces::isOurs;
  }

  @Override
  public CompletionStage<Slots> slots(String nic) {
    return owners.slots().allocate(nic);
  }

  @Override
  public CompletionStage<Done> releaseSlots(String nic) {
    return owners.slots().release(nic);
  }

  @Override
  public CompletionStage<Done> loadPolicy(String nic, Optional<Workload> workload, Slots slots) {
    return owners.policies().load(nic, workload, slots);
  }

  @Override
  public CompletionStage<Done> clearSlots(Slots slots) {
    return slots.isNone() ? nothing() : owners.policies().clear(slots);
  }

  @Override
  public synchronized CompletionStage<Done> putLimits(Nic nic, Limits limits) {
    limitsOf.put(nic.index(), nic.name());
    return programs.run(() -> done(() -> writeLimits(nic, limits)));
  }

  /** Where no queueing discipline can be, programs drop what is too much. */
  private void writeLimits(Nic nic, Limits limits) {
    Optional<String> hindrance = shaping.put(nic, limits.qos().ingress());
    hindrance.ifPresent(
        why ->
            system
                .log()
                .warn(
                    "interface {}: the bandwidth of what its workload gets is kept by dropping, not"
                        + " by queueing: {}",
                    nic.name(),
                    why));
    owners.limits().put(nic.index(), limits, hindrance.isEmpty());
  }

  @Override
  public CompletionStage<Boolean> trimLimits(Nic nic, Limits limits) {
    return programs.run(
        () -> {
          if (limits.qos().ingress().bandwidth() == 0) {
            shaping.remove(nic);
          }
          return owners.limits().trim(nic.index(), limits);
        });
  }

  @Override
  public synchronized CompletionStage<Done> removeLimits(Nic nic) {
    String owner = limitsOf.getOrDefault(nic.index(), nic.name());
    if (!owner.equals(nic.name())) {
      return nothing();
    }
    limitsOf.remove(nic.index());
    return programs.run(
        () ->
            done(
                () -> {
                  shaping.remove(nic);
                  owners.limits().remove(nic.index());
                }));
  }

  @Override
  public synchronized CompletionStage<Done> putElement(int ifindex, Iface element) {
    elementOf.put(ifindex, element.name());
    return update(owners.ifaces(), Map.of(ifindex, element), Set.of());
  }

  @Override
  public synchronized CompletionStage<Done> removeElement(Nic nic) {
    String owner = elementOf.getOrDefault(nic.index(), nic.name());
    if (!owner.equals(nic.name())) {
      return nothing();
    }
    elementOf.remove(nic.index());
    return update(owners.ifaces(), Map.of(), Set.of(nic.index()));
  }

  @Override
  public CompletionStage<List<String>> attach(Nic nic) {
    return programs.run(() -> dataplane.attach(nic.name(), nic.index()).foreign());
  }

  @Override
  public CompletionStage<Done> setXdp(Nic nic, boolean wanted) {
    return programs.run(
        () ->
            done(
                () -> {
                  if (wanted) {
                    dataplane.untracked().attach(nic.name(), nic.index());
                  } else {
                    dataplane.untracked().detach(nic.index());
                  }
                }));
  }

  @Override
  public CompletionStage<Done> detach(Nic nic) {
    return programs.run(
        () ->
            done(
                () -> {
                  boolean reused =
                      net.nics().stream()
                          .anyMatch(n -> n.index() == nic.index() && !n.name().equals(nic.name()));
                  if (!reused) {
                    dataplane.detach(nic.name(), nic.index());
                  }
                }));
  }

  @Override
  public CompletionStage<Done> withdraw(Nic nic) {
    CompletionStage<Boolean> detached =
        programs.run(
            () -> {
              boolean anothers =
                  net.nics().stream()
                      .anyMatch(
                          n ->
                              n.index() == nic.index()
                                  && !n.name().equals(nic.name())
                                  && ours.test(n.name()));
              if (!anothers) {
                dataplane.untracked().detach(nic.index());
                dataplane.detach(nic.name(), nic.index());
              }
              return !anothers;
            });
    return detached.thenCompose(gone -> gone ? removeElement(nic) : nothing());
  }

  @Override
  public CompletionStage<Done> prepareHostEndpoint(Nic nic) {
    return host.run(() -> done(() -> settings.prepareHostEndpoint(nic.name())));
  }

  @Override
  public CompletionStage<Done> prepare(Nic nic, boolean ipv4, boolean ipv6) {
    return host.run(() -> done(() -> settings.prepareNic(nic, ipv4, ipv6)));
  }

  @Override
  public CompletionStage<Done> restore(Nic nic, boolean present) {
    return host.run(
        () ->
            done(
                () -> {
                  if (present) {
                    settings.restoreNic(nic, !ours.test(nic.name()));
                  } else {
                    settings.forgetNic(nic.name());
                  }
                }));
  }

  @Override
  public CompletionStage<Done> putKernelRoutes(Nic nic, Set<Ip> addresses) {
    return ask(
        owners.routes(), ref -> new RouteKeeper.PutKernel(nic.name(), nic.index(), addresses, ref));
  }

  @Override
  public CompletionStage<Done> removeKernelRoutes(Nic nic) {
    return ask(owners.routes(), ref -> new RouteKeeper.RemoveKernel(nic.name(), nic.index(), ref));
  }

  @Override
  public CompletionStage<Boolean> putBpfRoutes(Nic nic, Set<Ip> addresses) {
    return ask(
        owners.routes(), ref -> new RouteKeeper.PutBpf(nic.name(), nic.index(), addresses, ref));
  }

  @Override
  public CompletionStage<Boolean> removeBpfRoutes(Nic nic) {
    return ask(owners.routes(), ref -> new RouteKeeper.RemoveBpf(nic.name(), nic.index(), ref));
  }

  @Override
  public CompletionStage<Done> admit(Nic nic) {
    return ask(owners.tables(), ref -> new TablesKeeper.Admit(nic.index(), nic.name(), ref));
  }

  @Override
  public CompletionStage<Done> expel(Nic nic) {
    return ask(owners.tables(), ref -> new TablesKeeper.Expel(nic.index(), nic.name(), ref));
  }

  @Override
  public CompletionStage<Done> bumpEpoch() {
    return owners.node().bumpEpoch();
  }

  @Override
  public CompletionStage<Done> prepareTunnel(Nic nic, int mtu6) {
    return host.run(() -> done(() -> settings.prepareTunnel(nic.name(), mtu6)));
  }

  @Override
  public CompletionStage<Done> workloadGone(Set<Ip> addresses) {
    owners.conntrack().tell(new ConntrackKeeper.WorkloadsGone(addresses));
    return nothing();
  }
}
