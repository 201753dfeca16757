// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import io.sluice.config.model.EndpointSlice;
import io.sluice.config.model.Frontend;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.model.Service;
import java.util.List;
import java.util.Set;

/**
 * One Kubernetes service, with all its ports and both families: computes what the maps should say
 * of it, and tells the {@link ServiceSyncer}. What it cannot serve it says once.
 */
final class ServiceActor extends AbstractBehavior<ServiceActor.Command> {
  sealed interface Command {}

  /** The service as it is now. */
  record Update(Service service, List<EndpointSlice> slices, Set<Frontend> taken, Here here)
      implements Command {}

  /** The service is gone. */
  record Gone() implements Command {}

  /**
   * The answer to both: the syncer has been told.
   *
   * @param notices what the service asks for and does not get
   */
  record Settled(ResourceKey service, List<String> notices) {}

  private final ResourceKey key;
  private final ActorRef<ServiceSyncer.Command> syncer;
  private final ActorRef<Settled> manager;
  private List<WantedService> wanted = List.of();
  private List<String> notices = List.of();

  static Behavior<Command> create(
      ResourceKey key, ActorRef<ServiceSyncer.Command> syncer, ActorRef<Settled> manager) {
    return Behaviors.setup(context -> new ServiceActor(context, key, syncer, manager));
  }

  private ServiceActor(
      ActorContext<Command> context,
      ResourceKey key,
      ActorRef<ServiceSyncer.Command> syncer,
      ActorRef<Settled> manager) {
    super(context);
    this.key = key;
    this.syncer = syncer;
    this.manager = manager;
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Update.class, this::onUpdate)
        .onMessage(Gone.class, gone -> onGone())
        .build();
  }

  private Behavior<Command> onUpdate(Update update) {
    ServiceRules.Computed computed;
    try {
      computed =
          ServiceRules.compute(update.service(), update.slices(), update.taken(), update.here());
    } catch (RuntimeException e) {
      // One service that we cannot make sense of must not hold up the others.
      getContext().getLog().error("{}: what it wanted before stays", key, e);
      manager.tell(new Settled(key, List.of("cannot be served: " + e.getMessage())));
      return this;
    }
    for (String notice : computed.notices()) {
      if (!notices.contains(notice)) {
        getContext().getLog().warn("{}: {}", key, notice);
      }
    }
    notices = computed.notices();
    if (!computed.services().equals(wanted)) {
      wanted = computed.services();
      syncer.tell(new ServiceSyncer.Want(key.path(), wanted));
    }
    manager.tell(new Settled(key, notices));
    return this;
  }

  private Behavior<Command> onGone() {
    syncer.tell(new ServiceSyncer.Want(key.path(), List.of()));
    manager.tell(new Settled(key, List.of()));
    return Behaviors.stopped();
  }
}
