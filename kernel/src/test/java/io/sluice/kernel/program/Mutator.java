// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Makes bad packets of good ones, the same for the same seed. */
final class Mutator {
  /** Where headers are: most changes go there, for payload is looked at by nobody. */
  private static final int HEADERS = 120;

  private static final int ETHERNET = 14;
  private static final int[] INTERESTING = {0, 1, 0x7f, 0x80, 0xff, 4, 6, 17, 20, 44, 58, 132, 5};

  private final Random random;
  private final List<byte[]> seeds;

  Mutator(long seed, List<byte[]> seeds) {
    this.random = new Random(seed);
    this.seeds = seeds;
  }

  /** A seed as it is, a seed with a few changes, or noise behind a right Ethernet header. */
  byte[] next() {
    byte[] seed = seeds.get(random.nextInt(seeds.size()));
    int kind = random.nextInt(16);
    if (kind == 0) {
      return seed;
    } else if (kind == 1) {
      return noise(seed);
    }
    byte[] frame = seed.clone();
    for (int changes = 1 + random.nextInt(4); changes > 0; changes--) {
      frame = change(frame);
    }
    return frame;
  }

  /** The family's header must be there as a whole, or the kernel refuses the run. */
  static int least(byte[] frame) {
    return ETHERNET + (frame[12] == 8 ? 20 : 40);
  }

  private byte[] noise(byte[] seed) {
    byte[] frame = new byte[least(seed) + random.nextInt(200)];
    random.nextBytes(frame);
    System.arraycopy(seed, 0, frame, 0, ETHERNET);
    if (random.nextBoolean()) {
      frame[ETHERNET] = seed[ETHERNET];
    }
    return frame;
  }

  private byte[] change(byte[] frame) {
    int at = ETHERNET + random.nextInt(Math.min(frame.length, HEADERS) - ETHERNET);
    switch (random.nextInt(8)) {
      case 0 -> frame[at] ^= (byte) (1 << random.nextInt(8));
      case 1 -> frame[at] = (byte) random.nextInt(256);
      case 2, 3 -> frame[at] = (byte) INTERESTING[random.nextInt(INTERESTING.length)];
      case 4 -> frame[at] += (byte) (random.nextBoolean() ? 1 : -1);
      case 5 -> {
        int least = least(frame);
        return Arrays.copyOf(frame, least + random.nextInt(frame.length - least + 1));
      }
      case 6 -> {
        return Arrays.copyOf(frame, frame.length + random.nextInt(40));
      }
      default -> {
        int to = ETHERNET + random.nextInt(frame.length - ETHERNET);
        int length = Math.min(random.nextInt(16), frame.length - Math.max(at, to));
        System.arraycopy(frame, at, frame, to, Math.max(0, length));
      }
    }
    return frame;
  }
}
