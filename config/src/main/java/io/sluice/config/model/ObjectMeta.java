// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/**
 * What all resources have. Texts that the manifest does not give are empty.
 *
 * @param namespace {@code default} where a namespaced kind gives none; empty for other kinds
 * @param creationTimestamp when the API server made it; manifests seldom say
 */
public record ObjectMeta(
    String name,
    String namespace,
    Map<String, String> labels,
    Map<String, String> annotations,
    String resourceVersion,
    String uid,
    Optional<Instant> creationTimestamp) {
  public ObjectMeta {
    labels = Map.copyOf(labels);
    annotations = Map.copyOf(annotations);
  }

  /** With a name and a namespace alone. */
  public static ObjectMeta of(String namespace, String name) {
    return new ObjectMeta(name, namespace, Map.of(), Map.of(), "", "", Optional.empty());
  }
}
