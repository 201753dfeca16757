// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

/** A plan has more rules than programs can hold that packets go through. */
public final class PolicyTooLargeException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  PolicyTooLargeException(long rules, long fitting) {
    super("policy has %d rules; about %d fit".formatted(rules, fitting));
  }
}
