// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import akka.actor.ClassicActorSystemProvider;
import akka.persistence.state.DurableStateStoreRegistry;
import akka.persistence.state.javadsl.DurableStateUpdateStore;
import io.sluice.persistence.CborSerializable;
import java.util.concurrent.CompletionStage;

/** Registers in the actor system's durable state, whichever store is configured. */
final class DurableRegisters implements Registers {
  private final DurableStateUpdateStore<Object> store;

  @SuppressWarnings("unchecked")
  DurableRegisters(ClassicActorSystemProvider system) {
    store =
        (DurableStateUpdateStore<Object>)
            DurableStateStoreRegistry.get(system)
                .getDurableStateStoreFor(DurableStateUpdateStore.class, "");
  }

  /** What is stored: the bytes have a format of their own. */
  record Value(byte[] bytes) implements CborSerializable {}

  @Override
  public CompletionStage<Found> get(String id) {
    return store
        .getObject(id)
        .thenApply(
            found ->
                new Found(found.revision(), found.value().map(value -> ((Value) value).bytes())));
  }

  @Override
  public CompletionStage<?> put(String id, long revision, byte[] value) {
    return store.upsertObject(id, revision, new Value(value), "");
  }
}
