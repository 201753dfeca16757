// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.management;

/** Why the node's HTTP cannot be served; the message is one line that says what to do. */
public final class ManagementException extends RuntimeException {
  private static final long serialVersionUID = 1;

  ManagementException(String message, Throwable cause) {
    super(message, cause);
  }
}
