// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.membership;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.ActorRef;
import akka.actor.ActorSystem;
import akka.actor.BootstrapSetup;
import akka.actor.setup.ActorSystemSetup;
import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.Adapter;
import akka.actor.typed.javadsl.Behaviors;
import akka.cluster.Cluster;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.sluice.config.settings.ClusterKeys;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Agents of two versions side by side: each has a class of the same name in its own form, as in two
 * releases, and what one sends is what the other reads, over the network and the serializers that
 * the cluster uses.
 */
@Timeout(120)
final class RollingUpgradeTest {
  private static final String OLD =
      """
      package wire;
      public record Told(String node, long generation)
          implements io.sluice.persistence.CborSerializable {}
      """;

  /** A field more; whoever reads it must do without. */
  private static final String NEW =
      """
      package wire;
      public record Told(String node, long generation, String digest, int version)
          implements io.sluice.persistence.CborSerializable {
        public Told {
          digest = digest == null ? "none" : digest;
        }
      }
      """;

  private static final String RENAMED =
      """
      package wire;
      public record Reported(String node, long generation)
          implements io.sluice.persistence.CborSerializable {}
      """;

  private static final String MIGRATION =
      """
      package wire;
      public final class ToldMigration extends akka.serialization.jackson.JacksonMigration {
        @Override
        public int currentVersion() {
          return 2;
        }

        @Override
        public String transformClassName(int fromVersion, String className) {
          return Reported.class.getName();
        }

        @Override
        public com.fasterxml.jackson.databind.JsonNode transform(
            int fromVersion, com.fasterxml.jackson.databind.JsonNode json) {
          return json;
        }
      }
      """;

  @TempDir private Path folder;
  private final List<ActorSystem> systems = new ArrayList<>();
  private final List<URLClassLoader> loaders = new ArrayList<>();

  /** What a release has, and what it has received. */
  private record Release(ActorSystem system, ClassLoader classes, BlockingQueue<Object> received) {
    /** Sends a message of a class of this release. */
    void send(Release to, String name, Object... fields) throws ReflectiveOperationException {
      Object message = classes.loadClass(name).getDeclaredConstructors()[0].newInstance(fields);
      system
          .actorSelection(Cluster.get(to.system()).selfAddress() + "/user/inbox")
          .tell(message, ActorRef.noSender());
    }

    String receives() throws InterruptedException {
      return String.valueOf(received.poll(30, TimeUnit.SECONDS));
    }
  }

  private Release release(String name, Map<String, String> sources, Config more) throws Exception {
    Path classes = Files.createDirectories(folder.resolve(name));
    List<String> arguments =
        new ArrayList<>(
            List.of("-d", classes.toString(), "-cp", System.getProperty("java.class.path")));
    for (Map.Entry<String, String> source : sources.entrySet()) {
      Path file = classes.resolve(source.getKey() + ".java");
      arguments.add(Files.writeString(file, source.getValue()).toString());
    }
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    assertThat(compiler.run(null, null, null, arguments.toArray(String[]::new))).isZero();
    URLClassLoader loader =
        new URLClassLoader(new URL[] {classes.toUri().toURL()}, getClass().getClassLoader());
    loaders.add(loader);
    Config config = ClusterConfig.of(ClusterKeys.ALONE, name, more);
    ActorSystem system =
        ActorSystem.create(
            ClusterConfig.SYSTEM,
            ActorSystemSetup.create(
                BootstrapSetup.create(Optional.of(loader), Optional.of(config), Optional.empty())));
    systems.add(system);
    BlockingQueue<Object> received = new LinkedBlockingQueue<>();
    Adapter.spawn(system, inbox(received), "inbox");
    return new Release(system, loader, received);
  }

  private static Behavior<Object> inbox(BlockingQueue<Object> received) {
    return Behaviors.receiveMessage(
        message -> {
          received.add(message);
          return Behaviors.same();
        });
  }

  @AfterEach
  void stop() throws Exception {
    for (ActorSystem system : systems) {
      system.terminate();
      system.getWhenTerminated().toCompletableFuture().get(30, TimeUnit.SECONDS);
    }
    for (URLClassLoader loader : loaders) {
      loader.close();
    }
  }

  @Test
  void aFieldMayBeAdded() throws Exception {
    Release older = release("older", Map.of("Told", OLD), ConfigFactory.empty());
    Release newer = release("newer", Map.of("Told", NEW), ConfigFactory.empty());

    older.send(newer, "wire.Told", "n1", 7L);
    assertThat(newer.receives()).isEqualTo("Told[node=n1, generation=7, digest=none, version=0]");

    newer.send(older, "wire.Told", "n2", 8L, "abc", 3);
    assertThat(older.receives()).isEqualTo("Told[node=n2, generation=8]");
  }

  /** In two releases: the first reads both names and writes the old one, the second the new one. */
  @Test
  void aClassMayBeRenamedByAReleaseThatReadsBothNames() throws Exception {
    Config migration =
        ConfigFactory.parseString(
            "akka.serialization.jackson.migrations { \"wire.Told\" = wire.ToldMigration }");
    Release older = release("older", Map.of("Told", OLD), ConfigFactory.empty());
    Release newer =
        release("newer", Map.of("Reported", RENAMED, "ToldMigration", MIGRATION), migration);

    older.send(newer, "wire.Told", "n1", 7L);
    assertThat(newer.receives()).isEqualTo("Reported[node=n1, generation=7]");
  }

  /** What an old release cannot know is dropped by it, and the association goes on. */
  @Test
  void anUnknownMessageIsLostAndNothingElse() throws Exception {
    Release older = release("older", Map.of("Told", OLD), ConfigFactory.empty());
    Release newer =
        release("newer", Map.of("Told", NEW, "Reported", RENAMED), ConfigFactory.empty());

    newer.send(older, "wire.Reported", "n1", 1L);
    newer.send(older, "wire.Told", "n1", 2L, "", 0);
    assertThat(older.receives()).isEqualTo("Told[node=n1, generation=2]");
  }

  @Test
  void javaSerializationIsOff() throws Exception {
    Release one = release("one", Map.of("Told", OLD), ConfigFactory.empty());
    Release two = release("two", Map.of("Told", OLD), ConfigFactory.empty());

    one.system()
        .actorSelection(Cluster.get(two.system()).selfAddress() + "/user/inbox")
        .tell(new java.util.Date(), ActorRef.noSender());
    one.send(two, "wire.Told", "n1", 2L);
    assertThat(two.receives()).isEqualTo("Told[node=n1, generation=2]");
  }
}
