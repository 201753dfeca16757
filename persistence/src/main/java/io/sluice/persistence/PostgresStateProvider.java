// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import akka.actor.ExtendedActorSystem;
import akka.persistence.jdbc.state.JdbcDurableStateStoreProvider;
import akka.persistence.state.DurableStateStoreProvider;
import akka.persistence.state.javadsl.DurableStateUpdateStore;
import akka.serialization.SerializationExtension;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.util.Map;

/** The plugin {@code jdbc-durable-state-store} where PostgreSQL is chosen. */
final class PostgresStateProvider implements DurableStateStoreProvider {
  private static final String DATABASE = "akka-persistence-jdbc.shared-databases.sluice-postgresql";

  private final StateStore store;

  @SuppressWarnings("unchecked")
  PostgresStateProvider(ExtendedActorSystem system) {
    Config db = system.settings().config().getConfig(DATABASE + ".db");
    PostgresSchema schema =
        new PostgresSchema(db.getString("url"), db.getString("user"), db.getString("password"));
    Object jdbc = new JdbcDurableStateStoreProvider<Object>(system).javadslDurableStateStore();
    this.store =
        new PostgresStateStore(
            (DurableStateUpdateStore<Object>) jdbc,
            schema,
            new StateCodec(SerializationExtension.get(system)),
            system.dispatchers().lookup("akka.actor.default-blocking-io-dispatcher"));
  }

  static Config config(String url, String user, String password) {
    return ConfigFactory.parseMap(
            Map.of(
                DATABASE + ".db.url", url,
                DATABASE + ".db.user", user,
                DATABASE + ".db.password", password))
        .withFallback(ConfigFactory.parseResources(SharedState.class, "/postgresql-state.conf"));
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
