// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.dump;

/** What people call what maps know by number. */
public interface Names {
  /** Where nobody knows names: with the agent away, numbers are all there is. */
  Names UNKNOWN = id -> "#" + Integer.toUnsignedString(id);

  /**
   * The service of an ID, as {@code namespace/name:port}.
   *
   * @return the number itself if it is not known
   */
  String service(int id);
}
