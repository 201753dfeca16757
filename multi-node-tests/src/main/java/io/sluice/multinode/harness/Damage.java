// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.harness;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/** What may happen to a file on a disk. */
public enum Damage {
  /** Its second half is gone. */
  CUT {
    @Override
    byte[] done(byte[] bytes) {
      return java.util.Arrays.copyOf(bytes, bytes.length / 2);
    }
  },
  /** A quarter of it, in the middle, is zeros. */
  HOLE {
    @Override
    byte[] done(byte[] bytes) {
      int quarter = bytes.length / 4;
      java.util.Arrays.fill(
          bytes, bytes.length / 2 - quarter / 2, bytes.length / 2 + quarter, (byte) 0);
      return bytes;
    }
  },
  /** It is as long as it was, and holds anything. */
  NOISE {
    @Override
    byte[] done(byte[] bytes) {
      new Random(bytes.length).nextBytes(bytes);
      return bytes;
    }
  },
  /** It is there, with nothing in it. */
  EMPTY {
    @Override
    byte[] done(byte[] bytes) {
      return new byte[0];
    }
  };

  abstract byte[] done(byte[] bytes);

  void to(Path file) throws IOException {
    // In place: whoever has it open sees it, too.
    Files.write(file, done(Files.readAllBytes(file)));
  }
}
