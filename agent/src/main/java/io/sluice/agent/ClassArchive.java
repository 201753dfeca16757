// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent;

import akka.Done;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.javadsl.AskPattern;
import com.typesafe.config.ConfigFactory;
import io.sluice.actors.promises.Promises;
import io.sluice.agent.node.DataDir;
import io.sluice.cluster.management.ManagementServer;
import io.sluice.cluster.membership.ClusterNode;
import io.sluice.cluster.resources.ClusterSource;
import io.sluice.cluster.resources.ResourceApi;
import io.sluice.cluster.resources.SharedResources;
import io.sluice.cluster.tables.SharedTables;
import io.sluice.config.settings.ClusterKeys;
import io.sluice.config.source.Snapshot;
import io.sluice.persistence.LocalJournal;
import io.sluice.persistence.SharedState;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Loads the classes that every agent loads, for the build's class archive (bin/lib.sh): with it an
 * agent starts in half the time, and agents of one machine share the memory. It does what needs no
 * privilege: journal, shared state, a cluster of itself, and one resource applied to it.
 */
public final class ClassArchive {
  private static final Duration ENOUGH = Duration.ofSeconds(20);

  private static final String MANIFEST =
      """
      apiVersion: v1
      kind: Service
      metadata: {name: web, namespace: default}
      spec: {clusterIP: 10.96.0.10, ports: [{port: 80}]}
      """;

  private ClassArchive() {}

  /** No arguments. */
  public static void main(String[] arguments) throws Exception {
    Main.commandLine().setOut(new PrintWriter(Writer.nullWriter())).execute("--help");
    Path folder = Files.createTempDirectory("sluice-classes");
    try {
      load(folder);
    } finally {
      new DataDir(folder).purge();
    }
    System.exit(0);
  }

  private static void load(Path folder)
      throws IOException, InterruptedException, TimeoutException, ExecutionException {
    ActorSystem<Promises.Command> node =
        ActorSystem.create(
            Promises.create(new Promises.Limits(10, 10, 10)),
            "sluice",
            ManagementServer.config("127.0.0.1", 0)
                .withFallback(LocalJournal.open(folder).config())
                .withFallback(ConfigFactory.parseResources(ClassArchive.class, "/agent.conf"))
                .withFallback(ConfigFactory.load()));
    AskPattern.<Promises.Command, Done>ask(
            node,
            answer -> new Promises.Save("classes", Map.of("a", "b"), Set.of(), answer),
            ENOUGH,
            node.scheduler())
        .toCompletableFuture()
        .get(ENOUGH.toSeconds(), TimeUnit.SECONDS);
    try (ClusterSource source = new ClusterSource(folder)) {
      source.start(snapshot -> {});
      SharedResources shared =
          new SharedResources(
              "classes",
              Optional.of(source),
              () -> Snapshot.EMPTY,
              node.dispatchers().lookup(DispatcherSelector.blocking()));
      try (ClusterNode cluster =
          new ClusterNode(
              ClusterKeys.ALONE,
              "classes",
              SharedState.config(folder, 1, new SharedState.Store.Replicated()),
              List.of(shared, new SharedTables("classes", followers -> {})))) {
        cluster.start();
        shared
            .apply(
                new ResourceApi.Manifests(
                    "classes.yaml", MANIFEST.getBytes(StandardCharsets.UTF_8)),
                false)
            .toCompletableFuture()
            .get(ENOUGH.toSeconds(), TimeUnit.SECONDS);
      }
    }
    node.terminate();
    node.getWhenTerminated().toCompletableFuture().get(ENOUGH.toSeconds(), TimeUnit.SECONDS);
  }
}
