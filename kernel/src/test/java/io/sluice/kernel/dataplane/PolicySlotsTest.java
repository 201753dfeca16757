// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.sluice.kernel.asm.Assembler;
import io.sluice.kernel.asm.Reg;
import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.bpf.KernelException;
import io.sluice.kernel.bpf.MapSpec;
import io.sluice.kernel.bpf.MapType;
import io.sluice.kernel.bpf.ProgramArray;
import io.sluice.kernel.bpf.Programs;
import io.sluice.kernel.bpf.TestRun;
import io.sluice.kernel.bpf.VerifierException;
import io.sluice.kernel.layout.PolicySlotsLimits;
import io.sluice.kernel.policy.PolicyProgram;
import io.sluice.kernel.sys.Errno;
import io.sluice.kernel.testing.RequiresKernel;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Programs of several pieces in the per-endpoint array: their places, and their change. */
@RequiresKernel
class PolicySlotsTest {
  private static final int FIRST = PolicySlotsLimits.POLICY_SLOTS;
  private static final int SHOT = 2;
  private static final long SECOND = 1_000_000_000L;

  private ProgramArray array;
  private PolicySlots slots;
  private long now;

  @BeforeEach
  void make() {
    int size = FIRST + PolicySlotsLimits.POLICY_PIECES;
    array =
        new ProgramArray("policies", new MapSpec(MapType.PROG_ARRAY, "p", 4, 4, size, 0).create());
    slots = new PolicySlots(array, () -> now);
  }

  @AfterEach
  void close() {
    array.close();
  }

  private Fd load(String name, byte[] code) {
    return Programs.load(Programs.SCHED_CLS, name, code, List.of(array.fd()));
  }

  private static Assembler enter(Assembler code) {
    return code.mov(Reg.R1, Reg.R6).tailCall().mov(Reg.R0, SHOT).exit();
  }

  /** Goes through all its pieces, and returns a verdict. */
  private static PolicyProgram program(String name, int pieces, int verdict) {
    List<byte[]> all = new ArrayList<>();
    for (int i = 1; i < pieces; i++) {
      Assembler code = new Assembler().mov(Reg.R6, Reg.R1).loadMapIndex(Reg.R2, 0);
      all.add(enter(code.loadImm64(Reg.R3, i)).assemble());
    }
    all.add(new Assembler().mov(Reg.R0, verdict).exit().assemble());
    return new PolicyProgram(name, all);
  }

  private void set(int slot, PolicyProgram program) {
    slots.set(slot, program, this::load);
  }

  private TestRun entering(int slot) {
    Assembler code = new Assembler().mov(Reg.R6, Reg.R1).loadMapIndex(Reg.R2, 0);
    return new TestRun(load("enter", enter(code.mov(Reg.R3, slot)).assemble()), 64)
        .packet(new byte[64]);
  }

  private Set<Integer> pieces() {
    Set<Integer> pieces = new TreeSet<>(array.programIds().keySet());
    pieces.removeIf(slot -> slot < FIRST);
    return pieces;
  }

  @Test
  void laterPiecesHaveNoSlotThatInterfacesName() {
    set(7, program("p_one", 3, 40));
    set(8, program("p_two", 1, 41));
    assertThat(entering(7).run(1)).isEqualTo(40);
    assertThat(entering(8).run(1)).isEqualTo(41);
    assertThat(PolicySlots.names(array)).isEqualTo(Map.of(7, "p_one", 8, "p_two"));
    assertThat(pieces()).containsExactly(FIRST, FIRST + 1);
  }

  /** The verifier is what takes time where many endpoints enforce the same. */
  @Test
  void whatIsTheSameIsLoadedOnce() {
    set(7, program("p_one", 1, 40));
    set(8, program("p_one", 1, 40));
    assertThat(array.programId(8)).isEqualTo(array.programId(7)).isNotZero();
    set(9, program("p_one", 1, 41));
    assertThat(entering(9).run(1)).as("of one name, but not the same").isEqualTo(41);
    slots.clear(7);
    slots.clear(8);
    set(8, program("p_one", 1, 40));
    assertThat(entering(8).run(1)).isEqualTo(40);
  }

  @Test
  void piecesOfWhatIsReplacedGoAWhileLater() {
    set(7, program("p_one", 3, 40));
    set(7, program("p_two", 2, 41));
    assertThat(entering(7).run(1)).isEqualTo(41);
    assertThat(pieces()).as("packets may still be on their way").hasSize(3);
    now += SECOND / 2;
    slots.clear(9);
    assertThat(pieces()).hasSize(3);
    now += SECOND;
    slots.clear(9);
    assertThat(pieces()).containsExactly(FIRST + 2);
    slots.clear(7);
    now += SECOND;
    set(8, program("p_three", 2, 42));
    assertThat(pieces()).as("their places are used anew").containsExactly(FIRST);
    assertThat(entering(7).run(1)).isEqualTo(SHOT);
  }

  @Test
  void nextProcessKnowsWhoseThePiecesAre() {
    set(7, program("p_one", 3, 40));
    set(8, program("p_two", 2, 41));
    try (Fd stray = load("q0009_12345678", new Assembler().mov(Reg.R0, 1).exit().assemble())) {
      array.set(FIRST + 9, stray); // as if killed before the first piece was in place
    }
    slots = new PolicySlots(array, () -> now);
    set(9, program("p_three", 2, 42));
    assertThat(entering(7).run(1)).isEqualTo(40);
    assertThat(entering(8).run(1)).isEqualTo(41);
    assertThat(entering(9).run(1)).isEqualTo(42);
    set(7, program("p_four", 1, 43));
    now += SECOND;
    slots.clear(10);
    assertThat(pieces()).containsExactly(FIRST + 2, FIRST + 3);
    assertThat(entering(8).run(1)).isEqualTo(41);
  }

  @Test
  void whatTheVerifierRefusesChangesNothing() {
    set(7, program("p_one", 2, 40));
    Map<Integer, Integer> before = array.programIds();
    List<byte[]> bad = new ArrayList<>(program("p_bad", 3, 41).pieces());
    bad.set(0, new byte[16]);
    assertThatExceptionOfType(VerifierException.class)
        .isThrownBy(() -> set(7, new PolicyProgram("p_bad", bad)))
        .withMessageContaining("load program p_bad");
    assertThat(array.programIds()).isEqualTo(before);
    assertThat(entering(7).run(1)).isEqualTo(40);
  }

  @Test
  void refusesSlotsAndProgramsThatThereIsNoRoomFor() {
    PolicyProgram small = program("p_one", 1, 40);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> set(0, small))
        .withMessageContaining("fail closed");
    assertThatExceptionOfType(KernelException.class)
        .isThrownBy(() -> set(FIRST, small))
        .withMessageContaining("there are 16384 slots");
    List<byte[]> many = Collections.nCopies(array.size(), small.pieces().get(0));
    assertThatExceptionOfType(KernelException.class)
        .isThrownBy(() -> set(1, new PolicyProgram("p_many", many)))
        .withMessageContaining("more than 16384 pieces")
        .matches(e -> e.errno() == Errno.ENOSPC);
    assertThat(array.programIds()).isEmpty();
  }

  @Test
  @Tag("INV-PROG-3")
  @Tag("INV-POL-1")
  void packetsMeetTheOldProgramOrTheNewOneWhole() throws InterruptedException {
    slots = new PolicySlots(array, System::nanoTime);
    set(7, program("p_0", 3, 40));
    AtomicBoolean done = new AtomicBoolean();
    CountDownLatch started = new CountDownLatch(1);
    CompletableFuture<Set<Integer>> seen =
        CompletableFuture.supplyAsync(
            () -> {
              TestRun run = entering(7);
              Set<Integer> verdicts = new TreeSet<>();
              while (!done.get()) {
                verdicts.add(run.run(1));
                started.countDown();
              }
              return verdicts;
            });
    started.await();
    for (int i = 1; i <= 400; i++) {
      set(7, program("p_" + i, 1 + i % 4, 40 + i % 2));
    }
    done.set(true);
    assertThat(seen.join()).isSubsetOf(40, 41);
  }
}
