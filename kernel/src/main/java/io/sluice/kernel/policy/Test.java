// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import io.sluice.kernel.asm.Condition;
import io.sluice.kernel.asm.Reg;
import io.sluice.kernel.asm.Size;
import io.sluice.kernel.layout.Pkt;
import java.util.List;

/** One condition of a rule, for the packets of one family. Equal ones are the same condition. */
sealed interface Test {
  int TCP = 6;
  int UDP = 17;
  int SCTP = 132;

  /** Falls through if it holds, else goes elsewhere. */
  void write(Piece piece, Mark no);

  /** Whether the protocol has ports. */
  static boolean hasPorts(int protocol) {
    return protocol == TCP || protocol == UDP || protocol == SCTP;
  }

  /** Goes to a place if the packet has no ports. */
  private static void unlessPorts(Piece piece, Mark none) {
    Mark some = new Mark();
    piece.load(Size.B, Pkt.OFFSET_PROTO);
    piece.jumpIf(Condition.EQ, Reg.R1, TCP, some);
    piece.jumpIf(Condition.EQ, Reg.R1, UDP, some);
    piece.jumpIf(Condition.NE, Reg.R1, SCTP, none);
    piece.place(some);
  }

  /** The packet's flags: see {@link Plan.Case}. */
  record Flags(int mask, int value) implements Test {
    @Override
    public void write(Piece piece, Mark no) {
      piece.load(Size.W, Pkt.OFFSET_FLAGS);
      piece.mask(mask);
      piece.jumpIf(Condition.NE, Reg.R1, value, no);
    }
  }

  /** Whether a byte of the packet is, or is not, a number. */
  record Byte(int offset, int value, boolean wanted) implements Test {
    @Override
    public void write(Piece piece, Mark no) {
      piece.load(Size.B, offset);
      piece.jumpIf(wanted ? Condition.NE : Condition.EQ, Reg.R1, value, no);
    }
  }

  /** Whether a message of ICMP is not of a type and code. */
  record NotMessage(Icmp icmp) implements Test {
    @Override
    public void write(Piece piece, Mark no) {
      Mark yes = new Mark();
      piece.load(Size.B, Pkt.OFFSET_ICMP_TYPE);
      if (icmp.code().isEmpty()) {
        piece.jumpIf(Condition.EQ, Reg.R1, icmp.type(), no);
        return;
      }
      piece.jumpIf(Condition.NE, Reg.R1, icmp.type(), yes);
      piece.load(Size.B, Pkt.OFFSET_ICMP_CODE);
      piece.jumpIf(Condition.EQ, Reg.R1, icmp.code().getAsInt(), no);
      piece.place(yes);
    }
  }

  /** Whether the protocol has ports, or has none. */
  record HasPorts(boolean wanted) implements Test {
    @Override
    public void write(Piece piece, Mark no) {
      if (wanted) {
        unlessPorts(piece, no);
        return;
      }
      piece.load(Size.B, Pkt.OFFSET_PROTO);
      for (int protocol : new int[] {TCP, UDP, SCTP}) {
        piece.jumpIf(Condition.EQ, Reg.R1, protocol, no);
      }
    }
  }

  /**
   * Whether a field is in one of some ranges.
   *
   * @param ranges merged; not empty, and not all there is
   */
  record In(Field field, List<Range> ranges) implements Test {
    @Override
    public void write(Piece piece, Mark no) {
      if (isOnePort(field, ranges)) {
        piece.load(Size.H, field.offset());
        piece.jumpIf(Condition.NE, Reg.R1, port(ranges), no);
        return;
      }
      Mark yes = new Mark();
      SearchTree.writeMember(piece, field, ranges, yes, no);
      piece.place(yes);
    }
  }

  /**
   * Whether a field is in none of some ranges.
   *
   * @param ranges as for {@link In}
   * @param guarded for ports of a packet that may have none: then it holds
   */
  record NotIn(Field field, List<Range> ranges, boolean guarded) implements Test {
    @Override
    public void write(Piece piece, Mark no) {
      Mark yes = new Mark();
      if (guarded) {
        unlessPorts(piece, yes);
      }
      if (isOnePort(field, ranges)) {
        piece.load(Size.H, field.offset());
        piece.jumpIf(Condition.EQ, Reg.R1, port(ranges), no);
      } else {
        SearchTree.writeMember(piece, field, ranges, no, yes);
      }
      piece.place(yes);
    }
  }

  /** Whether an address begins with some bits, or does not. */
  record Prefix(Field field, Net net, boolean wanted) implements Test {
    @Override
    public void write(Piece piece, Mark no) {
      Mark other = wanted ? no : new Mark();
      int left = net.prefix();
      byte[] bytes = net.address().bytes();
      for (int at = 0; left > 0; at += Integer.BYTES, left -= Integer.SIZE) {
        int word = java.nio.ByteBuffer.wrap(bytes).getInt(at);
        piece.load(Size.W, field.offset() + at);
        if (left < Integer.SIZE) {
          piece.mask(Piece.network32(-1 << (Integer.SIZE - left)));
        }
        boolean last = left <= Integer.SIZE;
        if (last && !wanted) {
          piece.jumpIf(Condition.EQ, Reg.R1, Piece.network32(word), no);
        } else {
          piece.jumpIf(Condition.NE, Reg.R1, Piece.network32(word), other);
        }
      }
      if (!wanted) {
        piece.place(other);
      }
    }
  }

  /**
   * Whether an end is in a set, or is not.
   *
   * @param end SOURCE_ADDRESS or DESTINATION_ADDRESS
   * @param guarded for sets of ports, if the packet may have none: then it is not
   */
  record InSet(Field end, long set, boolean wanted, boolean guarded) implements Test {
    @Override
    public void write(Piece piece, Mark no) {
      Mark none = new Mark();
      if (guarded) {
        unlessPorts(piece, none);
      }
      piece.jumpIfMember(end, set, !wanted, no);
      if (guarded) {
        piece.place(none);
      }
    }
  }

  /**
   * Whether a port is in one of some ranges, or its end in one of some sets.
   *
   * @param ranges as for {@link In}, but may be empty
   * @param sets not empty
   */
  record InPortSets(Field port, Field end, List<Range> ranges, List<Long> sets) implements Test {
    @Override
    public void write(Piece piece, Mark no) {
      Mark yes = new Mark();
      if (!ranges.isEmpty()) {
        Mark ask = new Mark();
        SearchTree.writeMember(piece, port, ranges, yes, ask);
        piece.place(ask);
      }
      for (int i = 0; i < sets.size() - 1; i++) {
        piece.jumpIfMember(end, sets.get(i), true, yes);
      }
      piece.jumpIfMember(end, sets.get(sets.size() - 1), false, no);
      piece.place(yes);
    }
  }

  private static boolean isOnePort(Field field, List<Range> ranges) {
    Range only = ranges.get(0);
    return field.isPort() && ranges.size() == 1 && only.first().equals(only.last());
  }

  private static int port(List<Range> ranges) {
    return Piece.network16((int) ranges.get(0).first().low());
  }
}
