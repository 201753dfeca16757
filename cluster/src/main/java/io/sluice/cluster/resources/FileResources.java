// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import io.sluice.config.model.Kind;
import io.sluice.config.source.Snapshot;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;

/** Of a node whose resources come from a folder: they are changed there, and nowhere else. */
public final class FileResources implements ResourceApi {
  private final Path folder;
  private final ResourceReader reader;

  /**
   * @param view what the source has said last
   */
  public FileResources(Path folder, Supplier<Snapshot> view) {
    this.folder = folder;
    this.reader = new ResourceReader(view);
  }

  private CompletionStage<Reply> refusal() {
    String reason =
        "this node's source is the folder "
            + folder
            + ": change the files there, or set source.type = cluster";
    return CompletableFuture.completedFuture(Reply.error(409, List.of(reason)));
  }

  @Override
  public CompletionStage<Reply> apply(Manifests manifests, boolean dryRun) {
    return refusal();
  }

  @Override
  public CompletionStage<Reply> delete(Manifests manifests, boolean dryRun) {
    return refusal();
  }

  @Override
  public CompletionStage<Reply> delete(
      Kind kind, String namespace, String name, long resourceVersion, boolean dryRun) {
    return refusal();
  }

  @Override
  public Reply get(Kind kind, String namespace, String name) {
    return reader.get(kind, namespace, name);
  }

  @Override
  public Reply list(Kind kind, Optional<String> namespace) {
    return reader.list(kind, namespace);
  }
}
