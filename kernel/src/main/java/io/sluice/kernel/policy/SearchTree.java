// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import java.util.List;

/** Finds out by binary search where a packet's field belongs. */
final class SearchTree {
  private final Piece piece;
  private final List<Num> from;
  private final List<Mark> targets;

  private SearchTree(Piece piece, List<Num> from, List<Mark> targets) {
    this.piece = piece;
    this.from = from;
    this.targets = targets;
  }

  /**
   * Writes the search.
   *
   * @param from the first number of each part, ascending, from zero on
   * @param targets by part: where to go on
   */
  static void write(Piece piece, Field field, List<Num> from, List<Mark> targets) {
    piece.loadNumber(field);
    new SearchTree(piece, from, targets).write(0, from.size());
  }

  /** The most conditional jumps on a way through a tree over so many parts. */
  static int depth(int parts, int jumpsOfNode) {
    return jumpsOfNode * (Integer.SIZE - Integer.numberOfLeadingZeros(parts));
  }

  private void write(int first, int end) {
    if (end - first == 1) {
      piece.jump(targets.get(first));
      return;
    }
    int middle = (first + end) / 2;
    boolean isLeaf = end - middle == 1;
    Mark right = isLeaf ? targets.get(middle) : new Mark();
    piece.jumpIfAtLeast(from.get(middle), right);
    write(first, middle);
    if (!isLeaf) {
      piece.place(right);
      write(middle, end);
    }
  }

  /** Goes to one place if a field is in one of the ranges, merged, and to another if not. */
  static void writeMember(Piece piece, Field field, List<Range> ranges, Mark in, Mark out) {
    List<Num> from = new java.util.ArrayList<>();
    List<Mark> targets = new java.util.ArrayList<>();
    if (!ranges.get(0).first().equals(Num.ZERO)) {
      from.add(Num.ZERO);
      targets.add(out);
    }
    for (Range range : ranges) {
      from.add(range.first());
      targets.add(in);
      if (!range.last().equals(field.most(piece.family()))) {
        from.add(range.last().next());
        targets.add(out);
      }
    }
    write(piece, field, from, targets);
  }
}
