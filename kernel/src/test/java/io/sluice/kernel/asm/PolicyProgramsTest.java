// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.asm;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.bpf.MapSpec;
import io.sluice.kernel.bpf.MapType;
import io.sluice.kernel.bpf.ProgramArray;
import io.sluice.kernel.bpf.Programs;
import io.sluice.kernel.bpf.SkbContext;
import io.sluice.kernel.bpf.TestRun;
import io.sluice.kernel.testing.RequiresKernel;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Assembled programs in the kernel. */
@RequiresKernel
class PolicyProgramsTest {
  private static final byte[] PACKET = new byte[64];

  private static Fd load(byte[] program, Fd... maps) {
    return Programs.load(Programs.SCHED_CLS, "policy", program, List.of(maps));
  }

  private static Fd returning(int value) {
    return load(new Assembler().mov(Reg.R0, value).exit().assemble());
  }

  @Test
  @Tag("INV-PROG-2")
  void enterTheContinuationThatTheCallerLeft() {
    try (ProgramArray progs =
            new ProgramArray(
                "progs", new MapSpec(MapType.PROG_ARRAY, "progs", 4, 4, 24, 0).create());
        Fd three = returning(3);
        Fd nine = returning(9);
        Fd allow = load(PolicyPrograms.allowAll(), progs.fd());
        Fd deny = load(PolicyPrograms.denyAll(), progs.fd());
        Fd allowByFd = load(PolicyPrograms.allowAll(progs.fd().number()));
        Fd denyByFd = load(PolicyPrograms.denyAll(progs.fd().number()))) {
      progs.set(3, three);
      progs.set(9, nine);
      SkbContext continuations = SkbContext.EMPTY.withCb(3, 9);
      assertThat(TestRun.once(allow, PACKET, continuations).verdict()).isEqualTo(3);
      assertThat(TestRun.once(allowByFd, PACKET, continuations).verdict()).isEqualTo(3);
      assertThat(TestRun.once(deny, PACKET, continuations).verdict()).isEqualTo(9);
      assertThat(TestRun.once(denyByFd, PACKET, continuations).verdict()).isEqualTo(9);
      // Nothing there, or far beyond the array: dropped.
      SkbContext nowhere = SkbContext.EMPTY.withCb(4, 1_000_000);
      assertThat(TestRun.once(allow, PACKET, nowhere).verdict()).isEqualTo(2);
      assertThat(TestRun.once(deny, PACKET, nowhere).verdict()).isEqualTo(2);
    }
  }

  @Test
  void everyKindOfInstructionComputesWhatItSays() {
    byte[] program =
        new Assembler()
            .mov(Reg.R6, 0)
            .store(Size.DW, Reg.R10, -8, 40)
            .mov(Reg.R2, 2)
            .atomic(Atomic.ADD, Size.DW, Reg.R10, -8, Reg.R2)
            .load(Size.DW, Reg.R7, Reg.R10, -8) // 42
            .alu(Alu.AND, Reg.R7, 63) // for the verifier, which has lost count
            .label("loop")
            .alu(Alu.ADD, Reg.R6, 1)
            .jumpIf(Condition.LT, Reg.R6, Reg.R7, "loop")
            .loadImm64(Reg.R8, 0x1_0000_0000L)
            .alu(Alu.ADD, Reg.R8, Reg.R6)
            .alu(Alu.RSH, Reg.R8, 16)
            .alu32(Alu.ADD, Reg.R8, 0) // 0x10000
            .jumpIf32(Condition.EQ, Reg.R8, 0x10000, "good")
            .mov(Reg.R0, -1)
            .exit()
            .label("good")
            .callSubprogram("swap")
            .exit()
            .label("swap")
            .mov(Reg.R0, 0x2a00)
            .toBigEndian(Reg.R0, 16)
            .exit()
            .assemble();
    try (Fd loaded = load(program)) {
      assertThat(TestRun.once(loaded, PACKET, null).verdict()).isEqualTo(42);
    }
  }
}
