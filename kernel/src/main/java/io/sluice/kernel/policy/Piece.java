// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import io.sluice.kernel.asm.Alu;
import io.sluice.kernel.asm.Assembler;
import io.sluice.kernel.asm.Condition;
import io.sluice.kernel.asm.Helper;
import io.sluice.kernel.asm.Reg;
import io.sluice.kernel.asm.Size;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.IpSetBits;
import io.sluice.kernel.layout.IpSetKey;
import io.sluice.kernel.layout.Pkt;
import io.sluice.kernel.layout.PolicyKeys;
import io.sluice.kernel.layout.SluiceCb;
import java.nio.ByteOrder;
import java.util.EnumMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Writes one piece of a policy program. R6 is the context, R7 the packet and R8 the place for keys,
 * always; all else is free between blocks. Offsets and numbers of the packet's fields are as {@code
 * struct pkt} has them: addresses and ports in network order.
 */
final class Piece {
  /** Jumps of a node of a search tree, by family and field: at most. */
  static final int NODE_JUMPS = 3;

  /** The register of the context. */
  static final int CONTEXT = 6;

  /** Where struct __sk_buff has cb[0] and protocol, bytes. */
  static final int CB_OFFSET = 48;

  static final int PROTOCOL_OFFSET = 16;

  private static final int ETH_P_IP = 0x0800;
  private static final int ETH_P_IPV6 = 0x86dd;
  private static final int TC_ACT_SHOT = 2;

  /** On the stack: the index of the one element that arrays have. */
  private static final int INDEX = -8;

  /** What knows where the rest of the program is. */
  interface Links {
    /** The piece that a place is in; -1: it is in the block itself that jumps to it. */
    int pieceOf(Mark mark);

    /** By which number the piece that a place is in is to be told to go on there. */
    int entryOf(Mark mark);
  }

  private static final Links NONE =
      new Links() {
        @Override
        public int pieceOf(Mark mark) {
          return -1;
        }

        @Override
        public int entryOf(Mark mark) {
          throw new IllegalStateException();
        }
      };

  private final Assembler code = new Assembler();
  private final int number;
  private final Links links;
  private final Map<Mark, String> labels = new IdentityHashMap<>();
  private final Map<Mark, String> stubs = new LinkedHashMap<>();
  private final Map<Field, Boolean> keys = new EnumMap<>(Field.class);
  private Family family;
  private int forks;
  private boolean falls = true;

  /** Whether the number that was loaded last is in R4 and R5, not in R1. */
  private boolean wide;

  private Piece(int number, Links links) {
    this.number = number;
    this.links = links;
  }

  static Piece of(int number, Links links) {
    return new Piece(number, links);
  }

  /** One to find out what a block takes: every place is near. */
  static Piece probe(Family family) {
    Piece probe = new Piece(0, NONE);
    probe.family = family;
    return probe;
  }

  Family family() {
    return family;
  }

  int slots() {
    return code.slots();
  }

  /** Conditional jumps so far. */
  int forks() {
    return forks;
  }

  /** Whether what comes next is reached from what came last. */
  boolean falls() {
    return falls;
  }

  /** Whether a set has been asked for an end: SOURCE_ADDRESS or DESTINATION_ADDRESS. */
  boolean usesKey(Field end) {
    return keys.containsKey(end);
  }

  private String label(Mark mark) {
    return labels.computeIfAbsent(mark, m -> "l" + labels.size());
  }

  /** The label to jump to for a place, here or in another piece. */
  private String target(Mark mark) {
    mark.use();
    int piece = links.pieceOf(mark);
    if (piece < 0 || piece == number) {
      return label(mark);
    }
    return stubs.computeIfAbsent(mark, m -> "s" + stubs.size());
  }

  void place(Mark mark) {
    code.label(label(mark));
    falls = true;
  }

  void jump(Mark mark) {
    code.jump(target(mark));
    falls = false;
  }

  /** Goes somewhere if the lower half of a register and a number meet a condition. */
  void jumpIf(Condition condition, Reg reg, int imm, Mark mark) {
    forks++;
    code.jumpIf32(condition, reg, imm, target(mark));
    falls = true;
  }

  /** Loads a part of the packet into R1. */
  void load(Size size, int offset) {
    code.load(size, Reg.R1, Reg.R7, offset);
    falls = true;
  }

  /** Keeps the bits of a mask in R1. */
  void mask(int mask) {
    code.alu32(Alu.AND, Reg.R1, mask);
  }

  /** Loads a field, in host order, for {@link #jumpIfAtLeast}. */
  void loadNumber(Field field) {
    if (field.isPort()) {
      load(Size.H, field.offset());
      code.toBigEndian(Reg.R1, 16);
    } else if (family == Family.IPV4) {
      load(Size.W, field.offset());
      code.toBigEndian(Reg.R1, 32);
    } else {
      code.load(Size.DW, Reg.R4, Reg.R7, field.offset()).toBigEndian(Reg.R4, 64);
      code.load(Size.DW, Reg.R5, Reg.R7, field.offset() + Long.BYTES).toBigEndian(Reg.R5, 64);
      wide = true;
      return;
    }
    wide = false;
  }

  void jumpIfAtLeast(Num bound, Mark mark) {
    if (!wide) {
      jumpIf(Condition.GE, Reg.R1, (int) bound.low(), mark);
      return;
    }
    falls = true;
    String target = target(mark);
    code.loadImm64(Reg.R1, bound.high());
    if (bound.low() == 0) {
      forks++;
      code.jumpIf(Condition.GE, Reg.R4, Reg.R1, target);
      return;
    }
    forks += NODE_JUMPS;
    Mark less = new Mark();
    code.jumpIf(Condition.GT, Reg.R4, Reg.R1, target)
        .jumpIf(Condition.LT, Reg.R4, Reg.R1, label(less))
        .loadImm64(Reg.R1, bound.low())
        .jumpIf(Condition.GE, Reg.R5, Reg.R1, target);
    place(less);
  }

  /**
   * Looks an end up in a set.
   *
   * @param end SOURCE_ADDRESS or DESTINATION_ADDRESS
   * @param mark where to go on if it is there, or is not
   */
  void jumpIfMember(Field end, long set, boolean member, Mark mark) {
    int key = key(end);
    keys.put(end, true);
    forks++;
    code.loadImm64(Reg.R1, network(set))
        .store(Size.DW, Reg.R8, key + IpSetKey.OFFSET4_SET0, Reg.R1);
    lookUp(family == Family.IPV4 ? PolicyMap.IP_SETS4 : PolicyMap.IP_SETS6, Reg.R8, key);
    code.jumpIf(member ? Condition.NE : Condition.EQ, Reg.R0, 0, target(mark));
    falls = true;
  }

  private static int key(Field end) {
    return end == Field.SOURCE_ADDRESS ? PolicyKeys.OFFSET_SOURCE : PolicyKeys.OFFSET_DESTINATION;
  }

  private void lookUp(PolicyMap map, Reg base, int key) {
    code.loadMapIndex(Reg.R1, map.ordinal())
        .mov(Reg.R2, base)
        .alu(Alu.ADD, Reg.R2, key)
        .call(Helper.MAP_LOOKUP_ELEM);
  }

  /** Loads a rule's ID, for {@link Mark#HIT_ALLOW} and {@link Mark#HIT_DENY}. */
  void loadRule(long id) {
    code.loadImm64(Reg.R1, id);
  }

  /** Counts a rule, and goes on. */
  void hit(long id) {
    loadRule(id);
    Mark after = new Mark();
    count(label(after));
    place(after);
  }

  private void count(String after) {
    code.store(Size.DW, Reg.R8, PolicyKeys.OFFSET_RULE, Reg.R1);
    lookUp(PolicyMap.RULE_HITS, Reg.R8, PolicyKeys.OFFSET_RULE);
    forks++;
    code.jumpIf(Condition.EQ, Reg.R0, 0, after)
        .load(Size.DW, Reg.R1, Reg.R0, 0)
        .alu(Alu.ADD, Reg.R1, 1)
        .store(Size.DW, Reg.R0, 0, Reg.R1);
  }

  /** Sets bits of the packet's flags. */
  void flag(int bits) {
    load(Size.W, Pkt.OFFSET_FLAGS);
    code.alu32(Alu.OR, Reg.R1, bits).store(Size.W, Reg.R7, Pkt.OFFSET_FLAGS, Reg.R1);
  }

  /** Clears bits of the packet's flags. */
  void unflag(int bits) {
    load(Size.W, Pkt.OFFSET_FLAGS);
    code.alu32(Alu.AND, Reg.R1, ~bits).store(Size.W, Reg.R7, Pkt.OFFSET_FLAGS, Reg.R1);
  }

  /** Ends without a continuation: of use to {@link XdpTarget} alone. */
  void undecided() {
    code.jump("shot");
    falls = false;
  }

  /** The piece's begin: finds the packet, and the place for keys. */
  void begin() {
    code.mov(Reg.R6, Reg.R1).store(Size.W, Reg.R10, INDEX, 0);
    lookUp(PolicyMap.PKT, Reg.R10, INDEX);
    code.jumpIf(Condition.EQ, Reg.R0, 0, "shot").mov(Reg.R7, Reg.R0);
    lookUp(PolicyMap.POLICY_KEYS, Reg.R10, INDEX);
    code.jumpIf(Condition.EQ, Reg.R0, 0, "shot").mov(Reg.R8, Reg.R0);
  }

  /** Goes on by family; other packets are dropped. */
  void byFamily(Mark ipv4, Mark ipv6) {
    code.load(Size.W, Reg.R1, Reg.R6, PROTOCOL_OFFSET);
    jumpIf(Condition.EQ, Reg.R1, network16(ETH_P_IP), ipv4);
    jumpIf(Condition.EQ, Reg.R1, network16(ETH_P_IPV6), ipv6);
    code.jump("shot");
    falls = false;
  }

  /** What follows is for packets of a family: makes the keys of those ends that it looks up. */
  void section(Family newFamily, boolean source, boolean destination) {
    family = newFamily;
    if (source) {
      makeKey(PolicyKeys.OFFSET_SOURCE, Field.SOURCE_ADDRESS, Field.SOURCE_PORT);
    }
    if (destination) {
      makeKey(PolicyKeys.OFFSET_DESTINATION, Field.DESTINATION_ADDRESS, Field.DESTINATION_PORT);
    }
  }

  private void makeKey(int key, Field address, Field port) {
    boolean v4 = family == Family.IPV4;
    int bits = IpSetBits.IP_SET_ID_BITS + family.bits() + IpSetBits.IP_SET_PORT_BITS;
    code.store(Size.W, Reg.R8, key + IpSetKey.OFFSET4_PREFIXLEN, bits);
    Size word = v4 ? Size.W : Size.DW;
    for (int at = 0; at < family.bytes(); at += word.bytes()) {
      load(word, address.offset() + at);
      code.store(word, Reg.R8, key + IpSetKey.OFFSET4_ADDR + at, Reg.R1);
    }
    int rest = key + (v4 ? IpSetKey.OFFSET4_PORT : IpSetKey.OFFSET6_PORT);
    load(Size.H, port.offset());
    code.store(Size.H, Reg.R8, rest, Reg.R1);
    load(Size.B, Pkt.OFFSET_PROTO);
    code.store(Size.B, Reg.R8, rest + Short.BYTES, Reg.R1);
    code.store(Size.B, Reg.R8, rest + Short.BYTES + 1, 0);
  }

  /** Goes on where another piece wants to: see {@link Links#entryOf}. */
  void enterBy(Map<Mark, Integer> entries) {
    if (entries.isEmpty()) {
      return;
    }
    load(Size.W, Pkt.OFFSET_POLICY_STEP);
    entries.forEach((mark, entry) -> code.jumpIf32(Condition.EQ, Reg.R1, entry, label(mark)));
  }

  /** What all blocks share, and the ways to other pieces. */
  byte[] end() {
    stubs.forEach(this::writeStub);
    writeExit(Mark.HIT_ALLOW, Mark.ALLOW, "allow", SluiceCb.CB_ALLOW);
    writeExit(Mark.HIT_DENY, Mark.DENY, "deny", SluiceCb.CB_DENY);
    code.label("shot").mov(Reg.R0, TC_ACT_SHOT).exit();
    return code.assemble();
  }

  private void writeStub(Mark mark, String label) {
    code.label(label)
        .mov(Reg.R1, links.entryOf(mark))
        .store(Size.W, Reg.R7, Pkt.OFFSET_POLICY_STEP, Reg.R1)
        .mov(Reg.R1, Reg.R6)
        .loadMapIndex(Reg.R2, PolicyMap.POLICIES.ordinal())
        .loadImm64(Reg.R3, links.pieceOf(mark))
        .tailCall()
        .jump("shot");
  }

  private void writeExit(Mark hit, Mark exit, String label, int continuation) {
    boolean counts = labels.containsKey(hit);
    if (counts) {
      code.label(labels.get(hit));
      count(label);
    }
    if (counts || labels.containsKey(exit)) {
      code.label(label);
      if (labels.containsKey(exit)) {
        code.label(labels.get(exit));
      }
      code.load(Size.W, Reg.R3, Reg.R6, CB_OFFSET + Integer.BYTES * continuation)
          .mov(Reg.R1, Reg.R6)
          .loadMapIndex(Reg.R2, PolicyMap.PROGS.ordinal())
          .tailCall()
          .jump("shot");
    }
  }

  /** A number in host order as a load finds it in network order. */
  static int network16(int value) {
    return ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN
        ? Short.toUnsignedInt(Short.reverseBytes((short) value))
        : value;
  }

  static int network32(int value) {
    return ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN ? Integer.reverseBytes(value) : value;
  }

  private static long network(long value) {
    return ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN ? Long.reverseBytes(value) : value;
  }
}
