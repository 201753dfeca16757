// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

import java.util.Comparator;

/**
 * What identifies a resource.
 *
 * @param namespace empty for a kind that is not namespaced
 */
public record ResourceKey(Kind kind, String namespace, String name)
    implements Comparable<ResourceKey> {
  private static final Comparator<ResourceKey> ORDER =
      Comparator.comparing(ResourceKey::kind)
          .thenComparing(ResourceKey::namespace)
          .thenComparing(ResourceKey::name);

  @Override
  public int compareTo(ResourceKey other) {
    return ORDER.compare(this, other);
  }

  /** {@code namespace/name}, or the name alone where there is no namespace. */
  public String path() {
    return namespace.isEmpty() ? name : namespace + "/" + name;
  }

  /** {@code Kind namespace/name}. */
  @Override
  public String toString() {
    return kind + " " + path();
  }
}
