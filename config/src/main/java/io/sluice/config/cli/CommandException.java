// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.cli;

/** A command cannot do what it was asked: one line for people, and the exit code 1. */
public final class CommandException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * @param what one line that says what to do
   */
  public CommandException(String what) {
    super(what);
  }
}
