// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import io.sluice.kernel.layout.Family;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * The code for one family, in blocks that a piece of the program holds whole. Nothing but the
 * packet is known from one block to the next, so a piece may end behind any of them. What nothing
 * leads to is left out, for the kernel refuses it.
 */
final class Code {
  /**
   * A block.
   *
   * @param marks places at its begin
   * @param writer writes it
   * @param slots its length
   * @param forks the most conditional jumps on a way through it
   * @param falls whether its end is reached
   * @param source whether it looks the source up in sets
   * @param destination likewise
   */
  record Block(
      List<Mark> marks,
      Consumer<Piece> writer,
      int slots,
      int forks,
      boolean falls,
      boolean source,
      boolean destination) {
    void write(Piece piece) {
      marks.forEach(piece::place);
      writer.accept(piece);
    }
  }

  private final Family family;
  private final List<Block> blocks = new ArrayList<>();
  private List<Mark> marks = new ArrayList<>();
  private boolean reached = true;

  Code(Family family) {
    this.family = family;
  }

  Family family() {
    return family;
  }

  List<Block> blocks() {
    return blocks;
  }

  /** Whether the next block will be reached, from the one before or by a jump. */
  boolean isReached() {
    return reached;
  }

  /** Names the place of the next block, if something leads there. */
  void place(Mark mark) {
    if (mark.isUsed()) {
      marks.add(mark);
      reached = true;
    }
  }

  /** Adds a block. */
  void add(Consumer<Piece> writer) {
    add(writer, -1);
  }

  /**
   * Adds a block.
   *
   * @param forks the most conditional jumps on a way through it, where not all are on one way
   */
  void add(Consumer<Piece> writer, int forks) {
    if (!reached) {
      return;
    }
    Piece probe = Piece.probe(family);
    writer.accept(probe);
    blocks.add(
        new Block(
            marks,
            writer,
            probe.slots(),
            forks < 0 ? probe.forks() : forks,
            probe.falls(),
            probe.usesKey(Field.SOURCE_ADDRESS),
            probe.usesKey(Field.DESTINATION_ADDRESS)));
    marks = new ArrayList<>();
    reached = probe.falls();
  }

  int slots() {
    return blocks.stream().mapToInt(Block::slots).sum();
  }

  int forks() {
    return blocks.stream().mapToInt(Block::forks).sum();
  }

  /** All of it, to be part of a block. */
  void write(Piece piece) {
    blocks.forEach(block -> block.write(piece));
  }
}
