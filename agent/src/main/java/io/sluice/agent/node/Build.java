// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.node;

/** What this program is. */
public final class Build {
  /** The project's version. */
  public static final String VERSION = "0.1.0-SNAPSHOT";

  private Build() {}
}
