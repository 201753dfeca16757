// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

import java.nio.ByteBuffer;

/**
 * What accompanies a packet in a test run: the fields of struct __sk_buff that the kernel takes and
 * gives back. The protocol is not among them: the kernel reads it from the Ethernet header.
 *
 * @param mark skb->mark
 * @param priority skb->priority
 * @param ingressIfindex the interface by which it came in; 0: none
 * @param ifindex the interface it is on; 0: the kernel takes loopback
 * @param cb five words
 * @param wireLength bytes on the wire; 0: the packet's own length
 * @param gsoSegments segments of a GSO packet; 0: none
 * @param gsoSize bytes of payload in a segment; 0: no GSO
 */
public record SkbContext(
    int mark,
    int priority,
    int ingressIfindex,
    int ifindex,
    int cb0,
    int cb1,
    int cb2,
    int cb3,
    int cb4,
    int wireLength,
    int gsoSegments,
    int gsoSize) {
  /** All zeroes. */
  public static final SkbContext EMPTY = new SkbContext(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

  static final int SIZE = 192;

  /** On an interface of the caller's network namespace. */
  public SkbContext onInterface(int index) {
    return new SkbContext(
        mark, priority, index, index, cb0, cb1, cb2, cb3, cb4, wireLength, gsoSegments, gsoSize);
  }

  public SkbContext withMark(int newMark) {
    return new SkbContext(
        newMark,
        priority,
        ingressIfindex,
        ifindex,
        cb0,
        cb1,
        cb2,
        cb3,
        cb4,
        wireLength,
        gsoSegments,
        gsoSize);
  }

  /** With the two words that the packet path uses as continuations. */
  public SkbContext withCb(int first, int second) {
    return new SkbContext(
        mark,
        priority,
        ingressIfindex,
        ifindex,
        first,
        second,
        cb2,
        cb3,
        cb4,
        wireLength,
        gsoSegments,
        gsoSize);
  }

  public SkbContext withGso(int segments, int size) {
    return new SkbContext(
        mark,
        priority,
        ingressIfindex,
        ifindex,
        cb0,
        cb1,
        cb2,
        cb3,
        cb4,
        wireLength,
        segments,
        size);
  }

  void encode(ByteBuffer b) {
    b.putInt(8, mark).putInt(32, priority).putInt(36, ingressIfindex).putInt(40, ifindex);
    b.putInt(48, cb0).putInt(52, cb1).putInt(56, cb2).putInt(60, cb3).putInt(64, cb4);
    b.putInt(160, wireLength).putInt(164, gsoSegments).putInt(176, gsoSize);
  }

  static SkbContext decode(ByteBuffer b) {
    return new SkbContext(
        b.getInt(8),
        b.getInt(32),
        b.getInt(36),
        b.getInt(40),
        b.getInt(48),
        b.getInt(52),
        b.getInt(56),
        b.getInt(60),
        b.getInt(64),
        b.getInt(160),
        b.getInt(164),
        b.getInt(176));
  }
}
