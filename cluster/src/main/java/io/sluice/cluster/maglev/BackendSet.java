// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.maglev;

import io.sluice.config.model.IpAddress;
import io.sluice.config.model.IpFamily;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeMap;

/**
 * The backends of a Maglev service: sorted, each address and port once, all of one family. Two sets
 * of the same backends are the same bytes, in whatever order the backends came.
 *
 * <p>Bytes, big endian: format (1 byte, 1), family (1 byte, 4 or 6), number of backends (2), the
 * port that all have (2; 0: each has its own), the weight that all have (1; 0: each has its own);
 * then for each backend its address (4 or 16), its port (2) and its weight (1), the latter two only
 * where there is none for all.
 */
public final class BackendSet {
  /** The most backends of one service; the limit that Calico gives its setting. */
  public static final int MAX_BACKENDS = 3000;

  /**
   * The most bytes of one set: what the cluster stores of a service must stay below 48 KiB. 3,000
   * IPv6 backends of one port and one weight have room.
   */
  public static final int MAX_BYTES = 48_256;

  private static final byte FORMAT = 1;
  private static final int HEADER = 7;

  private final IpFamily family;
  private final List<Backend> backends;

  private BackendSet(IpFamily family, List<Backend> backends) {
    this.family = family;
    this.backends = backends;
  }

  /**
   * Sorts the backends. Of two with one address and port the heavier counts.
   *
   * @throws IllegalArgumentException if one is of the other family, or they are too many
   */
  public static BackendSet of(IpFamily family, Collection<Backend> backends) {
    TreeMap<Backend, Backend> distinct = new TreeMap<>();
    for (Backend backend : backends) {
      if (backend.address().family() != family) {
        throw new IllegalArgumentException(backend + " is not of family " + family);
      }
      distinct.merge(
          new Backend(backend.address(), backend.port(), 1),
          backend,
          (a, b) -> a.weight() >= b.weight() ? a : b);
    }
    if (distinct.size() > MAX_BACKENDS) {
      throw new IllegalArgumentException(
          distinct.size() + " backends are more than " + MAX_BACKENDS);
    }
    return new BackendSet(family, List.copyOf(distinct.values()));
  }

  public IpFamily family() {
    return family;
  }

  /** In order. */
  public List<Backend> backends() {
    return backends;
  }

  /** The canonical bytes. */
  public byte[] bytes() {
    int port = backends.isEmpty() ? 0 : backends.get(0).port();
    int weight = backends.isEmpty() ? 0 : backends.get(0).weight();
    for (Backend backend : backends) {
      port = backend.port() == port ? port : 0;
      weight = backend.weight() == weight ? weight : 0;
    }
    int each = family.bits() / 8 + (port == 0 ? 2 : 0) + (weight == 0 ? 1 : 0);
    ByteBuffer bytes = ByteBuffer.allocate(HEADER + each * backends.size());
    bytes.put(FORMAT).put((byte) (family == IpFamily.IPV4 ? 4 : 6));
    bytes.putShort((short) backends.size()).putShort((short) port).put((byte) weight);
    for (Backend backend : backends) {
      bytes.put(backend.address().bytes());
      if (port == 0) {
        bytes.putShort((short) backend.port());
      }
      if (weight == 0) {
        bytes.put((byte) backend.weight());
      }
    }
    return bytes.array();
  }

  /** How many backends a set has, by its bytes; 0 if these are not the bytes of a set. */
  static int count(byte[] bytes) {
    return bytes.length < HEADER ? 0 : Short.toUnsignedInt(ByteBuffer.wrap(bytes).getShort(2));
  }

  /**
   * The reverse of {@link #bytes}.
   *
   * @throws IllegalArgumentException if these are not the bytes of a set
   */
  public static BackendSet parse(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.BIG_ENDIAN);
    if (bytes.length < HEADER || in.get() != FORMAT) {
      throw new IllegalArgumentException("not a set of backends of format " + FORMAT);
    }
    IpFamily family = in.get() == 4 ? IpFamily.IPV4 : IpFamily.IPV6;
    int count = Short.toUnsignedInt(in.getShort());
    int port = Short.toUnsignedInt(in.getShort());
    int weight = Byte.toUnsignedInt(in.get());
    int each = family.bits() / 8 + (port == 0 ? 2 : 0) + (weight == 0 ? 1 : 0);
    if (in.remaining() != each * count) {
      throw new IllegalArgumentException("a set of " + count + " backends of another length");
    }
    List<Backend> backends = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      byte[] address = new byte[family.bits() / 8];
      in.get(address);
      backends.add(
          new Backend(
              IpAddress.of(address),
              port == 0 ? Short.toUnsignedInt(in.getShort()) : port,
              weight == 0 ? Byte.toUnsignedInt(in.get()) : weight));
    }
    return of(family, backends);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof BackendSet set && family == set.family && backends.equals(set.backends);
  }

  @Override
  public int hashCode() {
    return 31 * family.hashCode() + backends.hashCode();
  }

  @Override
  public String toString() {
    return backends.toString();
  }
}
