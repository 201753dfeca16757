// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

/**
 * What a manifest may cost. Beyond it, it is refused.
 *
 * @param fileBytes size of a file
 * @param depth of maps and lists in each other
 * @param values in one document, each use of an alias counted with all that it stands for
 */
public record Limits(int fileBytes, int depth, int values) {
  /** Room for a list of 10,000 services in one file. */
  public static final Limits DEFAULT = new Limits(16 << 20, 64, 1_000_000);
}
