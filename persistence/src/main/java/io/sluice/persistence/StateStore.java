// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import akka.Done;
import akka.persistence.state.javadsl.DurableStateUpdateStore;
import akka.persistence.state.javadsl.GetObjectResult;
import java.util.concurrent.CompletionStage;
import scala.concurrent.Future;
import scala.jdk.javaapi.FutureConverters;

/** A store of durable state for Java, and the same for Akka's own behaviors in Scala. */
abstract class StateStore implements DurableStateUpdateStore<Object> {

  @Override
  @Deprecated
  public CompletionStage<Done> deleteObject(String persistenceId) {
    return getObject(persistenceId)
        .thenCompose(found -> deleteObject(persistenceId, found.revision() + 1));
  }

  akka.persistence.state.scaladsl.DurableStateUpdateStore<Object> asScala() {
    return new AsScala(this);
  }

  private record AsScala(StateStore store)
      implements akka.persistence.state.scaladsl.DurableStateUpdateStore<Object> {
    @Override
    public Future<akka.persistence.state.scaladsl.GetObjectResult<Object>> getObject(String id) {
      return FutureConverters.asScala(store.getObject(id).thenApply(GetObjectResult::toScala));
    }

    @Override
    public Future<Done> upsertObject(String id, long revision, Object value, String tag) {
      return FutureConverters.asScala(store.upsertObject(id, revision, value, tag));
    }

    @Override
    @Deprecated
    public Future<Done> deleteObject(String id) {
      return FutureConverters.asScala(store.deleteObject(id));
    }

    @Override
    public Future<Done> deleteObject(String id, long revision) {
      return FutureConverters.asScala(store.deleteObject(id, revision));
    }
  }
}
