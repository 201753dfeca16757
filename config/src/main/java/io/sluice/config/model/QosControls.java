// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

import java.util.OptionalInt;

/**
 * How much a workload may send and get, and how what it sends is marked. Names are Calico's.
 *
 * @param ingress what it gets
 * @param egress what it sends
 * @param dscp of what it sends out of the cluster, 0..63
 */
public record QosControls(Limits ingress, Limits egress, OptionalInt dscp) {
  /** No limit, no mark. */
  public static final QosControls NONE =
      new QosControls(Limits.NONE, Limits.NONE, OptionalInt.empty());

  /**
   * Bits that may be sent at once where nobody says: as many as an unsigned 32-bit number of bytes.
   */
  public static final long DEFAULT_BURST = 8L * 0xffff_ffffL;

  /** Packets that may be sent at once where nobody says. */
  public static final int DEFAULT_PACKET_BURST = 5;

  /**
   * Limits of one direction; 0: none.
   *
   * @param bandwidth bits a second
   * @param burst bits; with a bandwidth not 0
   * @param packetRate packets a second
   * @param packetBurst packets; with a packet rate not 0
   * @param connections TCP connections that are open at a time, up to 2^32 - 1
   */
  public record Limits(
      long bandwidth, long burst, int packetRate, int packetBurst, long connections) {
    public static final Limits NONE = new Limits(0, 0, 0, 0, 0);
  }
}
