// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import io.sluice.kernel.layout.Family;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Cuts code into pieces. Jumps reach 32,767 slots, and the verifier keeps no more than 8,192 ways
 * in mind that it has yet to go, of which each conditional jump adds one.
 */
final class Pieces implements Piece.Links {
  /** Slots of a piece's blocks, at most; leaves room for its begin and end. */
  static final int MOST_SLOTS = 28_000;

  /** Conditional jumps on a way through a piece, at most. */
  static final int MOST_FORKS = 7_500;

  /** Pieces on a packet's way: of the 33 tail calls that the kernel allows it has had some. */
  static final int MOST_PIECES = 20;

  private final Map<Mark, Integer> pieces = new IdentityHashMap<>();
  private final Map<Integer, Map<Mark, Integer>> entries = new LinkedHashMap<>();

  /** Begins of pieces. */
  private final Map<Mark, Integer> begins = new IdentityHashMap<>();

  private final List<Section> sections = new ArrayList<>();

  /** Blocks of a family that are in one piece; "next": where the last of them leads to, or null. */
  private static final class Section {
    private final Family family;
    private final Mark begin = new Mark();
    private final List<Code.Block> blocks = new ArrayList<>();
    private int slots;
    private int forks;
    private Section next;

    Section(Family family) {
      this.family = family;
    }

    boolean takes(Code.Block block) {
      return blocks.isEmpty()
          || slots + block.slots() <= MOST_SLOTS && forks + block.forks() <= MOST_FORKS;
    }

    void add(Code.Block block) {
      blocks.add(block);
      slots += block.slots();
      forks += block.forks();
    }

    void write(Piece piece, Map<Mark, Integer> enteredBy) {
      piece.section(
          family,
          blocks.stream().anyMatch(Code.Block::source),
          blocks.stream().anyMatch(Code.Block::destination));
      piece.enterBy(enteredBy);
      blocks.forEach(block -> block.write(piece));
      if (next != null && piece.falls()) {
        piece.jump(next.begin);
      }
    }
  }

  private Pieces() {}

  /**
   * The pieces of a program: one if all fits, else a first one that only tells the families apart.
   *
   * @param rules for messages: how many the code is made of
   * @throws PolicyTooLargeException if a packet would have to go through too many
   */
  static List<byte[]> cut(Code ipv4, Code ipv6, long rules) {
    Pieces pieces = new Pieces();
    List<Section> first = pieces.cut(ipv4);
    List<Section> second = pieces.cut(ipv6);
    int most = Math.max(first.size(), second.size());
    if (most > MOST_PIECES) {
      throw new PolicyTooLargeException(rules, rules * MOST_PIECES / most);
    }
    pieces.sections.addAll(first);
    pieces.sections.addAll(second);
    boolean one = most == 1 && first.get(0).slots + second.get(0).slots <= MOST_SLOTS;
    return one ? List.of(pieces.writeAll()) : pieces.writeEach(first.get(0), second.get(0));
  }

  private List<Section> cut(Code code) {
    List<Section> cut = new ArrayList<>();
    Section open = new Section(code.family());
    cut.add(open);
    for (Code.Block block : code.blocks()) {
      if (!open.takes(block)) {
        open.next = new Section(code.family());
        open = open.next;
        cut.add(open);
      }
      open.add(block);
    }
    return cut;
  }

  private void settle(Section section, int piece) {
    pieces.put(section.begin, piece);
    begins.put(section.begin, piece);
    section.blocks.forEach(block -> block.marks().forEach(mark -> pieces.put(mark, piece)));
  }

  private byte[] writeAll() {
    Piece piece = Piece.of(0, this);
    sections.forEach(section -> settle(section, 0));
    piece.begin();
    piece.byFamily(sections.get(0).begin, sections.get(1).begin);
    for (Section section : sections) {
      piece.place(section.begin);
      section.write(piece, Map.of());
    }
    return piece.end();
  }

  private List<byte[]> writeEach(Section ipv4, Section ipv6) {
    for (int i = 0; i < sections.size(); i++) {
      settle(sections.get(i), i + 1);
    }
    List<byte[]> written = new ArrayList<>();
    Piece head = Piece.of(0, this);
    head.begin();
    head.byFamily(ipv4.begin, ipv6.begin);
    written.add(head.end());
    for (int i = 0; i < sections.size(); i++) {
      Piece piece = Piece.of(i + 1, this);
      piece.begin();
      sections.get(i).write(piece, entries.getOrDefault(i + 1, Map.of()));
      written.add(piece.end());
    }
    return written;
  }

  @Override
  public int pieceOf(Mark mark) {
    return pieces.getOrDefault(mark, -1);
  }

  /** Pieces are written in order, and jumps go ahead: who enters has asked before. */
  @Override
  public int entryOf(Mark mark) {
    if (begins.containsKey(mark)) {
      return 0;
    }
    Map<Mark, Integer> own =
        entries.computeIfAbsent(pieces.get(mark), piece -> new LinkedHashMap<>());
    return own.computeIfAbsent(mark, m -> own.size() + 1);
  }
}
