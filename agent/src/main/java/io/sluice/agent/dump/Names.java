// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.dump;

import io.sluice.kernel.layout.Ip;

/** What people call what maps know by number. */
@FunctionalInterface
public interface Names {
  /** Where nobody knows names: with the agent away, numbers are all there is. */
  Names UNKNOWN = id -> "#" + Integer.toUnsignedString(id);

  /**
   * The service of an ID, as {@code namespace/name:port}.
   *
   * @return the number itself if it is not known
   */
  String service(int id);

  /**
   * The node with this address in the underlay.
   *
   * @return the address itself if it is not known
   */
  default String node(Ip address) {
    return address.toString();
  }

  /** This node; empty if it is not known. */
  default String thisNode() {
    return "";
  }

  /**
   * How an endpoint is, by what the source says.
   *
   * @param service as {@link #service} names it
   * @return {@code ready}, {@code terminating}, {@code unready}; {@code live} if nobody knows
   */
  default String endpoint(String service, Ip address, int port) {
    return "live";
  }
}
