// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

/** The journal cannot be used; the message is one line that says what to do. */
public class JournalException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public JournalException(String message, Throwable cause) {
    super(message, cause);
  }
}
