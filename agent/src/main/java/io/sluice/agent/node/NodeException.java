// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.node;

/** Something about this node keeps it from what was asked: one line that says what to do. */
public final class NodeException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * @param what one line for people
   */
  public NodeException(String what) {
    super(what);
  }

  NodeException(String what, Throwable cause) {
    super(what, cause);
  }
}
