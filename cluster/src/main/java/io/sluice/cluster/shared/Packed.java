// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.shared;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.Inflater;

/** Bytes on their way: deflated, in parts that each fit into a message. */
final class Packed {
  /** The most bytes of a part. */
  static final int PART = 48 << 10;

  /** The most bytes that parts may grow to: a table of 524,309 slots has about a megabyte. */
  private static final int MAX_WHOLE = 4 << 20;

  private Packed() {}

  /** At least one part. */
  static List<byte[]> pack(byte[] whole) {
    Deflater deflater = new Deflater(Deflater.BEST_SPEED);
    try {
      deflater.setInput(whole);
      deflater.finish();
      List<byte[]> parts = new ArrayList<>();
      byte[] part = new byte[PART];
      while (!deflater.finished()) {
        int length = deflater.deflate(part);
        parts.add(Arrays.copyOf(part, length));
      }
      return parts;
    } finally {
      deflater.end();
    }
  }

  /**
   * @throws IllegalArgumentException if these are not the parts of something
   */
  static byte[] unpack(List<byte[]> parts) {
    Inflater inflater = new Inflater();
    try {
      ByteArrayOutputStream whole = new ByteArrayOutputStream();
      byte[] some = new byte[8192];
      for (byte[] part : parts) {
        inflater.setInput(part);
        for (int n = inflater.inflate(some); n > 0; n = inflater.inflate(some)) {
          whole.write(some, 0, n);
          if (whole.size() > MAX_WHOLE) {
            throw new IllegalArgumentException("more than " + MAX_WHOLE + " bytes");
          }
        }
      }
      if (!inflater.finished()) {
        throw new IllegalArgumentException("a part is missing");
      }
      return whole.toByteArray();
    } catch (DataFormatException e) {
      throw new IllegalArgumentException("not deflated: " + e.getMessage(), e);
    } finally {
      inflater.end();
    }
  }
}
