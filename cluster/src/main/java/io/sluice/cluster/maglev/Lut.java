// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.maglev;

import io.sluice.cluster.shared.Digest;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.IpFamily;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A Maglev look-up table: for each slot a backend. A pure function of the set of backends, defined
 * by bytes (docs/design/maglev.md has the definition and test vectors), so that any machine, and
 * any other implementation, gets the same one.
 */
public final class Lut {
  /**
   * The algorithm that {@link #compute} is: another result from the same input is another number.
   */
  public static final int ALGORITHM = 1;

  /** Sizes of tables: primes, each about twice the one before. */
  static final int[] SIZES = {65_537, 131_071, 262_147, 524_309};

  /** A table has at least so many slots for each backend. */
  static final int SLOTS_PER_BACKEND = 100;

  private static final char FREE = 0xffff;
  private static final byte[] SEED = "sluice-maglev-1".getBytes(StandardCharsets.US_ASCII);

  private final IpFamily family;
  private final List<Member> members;
  private final char[] slots;

  /** A backend of the table; its weight shows in its slots. */
  public record Member(IpAddress address, int port) implements Comparable<Member> {
    @Override
    public int compareTo(Member other) {
      int byAddress = address.compareTo(other.address);
      return byAddress != 0 ? byAddress : Integer.compare(port, other.port);
    }

    @Override
    public String toString() {
      return (address.isIpv6() ? "[" + address + "]" : address.toString()) + ":" + port;
    }
  }

  private Lut(IpFamily family, List<Member> members, char[] slots) {
    this.family = family;
    this.members = List.copyOf(members);
    this.slots = slots;
  }

  /** Slots of a table for that many backends; none without backends. */
  public static int sizeFor(int backends) {
    if (backends == 0) {
      return 0;
    }
    for (int size : SIZES) {
      if (size >= (long) backends * SLOTS_PER_BACKEND) {
        return size;
      }
    }
    throw new IllegalArgumentException("no table is large enough for " + backends + " backends");
  }

  /** The table of a set of backends. */
  public static Lut compute(BackendSet set) {
    List<Backend> backends = set.backends();
    List<Member> members =
        backends.stream().map(backend -> new Member(backend.address(), backend.port())).toList();
    char[] slots = new char[sizeFor(backends.size())];
    fill(slots, backends);
    return new Lut(set.family(), members, slots);
  }

  /**
   * A table that was found somewhere.
   *
   * @param slots for each slot, the index of its member; becomes the table's
   */
  public static Lut of(IpFamily family, List<Member> members, char[] slots) {
    for (char member : slots) {
      if (member >= members.size()) {
        throw new IllegalArgumentException("a slot of member " + (int) member + " of none");
      }
    }
    return new Lut(family, members, slots);
  }

  /**
   * Backends take turns, and each takes the next slot of its own permutation that is still free,
   * until all are taken. A backend of less than the greatest weight lets turns pass: it collects
   * its weight in each round, and takes a turn for each greatest weight that it has.
   */
  private static void fill(char[] slots, List<Backend> backends) {
    int size = slots.length;
    if (size == 0) {
      return;
    }
    int count = backends.size();
    int[] next = new int[count];
    int[] skip = new int[count];
    int[] weight = new int[count];
    int[] credit = new int[count];
    int greatest = permutations(backends, size, next, skip, weight);
    Arrays.fill(slots, FREE);
    int left = size;
    while (true) {
      for (int i = 0; i < count; i++) {
        int has = credit[i] + weight[i];
        if (has < greatest) {
          credit[i] = has;
          continue;
        }
        credit[i] = has - greatest;
        int slot = next[i];
        int step = skip[i];
        while (slots[slot] != FREE) {
          slot += step;
          if (slot >= size) {
            slot -= size;
          }
        }
        slots[slot] = (char) i;
        slot += step;
        next[i] = slot >= size ? slot - size : slot;
        if (--left == 0) {
          return;
        }
      }
    }
  }

  /**
   * First slot and step of each backend, from SHA-256 of seed, address (4 or 16 bytes) and port
   * (2): bytes 0 to 7 modulo the size are the first slot, bytes 8 to 15 modulo the size less one,
   * plus one, the step; both are unsigned and big endian.
   *
   * @return the greatest weight
   */
  private static int permutations(
      List<Backend> backends, int size, int[] first, int[] step, int[] weight) {
    MessageDigest sha = sha256();
    int greatest = 0;
    for (int i = 0; i < first.length; i++) {
      Backend backend = backends.get(i);
      sha.update(SEED);
      sha.update(backend.address().bytes());
      sha.update((byte) (backend.port() >>> 8));
      sha.update((byte) backend.port());
      ByteBuffer hash = ByteBuffer.wrap(sha.digest());
      first[i] = (int) Long.remainderUnsigned(hash.getLong(0), size);
      step[i] = (int) Long.remainderUnsigned(hash.getLong(8), size - 1) + 1;
      weight[i] = backend.weight();
      greatest = Math.max(greatest, weight[i]);
    }
    return greatest;
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  public IpFamily family() {
    return family;
  }

  /** The backends, in order; a slot holds an index in this list. */
  public List<Member> members() {
    return members;
  }

  /** How many slots there are; 0: no backends. */
  public int size() {
    return slots.length;
  }

  /** The index of the backend in a slot. */
  public int member(int slot) {
    return slots[slot];
  }

  /**
   * The slot of a flow: the hash scaled to the size, without a division.
   *
   * @param hash of the tuple, 32 bits, as {@code tuple_hash()} in maglev.h makes it
   */
  public int slotOf(int hash) {
    return (int) (Integer.toUnsignedLong(hash) * slots.length >>> 32);
  }

  /** The slot of the flows in the middle of a slot of a table of that many slots. */
  int slotOfMiddle(int slot, int size) {
    return size == slots.length ? slot : slotOf((int) (((2L * slot + 1) << 31) / size));
  }

  /** How many slots each member has. */
  public int[] spread() {
    int[] spread = new int[members.size()];
    for (char member : slots) {
      spread[member]++;
    }
    return spread;
  }

  /**
   * The table as bytes, big endian: family (1 byte, 4 or 6), number of members (2), slots (4), each
   * member's address (4 or 16) and port (2), each slot's member (2).
   */
  public byte[] bytes() {
    int each = family.bits() / 8 + 2;
    ByteBuffer out = ByteBuffer.allocate(7 + each * members.size() + 2 * slots.length);
    out.put((byte) (family == IpFamily.IPV4 ? 4 : 6));
    out.putShort((short) members.size()).putInt(slots.length);
    for (Member member : members) {
      out.put(member.address().bytes()).putShort((short) member.port());
    }
    out.asCharBuffer().put(slots);
    return out.array();
  }

  /**
   * The reverse of {@link #bytes}.
   *
   * @throws IllegalArgumentException if these are not the bytes of a table
   */
  public static Lut parse(byte[] bytes) {
    try {
      ByteBuffer in = ByteBuffer.wrap(bytes);
      IpFamily family = in.get() == 4 ? IpFamily.IPV4 : IpFamily.IPV6;
      int count = Short.toUnsignedInt(in.getShort());
      int size = in.getInt();
      List<Member> members = new ArrayList<>(count);
      for (int i = 0; i < count; i++) {
        byte[] address = new byte[family.bits() / 8];
        in.get(address);
        members.add(new Member(IpAddress.of(address), Short.toUnsignedInt(in.getShort())));
      }
      if (in.remaining() != 2L * size) {
        throw new IllegalArgumentException("a table of " + size + " slots of another length");
      }
      char[] slots = new char[size];
      in.asCharBuffer().get(slots);
      return of(family, members, slots);
    } catch (BufferUnderflowException | NegativeArraySizeException e) {
      throw new IllegalArgumentException("not a look-up table", e);
    }
  }

  /** Tells tables apart: equal for tables of the same members in the same slots. */
  public String digest() {
    return Digest.of(bytes());
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Lut lut
        && family == lut.family
        && members.equals(lut.members)
        && Arrays.equals(slots, lut.slots);
  }

  @Override
  public int hashCode() {
    return 31 * members.hashCode() + slots.length;
  }

  @Override
  public String toString() {
    return slots.length + " slots of " + members.size() + " backends";
  }
}
