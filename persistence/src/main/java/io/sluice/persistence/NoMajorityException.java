// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

/**
 * Fewer copies of the shared state answered than decide. A read has changed nothing; of a write
 * nobody knows: it may have taken effect or may yet, until the next recovery settles it.
 */
public class NoMajorityException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  NoMajorityException(String message) {
    super(message);
  }
}
