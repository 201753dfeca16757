// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import akka.actor.ExtendedActorSystem;
import akka.persistence.state.DurableStateStoreProvider;

/** The plugin {@code sluice-replicated-state}. */
final class ReplicatedStateProvider implements DurableStateStoreProvider {
  private final StateStore store;

  ReplicatedStateProvider(ExtendedActorSystem system) {
    this.store = ReplicatedState.get(system).store();
  }

  @Override
  public akka.persistence.state.scaladsl.DurableStateStore<Object> scaladslDurableStateStore() {
    return store.asScala();
  }

  @Override
  public akka.persistence.state.javadsl.DurableStateStore<Object> javadslDurableStateStore() {
    return store;
  }
}
