// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import io.sluice.kernel.layout.Pkt;
import io.sluice.kernel.layout.SluiceCb;
import io.sluice.kernel.layout.SluiceXdpProg;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Makes a piece that is written for TC one for XDP. All that differs is what it reads from its
 * context, which is in R6: XDP's has neither a protocol, which is in the packet's state instead,
 * nor room for continuations, which are at constant places. What a piece returns when it enters no
 * continuation is TC_ACT_SHOT for TC and, the same number, XDP_PASS for XDP: other policies decide.
 */
final class XdpTarget {
  private static final int SIZE = 8;
  private static final int LOAD_WORD = 0x61; // BPF_LDX | BPF_MEM | BPF_W
  private static final int LOAD_HALF = 0x69;
  private static final int LOAD_WIDE = 0x18;
  private static final int MOVE = 0xb7; // BPF_ALU64 | BPF_MOV | BPF_K
  private static final int PACKET = 7;

  private XdpTarget() {}

  static byte[] translate(byte[] piece) {
    ByteBuffer code = ByteBuffer.wrap(piece.clone()).order(ByteOrder.nativeOrder());
    for (int at = 0; at < code.capacity(); at += SIZE) {
      int operation = Byte.toUnsignedInt(code.get(at));
      if (operation == LOAD_WIDE) {
        at += SIZE;
      } else if (operation == LOAD_WORD && source(code, at) == Piece.CONTEXT) {
        translate(code, at, code.getShort(at + 2));
      }
    }
    return code.array();
  }

  private static void translate(ByteBuffer code, int at, int offset) {
    int destination = destination(code, at);
    if (offset == Piece.PROTOCOL_OFFSET) {
      put(code, at, LOAD_HALF, destination, PACKET, Pkt.OFFSET_ETHERTYPE, 0);
    } else {
      boolean allow = offset == Piece.CB_OFFSET + Integer.BYTES * SluiceCb.CB_ALLOW;
      int next = allow ? SluiceXdpProg.XDP_PROG_ALLOW : SluiceXdpProg.XDP_PROG_DENY;
      put(code, at, MOVE, destination, 0, 0, next);
    }
  }

  private static boolean isLittle(ByteBuffer code) {
    return code.order() == ByteOrder.LITTLE_ENDIAN;
  }

  private static int source(ByteBuffer code, int at) {
    int registers = Byte.toUnsignedInt(code.get(at + 1));
    return isLittle(code) ? registers >> 4 : registers & 15;
  }

  private static int destination(ByteBuffer code, int at) {
    int registers = Byte.toUnsignedInt(code.get(at + 1));
    return isLittle(code) ? registers & 15 : registers >> 4;
  }

  private static void put(
      ByteBuffer code, int at, int operation, int destination, int source, int offset, int imm) {
    int registers = isLittle(code) ? source << 4 | destination : destination << 4 | source;
    code.put(at, (byte) operation).put(at + 1, (byte) registers);
    code.putShort(at + 2, (short) offset).putInt(at + 4, imm);
  }
}
