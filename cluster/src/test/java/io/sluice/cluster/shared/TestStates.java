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
}
