// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

/** v1 Namespace; its labels are in its metadata. */
public record Namespace(ObjectMeta meta) implements Resource {
  @Override
  public Kind kind() {
    return Kind.NAMESPACE;
  }
}
