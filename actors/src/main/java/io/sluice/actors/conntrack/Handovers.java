// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.conntrack;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;

/**
 * Addresses of one family that have another owner than before, or none, to be looked up as they lie
 * in a map's buffers: a pass over half a million entries makes no object by it.
 */
final class Handovers {
  /**
   * What has become of an address.
   *
   * @param at when (jiffies); entries that were made later are the new owner's
   * @param nobodys whether nobody has it now
   */
  record Handover(int at, boolean nobodys) {}

  private final boolean wide;
  private final int mask;
  private final long[] highs;
  private final long[] lows;
  private final Handover[] handovers;
  private final int size;

  Handovers(Family family, Map<Ip, Handover> byAddress) {
    wide = family == Family.IPV6;
    int room = Integer.highestOneBit(Math.max(4, 4 * byAddress.size()));
    mask = room - 1;
    highs = new long[room];
    lows = new long[room];
    handovers = new Handover[room];
    int count = 0;
    for (Map.Entry<Ip, Handover> entry : byAddress.entrySet()) {
      if (entry.getKey().family() == family) {
        put(entry.getKey(), entry.getValue());
        count++;
      }
    }
    size = count;
  }

  /** How many addresses there are. */
  int size() {
    return size;
  }

  private void put(Ip address, Handover handover) {
    ByteBuffer bytes = ByteBuffer.wrap(address.bytes()).order(ByteOrder.nativeOrder());
    long high = high(bytes, 0);
    long low = low(bytes, 0);
    int slot = slot(high, low);
    highs[slot] = high;
    lows[slot] = low;
    handovers[slot] = handover;
  }

  private long high(ByteBuffer buffer, int at) {
    return wide ? buffer.getLong(at) : 0;
  }

  private long low(ByteBuffer buffer, int at) {
    return wide ? buffer.getLong(at + Long.BYTES) : buffer.getInt(at);
  }

  /** Where an address is, or would be: three quarters of the slots are free. */
  private int slot(long high, long low) {
    long h = (high * 31 + low) * 0x9e3779b97f4a7c15L;
    int slot = (int) (h >>> 32) & mask;
    while (handovers[slot] != null && (highs[slot] != high || lows[slot] != low)) {
      slot = slot + 1 & mask;
    }
    return slot;
  }

  /** What has become of the address that lies there; null: nothing. */
  Handover find(ByteBuffer buffer, int at) {
    return handovers[slot(high(buffer, at), low(buffer, at))];
  }
}
