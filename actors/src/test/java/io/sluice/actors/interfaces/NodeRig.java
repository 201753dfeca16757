// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.interfaces;

import akka.Done;
import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.AskPattern;
import akka.actor.typed.javadsl.Behaviors;
import io.sluice.actors.conntrack.ConntrackKeeper;
import io.sluice.actors.conntrack.Timeouts;
import io.sluice.actors.host.HostLedger;
import io.sluice.actors.host.HostNet;
import io.sluice.actors.host.NetlinkHostNet;
import io.sluice.actors.maps.MapManager;
import io.sluice.actors.tables.LibNftables;
import io.sluice.actors.testing.PodLab;
import io.sluice.config.settings.Choices;
import io.sluice.config.source.Snapshot;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.dataplane.DataplaneLoader;
import io.sluice.kernel.dataplane.DataplaneOptions;
import io.sluice.kernel.sys.Netns;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;

/** The host side of an agent on a node of {@link PodLab}, with the kernel that is there. */
final class NodeRig implements AutoCloseable {
  private final ActorTestKit kit = ActorTestKit.create();
  private final HostNet net;
  private final HostLedger ledger;
  private final Dataplane dataplane;
  private HostActors actors;

  /** Slots that outlive a rig, as a journal would. */
  static final class Slots implements SlotPromises {
    private final Map<String, Integer> slots = new ConcurrentHashMap<>();
    private int last;

    @Override
    public CompletionStage<Set<String>> adopt(Map<String, Integer> inUse) {
      return CompletableFuture.completedFuture(Set.copyOf(slots.keySet()));
    }

    @Override
    public CompletionStage<InterfaceHost.Slots> allocate(String nic) {
      int slot = slots.computeIfAbsent(nic, n -> ++last);
      return CompletableFuture.completedFuture(new InterfaceHost.Slots(slot, slot));
    }

    @Override
    public CompletionStage<Done> release(String nic) {
      slots.remove(nic);
      return CompletableFuture.completedFuture(Done.getInstance());
    }
  }

  NodeRig(PodLab lab, Path bpffs, Path dataDir, Slots slots) {
    Netns netns = lab.node().netns();
    net = NetlinkHostNet.open(netns);
    ledger = HostLedger.open(dataDir);
    Map<String, Integer> small = Map.of("ct4", 4096, "ct6", 4096);
    DataplaneOptions options = DataplaneOptions.defaults(bpffs).withMapSizes(small);
    dataplane = inside(netns, netns.run(() -> DataplaneLoader.open(options)));
    CompletableFuture<HostActors> spawned = new CompletableFuture<>();
    kit.spawn(guardian(lab, slots, spawned), "guardian");
    actors = spawned.join();
  }

  private Behavior<MapManager.Writers> guardian(
      PodLab lab, Slots slots, CompletableFuture<HostActors> spawned) {
    return Behaviors.setup(
        context -> {
          ActorRef<MapManager.Command> maps = context.spawn(MapManager.create(dataplane), "maps");
          maps.tell(new MapManager.GetWriters(context.getSelf()));
          return Behaviors.receive(MapManager.Writers.class)
              .onMessage(
                  MapManager.Writers.class,
                  writers -> {
                    HostActors.Parts parts =
                        new HostActors.Parts(
                            "node1",
                            settings("^eth"),
                            ConntrackKeeper.Settings.of(() -> Timeouts.DEFAULTS),
                            dataplane,
                            writers,
                            slots,
                            net,
                            PodLab.sysctlsOf(lab.node().netns()),
                            ledger,
                            LibNftables.in(lab.node().netns()));
                    spawned.complete(HostActors.spawn(context, parts));
                    return Behaviors.same();
                  })
              .build();
        });
  }

  /** Interfaces are those of the calling thread's namespace: attach from a thread inside. */
  private static Dataplane inside(Netns netns, Dataplane outside) {
    Set<String> inNetns = Set.of("attach", "detach", "attachments");
    return (Dataplane)
        Proxy.newProxyInstance(
            NodeRig.class.getClassLoader(),
            new Class<?>[] {Dataplane.class},
            (proxy, method, arguments) -> {
              try {
                return inNetns.contains(method.getName())
                    ? netns.run(() -> method.invoke(outside, arguments))
                    : method.invoke(outside, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  Dataplane dataplane() {
    return dataplane;
  }

  HostNet net() {
    return net;
  }

  void source(Snapshot snapshot) {
    source(snapshot, "^eth");
  }

  /** With another pattern of host endpoints. */
  void source(Snapshot snapshot, String hosts) {
    actors.interfaces().tell(new InterfaceManager.SourceChanged(snapshot, settings(hosts)));
  }

  private static InterfaceSettings settings(String hosts) {
    return new InterfaceSettings(List.of("cali"), false, hosts, Choices.Rpf.LOOSE);
  }

  InterfaceManager.Status status() {
    CompletionStage<InterfaceManager.Status> status =
        AskPattern.ask(
            actors.interfaces(),
            InterfaceManager.GetStatus::new,
            Duration.ofSeconds(10),
            kit.system().scheduler());
    return status.toCompletableFuture().join();
  }

  ConntrackKeeper.Stats scan() {
    CompletionStage<ConntrackKeeper.Stats> stats =
        AskPattern.ask(
            actors.conntrack(),
            ConntrackKeeper.ScanNow::new,
            Duration.ofSeconds(10),
            kit.system().scheduler());
    return stats.toCompletableFuture().join();
  }

  /** Ends as an agent does: what is in the kernel goes on. */
  @Override
  public void close() {
    kit.shutdownTestKit();
    dataplane.close();
    ledger.close();
    net.close();
  }
}
