// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.management;

import io.sluice.cluster.resources.FileResources;
import io.sluice.cluster.resources.ResourceApi;
import io.sluice.config.source.Snapshot;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;

/** A node that tells little. */
record TestView(Supplier<Health> health, ResourceApi resources) implements NodeView {
  TestView(Supplier<Health> health) {
    this(health, new FileResources(Path.of("/etc/sluice/manifests"), () -> Snapshot.EMPTY));
  }

  @Override
  public CompletionStage<Health> live() {
    return CompletableFuture.completedFuture(Health.WELL);
  }

  @Override
  public CompletionStage<Health> ready() {
    return CompletableFuture.completedFuture(health.get());
  }

  @Override
  public CompletionStage<Object> status() {
    return CompletableFuture.completedFuture(Map.of("node", "n1"));
  }

  @Override
  public Optional<CompletionStage<Dump>> dump(String table) {
    return switch (table) {
      case "nat" -> Optional.of(CompletableFuture.completedFuture(new Dump(List.of("row"), 0)));
      case "huge" -> Optional.of(CompletableFuture.completedFuture(new Dump(List.of("row"), 41)));
      case "broken" ->
          Optional.of(CompletableFuture.failedFuture(new IllegalStateException("map is gone")));
      default -> Optional.empty();
    };
  }

  @Override
  public CompletionStage<Object> explain(Map<String, String> question) {
    return question.containsKey("source")
        ? CompletableFuture.completedFuture(question)
        : CompletableFuture.failedFuture(new IllegalArgumentException("from whom?"));
  }
}
