// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.testing;

import io.sluice.kernel.layout.Ip;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The hash of tuple_hash.h, written down a second time: MurmurHash3_x86_32 with seed 0. */
public final class TupleHash {
  private TupleHash() {}

  /** The hash of a packet from a client to a frontend. */
  public static int of(Ip saddr, Ip daddr, int sport, int dport, int proto) {
    byte[] source = saddr.bytes();
    byte[] destination = daddr.bytes();
    ByteBuffer bytes = ByteBuffer.allocate(source.length + destination.length + 8);
    bytes.put(source).put(destination);
    bytes.putShort((short) sport).putShort((short) dport).put((byte) proto);
    return murmur3(bytes.array());
  }

  /** Of bytes whose number is a multiple of four. */
  static int murmur3(byte[] bytes) {
    ByteBuffer words = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int hash = 0;
    while (words.hasRemaining()) {
      hash ^= Integer.rotateLeft(words.getInt() * 0xcc9e2d51, 15) * 0x1b873593;
      hash = Integer.rotateLeft(hash, 13) * 5 + 0xe6546b64;
    }
    hash ^= bytes.length;
    hash = (hash ^ hash >>> 16) * 0x85ebca6b;
    hash = (hash ^ hash >>> 13) * 0xc2b2ae35;
    return hash ^ hash >>> 16;
  }
}
