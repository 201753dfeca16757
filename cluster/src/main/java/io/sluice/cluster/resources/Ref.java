// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import io.sluice.config.model.Kind;
import io.sluice.config.model.ResourceKey;
import java.util.Optional;

/**
 * What the store calls a resource. A kind is a name here: the store's home may be of an older
 * version than the node that accepted the resource, and need not know it.
 *
 * @param kind as in the manifest; with its group, where two groups have a kind of that name
 * @param namespace empty for a kind that is not namespaced
 */
record Ref(String kind, String namespace, String name) {
  static Ref of(ResourceKey key) {
    return new Ref(key.kind().uniqueName(), key.namespace(), key.name());
  }

  /** As this version knows it; empty if it does not. */
  Optional<ResourceKey> key() {
    return Kind.ofUniqueName(kind).map(k -> new ResourceKey(k, namespace, name));
  }

  @Override
  public String toString() {
    return kind + " " + (namespace.isEmpty() ? name : namespace + "/" + name);
  }
}
