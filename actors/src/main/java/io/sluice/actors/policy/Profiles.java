// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.kernel.policy.Action;
import java.util.Optional;

/** The profiles that endpoints have without anybody having written them. */
final class Profiles {
  /** Before a namespace's name: the profile of its pods, which allows all. */
  static final String NAMESPACE_PREFIX = "kns.";

  /** Before a service account's namespace and name: a profile without rules. */
  static final String SERVICE_ACCOUNT_PREFIX = "ksa.";

  /** Allows all; for host endpoints. */
  static final String DEFAULT_ALLOW = "projectcalico-default-allow";

  private Profiles() {}

  /** Whether it needs no resource. */
  static boolean isBuiltIn(String name) {
    return name.startsWith(NAMESPACE_PREFIX)
        || name.startsWith(SERVICE_ACCOUNT_PREFIX)
        || name.equals(DEFAULT_ALLOW);
  }

  /** What it does with everything where there is no resource; empty: nothing. */
  static Optional<Action> action(String name) {
    return isBuiltIn(name) && !name.startsWith(SERVICE_ACCOUNT_PREFIX)
        ? Optional.of(Action.ALLOW)
        : Optional.empty();
  }
}
