// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.management;

import io.sluice.cluster.resources.ResourceApi;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/**
 * What a node tells of itself over HTTP. Values are anything that Jackson writes: records, lists,
 * maps. Implementations answer from actors and never block the caller.
 */
public interface NodeView {
  /** Alive: the agent's actors answer. What is not alive, is to be restarted. */
  CompletionStage<Health> live();

  /** Ready: the source is in sync and applied to the kernel. */
  CompletionStage<Health> ready();

  /** The whole picture of {@code sluice status}. */
  CompletionStage<Object> status();

  /**
   * The rows of one table of the dataplane.
   *
   * @param table a name such as {@code conntrack}
   * @return empty if there is no such table
   */
  Optional<CompletionStage<Dump>> dump(String table);

  /**
   * What would become of a packet, and why.
   *
   * @param question what {@code sluice explain} takes, by name
   * @return fails with an {@link IllegalArgumentException} that says what is wrong with the
   *     question
   */
  CompletionStage<Object> explain(Map<String, String> question);

  /** The resources that the node has, and may be told to keep. */
  ResourceApi resources();

  /**
   * A part of a table, or all of it.
   *
   * @param omitted how many rows are missing, because nobody should hold them all in memory
   */
  record Dump(List<?> rows, long omitted) {
    public Dump {
      rows = List.copyOf(rows);
    }
  }
}
