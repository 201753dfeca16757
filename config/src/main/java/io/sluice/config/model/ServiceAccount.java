// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

/** v1 ServiceAccount; its labels are in its metadata. */
public record ServiceAccount(ObjectMeta meta) implements Resource {
  @Override
  public Kind kind() {
    return Kind.SERVICE_ACCOUNT;
  }
}
