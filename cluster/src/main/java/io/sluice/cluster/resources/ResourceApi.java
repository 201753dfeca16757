// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import io.sluice.config.model.Kind;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/** Resources over HTTP: what a node is told to keep, and what it has. Never blocks the caller. */
public interface ResourceApi {
  /** Bytes that one request may have. */
  int MOST_REQUEST_BYTES = 16 << 20;

  /** Bytes that one resource may have, as JSON: a policy of 10,000 rules has most of them. */
  int MOST_RESOURCE_BYTES = 1 << 20;

  /**
   * An answer.
   *
   * @param status of HTTP
   * @param body anything that Jackson writes, or JSON as bytes
   */
  record Reply(int status, Object body) {
    public static Reply error(int status, List<String> reasons) {
      return new Reply(status, new Errors("error", reasons));
    }
  }

  /** What an error says: one line each. */
  record Errors(String status, List<String> reasons) {}

  /**
   * What became of a request.
   *
   * @param version of the store with it
   * @param warnings one line each
   */
  record Changes(long version, boolean dryRun, List<Change> results, List<String> warnings) {}

  /**
   * What became of a resource.
   *
   * @param result created, configured, unchanged, deleted or not found
   */
  record Change(String kind, String namespace, String name, String result) {}

  /**
   * Manifests.
   *
   * @param file their name, for messages; one that ends in {@code .json} is read as JSON
   */
  record Manifests(String file, byte[] content) {}

  /** Stores them all, or nothing. */
  CompletionStage<Reply> apply(Manifests manifests, boolean dryRun);

  /** Deletes what they name, all or nothing; the rest of what they say does not matter. */
  CompletionStage<Reply> delete(Manifests manifests, boolean dryRun);

  /**
   * Deletes one.
   *
   * @param resourceVersion that it must have; 0: any
   */
  CompletionStage<Reply> delete(
      Kind kind, String namespace, String name, long resourceVersion, boolean dryRun);

  /** One, as it is stored. */
  Reply get(Kind kind, String namespace, String name);

  /**
   * All of a kind, in the order of their names.
   *
   * @param namespace absent: of all namespaces
   */
  Reply list(Kind kind, Optional<String> namespace);
}
