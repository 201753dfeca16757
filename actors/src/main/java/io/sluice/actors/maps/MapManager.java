// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.maps;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import io.sluice.kernel.bpf.TypedMap;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.dataplane.MaglevTable;
import io.sluice.kernel.layout.Backend;
import io.sluice.kernel.layout.BackendGen;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Frontend;
import io.sluice.kernel.layout.FrontendKey;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.NodeSourceKey;
import io.sluice.kernel.layout.NodeState;
import io.sluice.kernel.layout.Route;
import io.sluice.kernel.layout.RouteKey;
import io.sluice.kernel.layout.Service;
import io.sluice.kernel.layout.SourceRangeKey;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Makes one {@link MapActor} for each map that the agent writes, and passes on what concerns them
 * all. Conntrack is not among them: its writers are the programs.
 */
public final class MapManager extends AbstractBehavior<MapManager.Command> {
  /** What the actor takes. */
  public sealed interface Command {}

  /** Asks for the writers. */
  public record GetWriters(ActorRef<Writers> replyTo) implements Command {}

  /** The source has delivered all there is: maps that are swept drop what nobody wants (AG-3). */
  public record SourceInSync() implements Command {}

  /** Asks every writer for its {@link MapActor.Occupancy}; each answers by itself. */
  public record GetOccupancy(ActorRef<MapActor.Occupancy> replyTo) implements Command {}

  /**
   * The writers. Those of services, backends, generations, tables, frontends and source ranges, of
   * interfaces and of the node keep entries that nobody asked for: removing these takes an order
   * among maps, which their owner knows. Routes and other nodes' sources, too: their keeper adopts
   * what it finds, and sweeps by itself.
   */
  public record Writers(
      ActorRef<MapActor.Command<FrontendKey, Frontend>> frontends4,
      ActorRef<MapActor.Command<FrontendKey, Frontend>> frontends6,
      ActorRef<MapActor.Command<Integer, Service>> services,
      ActorRef<MapActor.Command<Integer, Backend>> backends4,
      ActorRef<MapActor.Command<Integer, Backend>> backends6,
      ActorRef<MapActor.Command<Integer, BackendGen>> backendGen,
      ActorRef<MapActor.Command<Integer, MaglevTable>> maglev,
      ActorRef<MapActor.Command<SourceRangeKey, Integer>> sourceRanges4,
      ActorRef<MapActor.Command<SourceRangeKey, Integer>> sourceRanges6,
      ActorRef<MapActor.Command<RouteKey, Integer>> dsrOptout4,
      ActorRef<MapActor.Command<RouteKey, Integer>> dsrOptout6,
      ActorRef<MapActor.Command<RouteKey, Route>> routes4,
      ActorRef<MapActor.Command<RouteKey, Route>> routes6,
      ActorRef<MapActor.Command<NodeSourceKey, Integer>> nodeSources4,
      ActorRef<MapActor.Command<NodeSourceKey, Integer>> nodeSources6,
      ActorRef<MapActor.Command<Integer, Iface>> ifaces,
      ActorRef<MapActor.Command<Integer, NodeState>> node) {
    public ActorRef<MapActor.Command<FrontendKey, Frontend>> frontends(Family family) {
      return family == Family.IPV4 ? frontends4 : frontends6;
    }

    public ActorRef<MapActor.Command<Integer, Backend>> backends(Family family) {
      return family == Family.IPV4 ? backends4 : backends6;
    }

    public ActorRef<MapActor.Command<SourceRangeKey, Integer>> sourceRanges(Family family) {
      return family == Family.IPV4 ? sourceRanges4 : sourceRanges6;
    }

    public ActorRef<MapActor.Command<RouteKey, Integer>> dsrOptout(Family family) {
      return family == Family.IPV4 ? dsrOptout4 : dsrOptout6;
    }

    public ActorRef<MapActor.Command<RouteKey, Route>> routes(Family family) {
      return family == Family.IPV4 ? routes4 : routes6;
    }
  }

  private final Writers writers;
  private final List<Runnable> inSync = new ArrayList<>();
  private final List<Consumer<ActorRef<MapActor.Occupancy>>> occupancy = new ArrayList<>();

  public static Behavior<Command> create(Dataplane dataplane) {
    return Behaviors.setup(context -> new MapManager(context, dataplane));
  }

  private MapManager(ActorContext<Command> context, Dataplane dataplane) {
    super(context);
    writers =
        new Writers(
            spawn(dataplane.frontends(Family.IPV4), MapActor.Options.KEEPING),
            spawn(dataplane.frontends(Family.IPV6), MapActor.Options.KEEPING),
            spawn(dataplane.services(), MapActor.Options.KEEPING),
            spawn(dataplane.backends(Family.IPV4), MapActor.Options.KEEPING),
            spawn(dataplane.backends(Family.IPV6), MapActor.Options.KEEPING),
            spawn(dataplane.backendGen(), MapActor.Options.KEEPING),
            spawn(dataplane.maglev(), MapActor.Options.KEEPING),
            spawn(dataplane.sourceRanges(Family.IPV4), MapActor.Options.KEEPING),
            spawn(dataplane.sourceRanges(Family.IPV6), MapActor.Options.KEEPING),
            spawn(dataplane.dsrOptout(Family.IPV4), MapActor.Options.KEEPING),
            spawn(dataplane.dsrOptout(Family.IPV6), MapActor.Options.KEEPING),
            spawn(dataplane.routes(Family.IPV4), MapActor.Options.KEEPING),
            spawn(dataplane.routes(Family.IPV6), MapActor.Options.KEEPING),
            spawn(dataplane.nodeSources(Family.IPV4), MapActor.Options.KEEPING),
            spawn(dataplane.nodeSources(Family.IPV6), MapActor.Options.KEEPING),
            spawn(dataplane.ifaces(), MapActor.Options.KEEPING),
            spawn(dataplane.node(), MapActor.Options.KEEPING));
  }

  private <K, V> ActorRef<MapActor.Command<K, V>> spawn(
      TypedMap<K, V> map, MapActor.Options options) {
    ActorRef<MapActor.Command<K, V>> writer =
        getContext().spawn(MapActor.create(map, options), map.name());
    inSync.add(() -> writer.tell(new MapActor.SourceInSync<>()));
    occupancy.add(replyTo -> writer.tell(new MapActor.GetOccupancy<>(replyTo)));
    return writer;
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(
            GetWriters.class,
            get -> {
              get.replyTo().tell(writers);
              return this;
            })
        .onMessage(
            SourceInSync.class,
            message -> {
              inSync.forEach(Runnable::run);
              return this;
            })
        .onMessage(
            GetOccupancy.class,
            get -> {
              occupancy.forEach(ask -> ask.accept(get.replyTo()));
              return this;
            })
        .build();
  }
}
