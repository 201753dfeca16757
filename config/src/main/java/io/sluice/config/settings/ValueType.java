// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.settings;

import io.sluice.config.model.RawValue;

/** How a setting is read. */
@FunctionalInterface
interface ValueType<T> {
  /**
   * The value that was written.
   *
   * @throws IllegalArgumentException if it is none of this type; the message says why
   */
  T parse(RawValue raw);
}
