// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.asm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AssemblerTest {
  @Test
  void encodesAsTheKernelReads() {
    byte[] program =
        new Assembler()
            .mov(Reg.R6, Reg.R1)
            .loadImm64(Reg.R1, 0x1122334455667788L)
            .store(Size.DW, Reg.R10, -8, Reg.R1)
            .mov(Reg.R0, -1)
            .exit()
            .assemble();
    assertThat(HexFormat.of().formatHex(program))
        .isEqualTo(
            "bf16000000000000"
                + "1801000088776655"
                + "0000000044332211"
                + "7b1af8ff00000000"
                + "b7000000ffffffff"
                + "9500000000000000");
  }

  @Test
  void printsAsTheVerifierDoes() {
    byte[] program =
        new Assembler()
            .mov(Reg.R6, Reg.R1)
            .loadMapFd(Reg.R1, 5)
            .label("again")
            .mov(Reg.R2, Reg.R10)
            .alu(Alu.ADD, Reg.R2, -4)
            .store(Size.W, Reg.R2, 0, 7)
            .call(Helper.MAP_LOOKUP_ELEM)
            .jumpIf(Condition.EQ, Reg.R0, 0, "end")
            .load(Size.H, Reg.R3, Reg.R0, 2)
            .toBigEndian(Reg.R3, 16)
            .atomic(Atomic.ADD, Size.DW, Reg.R0, 8, Reg.R3)
            .atomic(Atomic.FETCH_OR, Size.W, Reg.R0, 0, Reg.R3)
            .atomic(Atomic.CMPXCHG, Size.DW, Reg.R7, 16, Reg.R3)
            .jumpIf32(Condition.SLT, Reg.R3, Reg.R4, "again")
            .alu32(Alu.ARSH, Reg.R3, 3)
            .neg(Reg.R3)
            .callSubprogram("end")
            .jump("end")
            .loadMapValueIndex(Reg.R1, 2, 40)
            .label("end")
            .mov(Reg.R0, 2)
            .exit()
            .assemble();
    assertThat(Disassembler.print(program))
        .isEqualTo(
            """
               0: (bf) r6 = r1
               1: (18) r1 = map[fd:5]
            L3:
               3: (bf) r2 = r10
               4: (07) r2 += -4
               5: (62) *(u32 *)(r2 +0) = 7
               6: (85) call bpf_map_lookup_elem#1
               7: (15) if r0 == 0x0 goto L20
               8: (69) r3 = *(u16 *)(r0 +2)
               9: (dc) r3 = be16 r3
              10: (db) lock *(u64 *)(r0 +8) += r3
              11: (c3) r3 = atomic_fetch_or((u32 *)(r0 +0), r3)
              12: (db) r0 = atomic64_cmpxchg((u64 *)(r7 +16), r0, r3)
              13: (ce) if w3 s< w4 goto L3
              14: (c4) w3 s>>= 3
              15: (87) r3 = -r3
              16: (85) call L20
              17: (05) goto L20
              18: (18) r1 = map[idx:2][0]+40
            L20:
              20: (b7) r0 = 2
              21: (95) exit
            """);
  }

  @Test
  void printsWhatItDoesNotKnow() {
    byte[] program = HexFormat.of().parseHex("e5000000000000009700010000000000");
    assertThat(Disassembler.print(program))
        .contains("(e5) unknown: dst 0 src 0 off 0 imm 0", "(97) unknown");
    assertThatIllegalArgumentException().isThrownBy(() -> Disassembler.print(new byte[7]));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Disassembler.print(HexFormat.of().parseHex("1800000000000000")))
        .withMessage("the program ends within a wide instruction");
  }

  @Test
  void jumpsTooFarAreRefused() {
    Assembler far = new Assembler().jumpIf(Condition.EQ, Reg.R1, 0, "end");
    for (int i = 0; i < 32767; i++) {
      far.mov(Reg.R0, 0);
    }
    far.label("end").exit();
    assertThat(Instruction.decode(far.assemble()).get(0).offset()).isEqualTo(32767);

    Assembler farther = new Assembler().jump("end");
    for (int i = 0; i < 16384; i++) {
      farther.loadImm64(Reg.R0, i); // two slots each
    }
    farther.label("end").exit();
    assertThatIllegalArgumentException()
        .isThrownBy(farther::assemble)
        .withMessage("a jump to end over 32768 slots; 16 bits reach 32767");
  }

  @Test
  void refusesWhatNoInstructionHasRoomFor() {
    Assembler a = new Assembler();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> a.load(Size.W, Reg.R0, Reg.R1, 40_000))
        .withMessage("offset 40000 takes more than 16 bits");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> a.atomic(Atomic.ADD, Size.H, Reg.R0, 0, Reg.R1));
    assertThatIllegalArgumentException().isThrownBy(() -> a.toBigEndian(Reg.R0, 8));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Assembler().jump("nowhere").exit().assemble())
        .withMessage("a jump to nowhere, which is nowhere");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Assembler().jump("end").label("end").assemble())
        .withMessageContaining("behind the program's end");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Assembler().label("x").label("x"))
        .withMessage("two places are called x");
  }

  /** Random programs: what is assembled decodes to the same, and jumps reach their labels. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
  void roundTrip(long seed) {
    Random random = new Random(seed);
    for (int round = 0; round < 50; round++) {
      int length = 1 + random.nextInt(200);
      Assembler a = new Assembler();
      List<Integer> slotOf = new ArrayList<>();
      List<Integer> targetOf = new ArrayList<>();
      for (int i = 0; i < length; i++) {
        a.label("l" + i);
        slotOf.add(a.slots());
        targetOf.add(append(a, random, length));
      }
      byte[] program = a.assemble();
      List<Instruction> decoded = Instruction.decode(program);
      assertThat(Instruction.encode(decoded)).isEqualTo(program);
      assertThat(decoded).hasSize(length);
      for (int i = 0; i < length; i++) {
        Instruction instruction = decoded.get(i);
        if (targetOf.get(i) != null) {
          int behind = slotOf.get(i) + instruction.slots();
          long distance = instruction.isSubprogramCall() ? instruction.imm() : instruction.offset();
          assertThat(behind + distance).isEqualTo((long) slotOf.get(targetOf.get(i)));
        }
      }
      assertThat(Disassembler.print(program)).doesNotContain("unknown");
    }
  }

  private static <T> T any(Random random, T[] values) {
    return values[random.nextInt(values.length)];
  }

  /** Appends a random instruction; returns the number of the one that it jumps to, or null. */
  private static Integer append(Assembler a, Random r, int length) {
    Reg dst = any(r, Reg.values());
    Reg src = any(r, Reg.values());
    int offset = (short) r.nextInt();
    int imm = r.nextInt();
    int target = r.nextInt(length);
    String label = "l" + target;
    switch (r.nextInt(20)) {
      case 0 -> a.alu(any(r, Alu.values()), dst, src);
      case 1 -> a.alu(any(r, Alu.values()), dst, imm);
      case 2 -> a.alu32(any(r, Alu.values()), dst, src);
      case 3 -> a.alu32(any(r, Alu.values()), dst, imm);
      case 4 -> a.load(any(r, Size.values()), dst, src, offset);
      case 5 -> a.store(any(r, Size.values()), dst, offset, src);
      case 6 -> a.store(any(r, Size.values()), dst, offset, imm);
      case 7 -> a.atomic(any(r, Atomic.values()), Size.DW, dst, offset, src);
      case 8 -> a.atomic(any(r, Atomic.values()), Size.W, dst, offset, src);
      case 9 -> a.loadImm64(dst, r.nextLong());
      case 10 -> a.loadMapFd(dst, r.nextInt(1000));
      case 11 -> a.loadMapIndex(dst, r.nextInt(10));
      case 12 -> a.loadMapValueFd(dst, r.nextInt(1000), r.nextInt(100));
      case 13 -> a.call(any(r, Helper.values()));
      case 14 -> a.toBigEndian(dst, 16 << r.nextInt(3)).slots();
      case 15 -> a.exit();
      case 16 -> a.neg32(dst);
      default -> {
        switch (r.nextInt(6)) {
          case 0 -> a.jumpIf(any(r, Condition.values()), dst, src, label);
          case 1 -> a.jumpIf(any(r, Condition.values()), dst, imm, label);
          case 2 -> a.jumpIf32(any(r, Condition.values()), dst, src, label);
          case 3 -> a.jumpIf32(any(r, Condition.values()), dst, imm, label);
          case 4 -> a.callSubprogram(label);
          default -> a.jump(label);
        }
        return target;
      }
    }
    return null;
  }
}
