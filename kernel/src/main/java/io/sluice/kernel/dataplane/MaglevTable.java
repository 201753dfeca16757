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
  private final long generation;
  private final int base;
  private final int count;
  private final char[] slots;

  /**
   * @param generation the cluster's
   * @param base first element of the span of backends that belongs to this table
   * @param count elements of the span
   * @param slots for each slot a position in the span; becomes this object's
   */
  public MaglevTable(long generation, int base, int count, char[] slots) {
    this.generation = generation;
    this.base = base;
    this.count = count;
    this.slots = slots;
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

  @Override
  public boolean equals(Object other) {
    return other instanceof MaglevTable table
        && generation == table.generation
        && base == table.base
        && count == table.count
        && Arrays.equals(slots, table.slots);
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
