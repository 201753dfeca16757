// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import akka.actor.ClassicActorSystemProvider;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Map;
import java.util.Optional;

/**
 * Where the cluster keeps what all nodes must agree on: durable state for {@code
 * DurableStateBehavior}, or through {@code DurableStateStoreRegistry}, by the default plugin.
 *
 * <p>{@code getObject} is a recovery, not a look: with the replicated store it takes the right to
 * write away from the state's former home. Objects are up to 48 KiB serialized.
 */
public final class SharedState {
  /** The plugin id of the replicated store. */
  public static final String REPLICATED = "sluice-replicated-state";

  /** The plugin id of the store in PostgreSQL. */
  public static final String POSTGRESQL = "jdbc-durable-state-store";

  private SharedState() {}

  /** Where the state is. */
  public sealed interface Store {
    /** On each node, in its data folder. */
    record Replicated() implements Store {}

    /**
     * In a PostgreSQL database; its tables are made and kept up to date.
     *
     * @param url {@code jdbc:postgresql://host:port/database}
     * @param passwordFile holds the password in its first line; nothing: no password
     */
    record Postgresql(String url, String user, Optional<Path> passwordFile) implements Store {}
  }

  /**
   * Prepares this node's part, before the actor system is started. A damaged copy is set aside
   * here.
   *
   * @param folder the agent's data folder
   * @param quorum fewest members that may decide: more than half of all nodes that have a copy
   * @return settings for the actor system; go before {@code ConfigFactory.load()}
   * @throws JournalException if the folder or the file cannot be used; the message is one line
   */
  public static Config config(Path folder, int quorum, Store store) {
    if (store instanceof Store.Postgresql postgresql) {
      return PostgresStateProvider.config(
          postgresql.url(), postgresql.user(), password(postgresql));
    }
    if (quorum < 1) {
      throw new JournalException("cluster.quorum " + quorum + ": must be 1 or more", null);
    }
    StateFile.prepare(folder, Clock.systemUTC());
    return ConfigFactory.parseMap(
            Map.of(
                "sluice-replicated-state.data-dir",
                folder.toAbsolutePath().normalize().toString(),
                "sluice-replicated-state.quorum",
                quorum))
        .withFallback(ConfigFactory.parseResources(SharedState.class, "/shared-state.conf"));
  }

  private static String password(Store.Postgresql postgresql) {
    if (postgresql.passwordFile().isEmpty()) {
      return "";
    }
    Path file = postgresql.passwordFile().get();
    try {
      return Files.readString(file).lines().findFirst().orElse("");
    } catch (IOException e) {
      throw new JournalException(
          "cluster.store.password-file " + file + " cannot be read: " + e.getMessage(), e);
    }
  }

  /**
   * How this node's copy is.
   *
   * @param counting whether it takes part in decisions
   * @param trouble one line about why not, or why it cannot be written
   * @param objects how many it has on disk
   */
  public record Status(boolean counting, Optional<String> trouble, int objects) {}

  /**
   * @return nothing if the state is not replicated
   */
  public static Optional<Status> status(ClassicActorSystemProvider system) {
    String plugin =
        system.classicSystem().settings().config().getString("akka.persistence.state.plugin");
    if (!plugin.equals(REPLICATED)) {
      return Optional.empty();
    }
    Replica replica = ReplicatedState.get(system).replica();
    return Optional.of(new Status(replica.counting(), replica.trouble(), replica.size()));
  }
}
