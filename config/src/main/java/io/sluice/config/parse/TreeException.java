// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

/** A document is no tree: its syntax is wrong, or it is too big. */
final class TreeException extends Exception {
  private static final long serialVersionUID = 1L;

  private final int line;

  TreeException(int line, String reason) {
    super(reason);
    this.line = line;
  }

  int line() {
    return line;
  }
}
