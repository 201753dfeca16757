// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.dsr;

import io.sluice.config.model.Cidr;
import io.sluice.config.model.IpAddress;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeSet;

/**
 * A list of networks as bytes that do not depend on their order: format (1 byte, 1), number (2, big
 * endian); then for each, sorted, the length of its prefix (1), of its address (1), and the
 * address.
 */
public final class OptOutList {
  /** The most networks: what the cluster stores of them must stay below 48 KiB. */
  public static final int MAX_NETWORKS = 2048;

  private static final byte FORMAT = 1;

  private OptOutList() {}

  /**
   * @throws IllegalArgumentException if they are too many
   */
  public static byte[] bytes(Collection<Cidr> networks) {
    TreeSet<Cidr> sorted = new TreeSet<>(networks);
    if (sorted.size() > MAX_NETWORKS) {
      throw new IllegalArgumentException(
          sorted.size() + " networks are more than " + MAX_NETWORKS + ": join neighbouring ones");
    }
    ByteBuffer out = ByteBuffer.allocate(3 + 18 * sorted.size());
    out.put(FORMAT).putShort((short) sorted.size());
    for (Cidr network : sorted) {
      byte[] address = network.address().bytes();
      out.put((byte) network.prefix()).put((byte) address.length).put(address);
    }
    byte[] bytes = new byte[out.position()];
    out.get(0, bytes);
    return bytes;
  }

  /**
   * The reverse of {@link #bytes}.
   *
   * @throws IllegalArgumentException if these are not the bytes of a list
   */
  public static List<Cidr> parse(byte[] bytes) {
    try {
      ByteBuffer in = ByteBuffer.wrap(bytes);
      if (in.get() != FORMAT) {
        throw new IllegalArgumentException("not a list of networks of format " + FORMAT);
      }
      int count = Short.toUnsignedInt(in.getShort());
      List<Cidr> networks = new ArrayList<>(count);
      for (int i = 0; i < count; i++) {
        int prefix = Byte.toUnsignedInt(in.get());
        byte[] address = new byte[Byte.toUnsignedInt(in.get())];
        in.get(address);
        networks.add(new Cidr(IpAddress.of(address), prefix));
      }
      if (in.hasRemaining()) {
        throw new IllegalArgumentException("more bytes than " + count + " networks take");
      }
      return networks;
    } catch (BufferUnderflowException e) {
      throw new IllegalArgumentException("fewer bytes than the networks take", e);
    }
  }
}
