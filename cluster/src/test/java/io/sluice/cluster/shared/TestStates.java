// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.shared;

import akka.persistence.testkit.PersistenceTestKitDurableStateStorePlugin;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;

/** Durable state of tests. */
public final class TestStates {
  private static final Config SERIALIZATION =
      ConfigFactory.parseString(
          """
          akka.actor {
            allow-java-serialization = off
            serialization-bindings {
              "io.sluice.persistence.CborSerializable" = jackson-cbor
            }
          }
          """);

  private TestStates() {}

  /** In memory, of one actor system. */
  public static Config memory() {
    return PersistenceTestKitDurableStateStorePlugin.config().withFallback(SERIALIZATION);
  }

  /** In a database in memory, shared by all actor systems of this process that use its name. */
  public static Config shared(String name) {
    return ConfigFactory.parseString(
            """
            akka.persistence.state.plugin = "jdbc-durable-state-store"
            akka-persistence-jdbc.shared-databases.slick.db.url =
              "jdbc:h2:mem:%s;DB_CLOSE_DELAY=-1;DATABASE_TO_UPPER=FALSE"
            """
                .formatted(name))
        .withFallback(SERIALIZATION)
        .withFallback(ConfigFactory.parseResources("persistence.conf"));
  }
}
