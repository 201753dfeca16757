// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

/** Another recovery of the same state came later: this home of it must not write any more. */
public class FencedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  FencedException(String message) {
    super(message);
  }
}
