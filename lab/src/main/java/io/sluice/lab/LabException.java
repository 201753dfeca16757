// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab;

/**
 * Something that keeps the lab from doing what was asked; the message says what to do, in a line.
 */
public final class LabException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public LabException(String message) {
    super(message);
  }

  public LabException(String message, Throwable cause) {
    super(message, cause);
  }
}
