// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.maglev;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Where the slots of a table led before they moved: for each the last backend that it had and has
 * no more, as far as the {@link FormerSets} go back. A pure function of both, so that it is the
 * same on all nodes, whichever of the tables in between they have run.
 */
public final class Formers {
  /** In place of a former backend: the slot has not moved. */
  public static final char UNMOVED = 0xffff;

  /** No slot has moved. */
  public static final Formers NONE = new Formers(List.of(), new char[0]);

  private final List<Lut.Member> gone;
  private final char[] slots;

  /**
   * @param slots none: no slot has moved
   */
  private Formers(List<Lut.Member> gone, char[] slots) {
    this.gone = List.copyOf(gone);
    this.slots = slots;
  }

  /**
   * The former backends of a table.
   *
   * <p>Of a table of another size, whose slots are others, the one counts that had the flows in the
   * middle of a slot. Sets whose algorithm this agent does not know are passed over.
   */
  public static Formers of(Lut lut, FormerSets sets) {
    if (lut.size() == 0 || sets.size() == 0) {
      return NONE;
    }
    Map<Lut.Member, Character> numbers = new HashMap<>();
    List<Lut.Member> members = new ArrayList<>(lut.members());
    members.forEach(member -> numbers.put(member, (char) numbers.size()));
    char[] slots = new char[lut.size()];
    Arrays.fill(slots, UNMOVED);
    int left = slots.length;
    for (FormerSets.Entry entry : sets.entries()) {
      if (entry.algorithm() != Lut.ALGORITHM || left == 0) {
        continue;
      }
      Lut before = Lut.compute(BackendSet.parse(entry.set()));
      if (before.family() != lut.family() || members.size() + before.members().size() >= UNMOVED) {
        continue;
      }
      char[] number = new char[before.members().size()];
      for (int i = 0; i < number.length; i++) {
        Lut.Member member = before.members().get(i);
        Character known = numbers.get(member);
        if (known == null) {
          known = (char) members.size();
          numbers.put(member, known);
          members.add(member);
        }
        number[i] = known;
      }
      left -= look(lut, before, number, slots);
    }
    return left == slots.length ? NONE : sorted(lut.members().size(), members, slots);
  }

  /**
   * Looks where the slots that are not known to have moved led in an older table.
   *
   * @param number of its members
   * @return how many slots are known now
   */
  private static int look(Lut lut, Lut before, char[] number, char[] slots) {
    int found = 0;
    for (int slot = 0; before.size() > 0 && slot < slots.length; slot++) {
      if (slots[slot] == UNMOVED) {
        char then = number[before.member(before.slotOfMiddle(slot, slots.length))];
        if (then != lut.member(slot)) {
          slots[slot] = then;
          found++;
        }
      }
    }
    return found;
  }

  /** Only those backends that a slot leads to, in order: equal sets of them have equal spans. */
  private static Formers sorted(int present, List<Lut.Member> members, char[] slots) {
    BitSet used = new BitSet();
    for (char slot : slots) {
      if (slot != UNMOVED && slot >= present) {
        used.set(slot);
      }
    }
    List<Lut.Member> gone = used.stream().mapToObj(members::get).sorted().toList();
    Map<Lut.Member, Character> order = new HashMap<>();
    gone.forEach(member -> order.put(member, (char) (present + order.size())));
    for (int slot = 0; slot < slots.length; slot++) {
      if (slots[slot] != UNMOVED && slots[slot] >= present) {
        slots[slot] = order.get(members.get(slots[slot]));
      }
    }
    return new Formers(gone, slots);
  }

  /** Former backends that are not the table's any more, in order. */
  public List<Lut.Member> gone() {
    return gone;
  }

  /** Whether any slot has moved. */
  public boolean any() {
    return slots.length > 0;
  }

  /** The index of a slot's former backend in the table's members, followed by those gone. */
  public char former(int slot) {
    return slots.length == 0 ? UNMOVED : slots[slot];
  }

  /** How many slots have moved. */
  public int moved() {
    int moved = 0;
    for (char slot : slots) {
      moved += slot == UNMOVED ? 0 : 1;
    }
    return moved;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Formers formers
        && gone.equals(formers.gone)
        && Arrays.equals(slots, formers.slots);
  }

  @Override
  public int hashCode() {
    return Objects.hash(gone, slots.length);
  }

  @Override
  public String toString() {
    return moved() + " slots moved, " + gone.size() + " backends gone";
  }
}
