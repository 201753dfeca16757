// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import java.util.Arrays;

/**
 * A Maglev table as the kernel holds it. Never changed once made.
 *
 * <p>Slots hold positions in the span, not indices in the backends array, to take half the room:
 * element {@code base + position}.
 */
public final class MaglevTable {
  /** In place of a former backend: the slot has not moved. */
  public static final char UNMOVED = 0xffff;

  private final long generation;
  private final int base;
  private final int count;
  private final char[] slots;
  private final char[] former;
  private final int members;

  /** A table of which no slot has moved. */
  public MaglevTable(long generation, int base, int count, char[] slots) {
    this(generation, base, count, slots, new char[0]);
  }

  /**
   * @param generation the cluster's
   * @param base first element of the span of backends that belongs to this table
   * @param count elements of the span: backends of now first, then former ones that are no more
   * @param slots for each slot a position in the span; becomes this object's
   * @param former for each slot where it led before, or {@link #UNMOVED}; nothing if none has moved
   */
  public MaglevTable(long generation, int base, int count, char[] slots, char[] former) {
    if (former.length != 0 && former.length != slots.length) {
      throw new IllegalArgumentException(
          former.length + " former backends of " + slots.length + " slots");
    }
    this.generation = generation;
    this.base = base;
    this.count = count;
    this.slots = slots;
    this.former = former;
    int most = -1;
    for (char position : slots) {
      most = Math.max(most, position);
    }
    this.members = most + 1;
  }

  public long generation() {
    return generation;
  }

  public int base() {
    return base;
  }

  public int count() {
    return count;
  }

  /** How many slots there are; 0: no backends. */
  public int size() {
    return slots.length;
  }

  /** Where in the span a slot's backend is. */
  public int position(int slot) {
    return slots[slot];
  }

  /** How many elements of the span, from its beginning, are backends of now. */
  public int members() {
    return members;
  }

  /** Whether any slot has moved. */
  public boolean hasFormer() {
    return former.length > 0;
  }

  /** Where in the span a slot's former backend is; {@link #UNMOVED} if it has none. */
  public char former(int slot) {
    return former.length == 0 ? UNMOVED : former[slot];
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof MaglevTable table
        && generation == table.generation
        && base == table.base
        && count == table.count
        && Arrays.equals(slots, table.slots)
        && Arrays.equals(former, table.former);
  }

  @Override
  public int hashCode() {
    return Long.hashCode(generation) * 31 + base;
  }

  @Override
  public String toString() {
    return "generation %d, %d slots, backends %d to %d"
        .formatted(generation, slots.length, base, base + count - 1);
  }
}
