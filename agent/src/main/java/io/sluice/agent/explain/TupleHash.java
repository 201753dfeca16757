// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.explain;

import io.sluice.kernel.layout.Ip;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The hash of tuple_hash.h: MurmurHash3_x86_32 with seed 0. */
final class TupleHash {
  private static final int PORTS_AND_PROTOCOL = 8;

  private TupleHash() {}

  static int of(Ip saddr, Ip daddr, int sport, int dport, int protocol) {
    byte[] source = saddr.bytes();
    byte[] destination = daddr.bytes();
    ByteBuffer bytes =
        ByteBuffer.allocate(source.length + destination.length + PORTS_AND_PROTOCOL)
            .order(ByteOrder.BIG_ENDIAN);
    bytes.put(source).put(destination);
    bytes.putShort((short) sport).putShort((short) dport).put((byte) protocol);
    bytes.rewind().order(ByteOrder.LITTLE_ENDIAN);
    int hash = 0;
    while (bytes.hasRemaining()) {
      hash ^= Integer.rotateLeft(bytes.getInt() * 0xcc9e2d51, 15) * 0x1b873593;
      hash = Integer.rotateLeft(hash, 13) * 5 + 0xe6546b64;
    }
    hash ^= bytes.capacity();
    hash = (hash ^ hash >>> 16) * 0x85ebca6b;
    hash = (hash ^ hash >>> 13) * 0xc2b2ae35;
    return hash ^ hash >>> 16;
  }
}
