// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.cli;

/** How a command prints: for people, for people with patience, or for scripts. */
public enum Output {
  /** Columns, the usual ones. */
  table,
  /** Columns, all of them. */
  wide,
  /** One JSON document. */
  json
}
