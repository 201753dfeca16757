// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import io.sluice.actors.maps.MapManager;
import io.sluice.actors.promises.Promises;
import io.sluice.config.model.EndpointSlice;
import io.sluice.config.model.Frontend;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.model.Service;
import io.sluice.config.source.Snapshot;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Keeps one {@link ServiceActor} for each Kubernetes service, and one {@link ServiceSyncer} for all
 * of them. A snapshot of the source is handed on whole: only when every service that it changes has
 * told the syncer what it wants may the syncer apply it, so nothing is missing from a round that
 * deletes (AG-3).
 */
public final class ServiceManager extends AbstractBehavior<ServiceManager.Command> {
  /** What the actor takes. */
  public sealed interface Command {}

  /** The source's view has changed. */
  public record Changed(Snapshot snapshot) implements Command {}

  /** For the syncer: how many Maglev tables there may be. */
  public record Configure(MaglevLimits limits) implements Command {}

  /** For the syncer: the cluster has agreed on a service's Maglev table. */
  public record Agreed(ServiceName service, LutTarget target) implements Command {}

  /** For the syncer: the watcher is told what this node wants of Maglev tables, and has. */
  public record WatchMaglev(ActorRef<MaglevView> watcher) implements Command {}

  /** Asks the syncer. */
  public record GetStatus(ActorRef<ServiceSyncer.Status> replyTo) implements Command {}

  /** Asks what services ask for and do not get. */
  public record GetNotices(ActorRef<Notices> replyTo) implements Command {}

  public record Notices(Map<ResourceKey, List<String>> notices) {}

  private record Settled(ServiceActor.Settled message) implements Command {}

  private record Given(
      Service service, List<EndpointSlice> slices, Set<Frontend> taken, Here here) {}

  private record Child(ActorRef<ServiceActor.Command> actor, Given given) {}

  private final Places places;
  private final ActorRef<ServiceSyncer.Command> syncer;
  private final ActorRef<ServiceActor.Settled> settled;
  private final Map<ResourceKey, Child> children = new HashMap<>();
  private final Map<ResourceKey, List<String>> notices = new TreeMap<>();

  /** Services of the current snapshot that have not told the syncer yet. */
  private final Set<ResourceKey> pending = new HashSet<>();

  private Snapshot current = Snapshot.EMPTY;
  private Snapshot next;
  private long spawned;

  /**
   * @param nodeName this node, as the resources name it
   */
  public static Behavior<Command> create(
      String nodeName,
      MapManager.Writers writers,
      ActorRef<Promises.Command> promises,
      ServiceSyncer.Options options) {
    return Behaviors.setup(
        context -> new ServiceManager(context, nodeName, writers, promises, options));
  }

  private ServiceManager(
      ActorContext<Command> context,
      String nodeName,
      MapManager.Writers writers,
      ActorRef<Promises.Command> promises,
      ServiceSyncer.Options options) {
    super(context);
    places = new Places(nodeName);
    syncer = context.spawn(ServiceSyncer.create(writers, promises, options), "syncer");
    settled = context.messageAdapter(ServiceActor.Settled.class, Settled::new);
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Changed.class, this::onChanged)
        .onMessage(Settled.class, message -> onSettled(message.message()))
        .onMessage(
            Configure.class,
            configure -> {
              syncer.tell(new ServiceSyncer.Configure(configure.limits()));
              return this;
            })
        .onMessage(
            Agreed.class,
            agreed -> {
              syncer.tell(new ServiceSyncer.Agreed(agreed.service(), agreed.target()));
              return this;
            })
        .onMessage(
            WatchMaglev.class,
            watch -> {
              syncer.tell(new ServiceSyncer.WatchMaglev(watch.watcher()));
              return this;
            })
        .onMessage(
            GetStatus.class,
            get -> {
              syncer.tell(new ServiceSyncer.GetStatus(get.replyTo()));
              return this;
            })
        .onMessage(
            GetNotices.class,
            get -> {
              get.replyTo().tell(new Notices(Map.copyOf(notices)));
              return this;
            })
        .build();
  }

  private Behavior<Command> onChanged(Changed changed) {
    next = changed.snapshot();
    if (pending.isEmpty()) {
      handOut();
    }
    return this;
  }

  private void handOut() {
    current = next;
    next = null;
    Map<ResourceKey, List<EndpointSlice>> slices = new HashMap<>();
    for (EndpointSlice slice : current.all(EndpointSlice.class)) {
      slice
          .service()
          .ifPresent(key -> slices.computeIfAbsent(key, none -> new ArrayList<>()).add(slice));
    }
    places.look(current);
    Map<ResourceKey, Given> wanted = new LinkedHashMap<>();
    for (Service service : current.all(Service.class)) {
      ResourceKey key = service.key();
      Set<Frontend> taken = current.taken().getOrDefault(key, Set.of());
      List<EndpointSlice> own = slices.getOrDefault(key, List.of());
      wanted.put(key, new Given(service, own, taken, places.here(own)));
    }
    for (ResourceKey key : Set.copyOf(children.keySet())) {
      if (!wanted.containsKey(key)) {
        pending.add(key);
        children.remove(key).actor().tell(new ServiceActor.Gone());
      }
    }
    wanted.forEach(this::give);
    complete();
  }

  private void give(ResourceKey key, Given given) {
    Child child = children.get(key);
    if (child != null && child.given().equals(given)) {
      return;
    }
    ActorRef<ServiceActor.Command> actor = child == null ? spawn(key) : child.actor();
    children.put(key, new Child(actor, given));
    pending.add(key);
    actor.tell(
        new ServiceActor.Update(given.service(), given.slices(), given.taken(), given.here()));
  }

  private ActorRef<ServiceActor.Command> spawn(ResourceKey key) {
    // A namesake may still be stopping, so the number makes names unique.
    String name = key.namespace() + ":" + key.name() + ":" + spawned++;
    return getContext().spawn(ServiceActor.create(key, syncer, settled), name);
  }

  private Behavior<Command> onSettled(ServiceActor.Settled message) {
    if (message.notices().isEmpty()) {
      notices.remove(message.service());
    } else {
      notices.put(message.service(), message.notices());
    }
    pending.remove(message.service());
    complete();
    return this;
  }

  private void complete() {
    if (pending.isEmpty()) {
      syncer.tell(new ServiceSyncer.Complete(current.inSync(), current.revision()));
      if (next != null) {
        handOut();
      }
    }
  }
}
