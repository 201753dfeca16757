// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.maglev;

import java.io.BufferedOutputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.InflaterInputStream;

/**
 * The sets of backends that were agreed on before the one of now, newest first: all that is needed
 * to know where a slot led before it moved ({@link Formers}). Sets that differ by a backend deflate
 * to little more than one of them.
 *
 * <p>Each set is here once: of two equal ones, the older says nothing that the newer does not, and
 * the set of now says nothing at all. So a backend that comes and goes pushes no other out.
 *
 * <p>Bytes: format (1 byte, 1), then, deflated, for each set the algorithm by which its table was
 * computed (4), the set's length (4) and its bytes ({@link BackendSet#bytes}).
 */
public final class FormerSets {
  /** There were none. */
  public static final FormerSets NONE = new FormerSets(List.of());

  /**
   * The most slots that a node computes to know the former backends: two tables of the greatest
   * size, or 16 of the least. What is older is forgotten.
   */
  static final int MAX_SLOTS = 2 * Lut.SIZES[Lut.SIZES.length - 1];

  private static final byte FORMAT = 1;

  /** No honest one is larger; what claims to be is not inflated. */
  private static final int MAX_INFLATED = 4 << 20;

  private final List<Entry> entries;

  /**
   * @param algorithm by which its table was computed ({@link Lut#ALGORITHM})
   * @param set its bytes
   */
  record Entry(int algorithm, byte[] set) {
    boolean is(int otherAlgorithm, byte[] otherSet) {
      return algorithm == otherAlgorithm && Arrays.equals(set, otherSet);
    }
  }

  private FormerSets(List<Entry> entries) {
    this.entries = List.copyOf(entries);
  }

  /** Newest first. */
  List<Entry> entries() {
    return entries;
  }

  /** How many there are. */
  public int size() {
    return entries.size();
  }

  /**
   * Those before a new set: the set of now, then those before it.
   *
   * @param room the most bytes of the result; the oldest sets go first
   */
  FormerSets with(int algorithm, byte[] set, int nextAlgorithm, byte[] next, int room) {
    List<Entry> all = new ArrayList<>();
    all.add(new Entry(algorithm, set));
    entries.stream().filter(entry -> !entry.is(algorithm, set)).forEach(all::add);
    all.removeIf(entry -> entry.is(nextAlgorithm, next) || slots(entry) == 0);
    long slots = 0;
    int kept = 0;
    while (kept < all.size() && slots + slots(all.get(kept)) <= MAX_SLOTS) {
      slots += slots(all.get(kept++));
    }
    FormerSets former = new FormerSets(all.subList(0, kept));
    while (former.size() > 0 && former.bytes().length > room) {
      former = new FormerSets(former.entries.subList(0, former.size() - 1));
    }
    return former;
  }

  private static int slots(Entry entry) {
    return Lut.sizeFor(BackendSet.count(entry.set()));
  }

  /** None: no bytes. */
  public byte[] bytes() {
    if (entries.isEmpty()) {
      return new byte[0];
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.write(FORMAT);
    Deflater deflater = new Deflater(Deflater.BEST_COMPRESSION);
    try (DataOutputStream out =
        new DataOutputStream(new BufferedOutputStream(new DeflaterOutputStream(bytes, deflater)))) {
      for (Entry entry : entries) {
        out.writeInt(entry.algorithm());
        out.writeInt(entry.set().length);
        out.write(entry.set());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e); // never, of memory
    } finally {
      deflater.end();
    }
    return bytes.toByteArray();
  }

  /**
   * The reverse of {@link #bytes}.
   *
   * @throws IllegalArgumentException if these are not the bytes of former sets
   */
  public static FormerSets parse(byte[] bytes) {
    if (bytes.length == 0) {
      return NONE;
    }
    if (bytes[0] != FORMAT) {
      throw new IllegalArgumentException("not former sets of format " + FORMAT);
    }
    ByteBuffer in = ByteBuffer.wrap(inflate(bytes));
    List<Entry> entries = new ArrayList<>();
    try {
      while (in.hasRemaining()) {
        int algorithm = in.getInt();
        int length = in.getInt();
        if (length < 0 || length > in.remaining()) {
          throw new IllegalArgumentException("a former set of " + length + " bytes");
        }
        byte[] set = new byte[length];
        in.get(set);
        entries.add(new Entry(algorithm, set));
      }
      return new FormerSets(entries);
    } catch (BufferUnderflowException e) {
      throw new IllegalArgumentException("former sets that end too early", e);
    }
  }

  private static byte[] inflate(byte[] bytes) {
    try (InflaterInputStream in =
        new InflaterInputStream(new ByteArrayInputStream(bytes, 1, bytes.length - 1))) {
      byte[] whole = in.readNBytes(MAX_INFLATED + 1);
      if (whole.length > MAX_INFLATED) {
        throw new IllegalArgumentException("former sets of more than " + MAX_INFLATED + " bytes");
      }
      return whole;
    } catch (IOException e) {
      throw new IllegalArgumentException("former sets that are not deflated", e);
    }
  }
}
