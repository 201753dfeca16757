// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.shared;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** A name for bytes, by which nodes compare what they have. */
public final class Digest {
  private static final int BYTES = 8;

  private Digest() {}

  /** The first 8 bytes of SHA-256, as 16 hexadecimal digits. */
  public static String of(byte[] bytes) {
    try {
      byte[] sha = MessageDigest.getInstance("SHA-256").digest(bytes);
      return HexFormat.of().formatHex(sha, 0, BYTES);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
