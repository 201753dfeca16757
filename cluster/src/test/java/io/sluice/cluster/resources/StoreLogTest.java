// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * What the log has acknowledged is there after any end of its home, and of what it has not, all or
 * nothing. A group here is its number and a length; a snapshot says how many groups are in it.
 */
class StoreLogTest {
  private static final int[] SIZES = {
    40, 3000, 200_000, 60, 41_000, 0, 7_000, 400_000, 400_000, 300_000, 20, 900_000, 20, 90_000
  };

  private static byte[] group(int number, int size) {
    byte[] bytes = new byte[Integer.BYTES + size];
    Arrays.fill(bytes, (byte) number);
    ByteBuffer.wrap(bytes).putInt(number);
    return bytes;
  }

  private static byte[] snapshot(int count) {
    return group(count, 100_000);
  }

  /** Waits, and shows the failure itself. */
  private static <T> T done(CompletionStage<T> stage) {
    try {
      return stage.toCompletableFuture().join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : e;
    }
  }

  /** A home's life: it appends groups, takes snapshots when due, and notes what is acknowledged. */
  private static final class Home {
    final StoreLog log;
    final int found;
    int acknowledged;

    Home(Registers registers) {
      StoreLog.Opened opened = done(StoreLog.open(registers));
      log = opened.log();
      int count = opened.snapshot().map(bytes -> ByteBuffer.wrap(bytes).getInt()).orElse(0);
      for (byte[] bytes : opened.groups()) {
        int number = ByteBuffer.wrap(bytes).getInt();
        assertThat(number).as("groups come in a row").isEqualTo(count + 1);
        assertThat(bytes).isEqualTo(group(number, bytes.length - Integer.BYTES));
        count = number;
      }
      found = count;
      acknowledged = count;
    }

    void append(int size) {
      int number = acknowledged + 1;
      byte[] group = group(number, size);
      if (log.fits(group.length)) {
        done(log.append(group));
      } else {
        done(log.snapshot(log.seal(), snapshot(number)));
      }
      acknowledged = number;
      if (log.snapshotDue()) {
        done(log.snapshot(log.seal(), snapshot(number)));
      }
    }

    void live() {
      for (int round = 0; round < 3; round++) {
        for (int size : SIZES) {
          append(size);
        }
      }
    }
  }

  /** Lives until it is killed; what it had found and had been acknowledged then. */
  private static int[] livesUntilKilled(MemoryRegisters.View view) {
    Home home = null;
    try {
      home = new Home(view);
      home.live();
    } catch (IllegalStateException e) {
      assertThat(e).hasMessageContaining("killed");
    }
    return home == null ? null : new int[] {home.found, home.acknowledged};
  }

  @Test
  @Tag("INV-AG-2")
  void nothingAcknowledgedIsLostWhereverItsHomeIsKilled() {
    MemoryRegisters.View whole = new MemoryRegisters().view();
    new Home(whole).live();
    assertThat(whole.writes()).isGreaterThan(100);
    for (int cut = 0; cut < whole.writes(); cut++) {
      for (boolean takesEffect : new boolean[] {false, true}) {
        MemoryRegisters registers = new MemoryRegisters();
        int[] before = livesUntilKilled(registers.killedAfter(cut, takesEffect));
        int acknowledged = before == null ? 0 : before[1];
        Home next = new Home(registers.view());
        assertThat(next.found).as("cut %d", cut).isBetween(acknowledged, acknowledged + 1);
        next.live(); // and it goes on
        assertThat(new Home(registers.view()).found).isEqualTo(next.found + 3 * SIZES.length);
      }
    }
  }

  @Test
  @Tag("INV-AG-2")
  void nothingIsLostWhenTheNextHomeIsKilledToo() {
    MemoryRegisters begun = new MemoryRegisters();
    Home first = new Home(begun.view());
    first.append(100);
    first.append(120_000);
    for (int cut = 0; cut < 8; cut++) {
      // The first is killed in the parts of a large group, the second while it opens or soon after.
      MemoryRegisters registers = begun.copy();
      Home home = new Home(registers.killedAfter(3 + cut, true));
      assertThatThrownBy(() -> home.append(600_000)).hasMessageContaining("killed");
      for (int secondCut = 0; secondCut < 6; secondCut++) {
        MemoryRegisters again = registers.copy();
        int[] second = livesUntilKilled(again.killedAfter(secondCut, secondCut % 2 == 0));
        Home third = new Home(again.view());
        assertThat(third.found).isGreaterThanOrEqualTo(second == null ? 2 : second[1]);
        third.live();
      }
    }
  }

  @Test
  @Tag("INV-AG-2")
  void aFormerHomeThatWritesOnIsNotAcknowledgedAfterTheNextHasOpened() {
    for (int lived = 0; lived < 30; lived++) {
      for (int size : new int[] {10, 100_000, 900_000}) {
        MemoryRegisters registers = new MemoryRegisters();
        Home former = new Home(registers.view());
        for (int i = 0; i < lived; i++) {
          former.append(SIZES[i % SIZES.length]);
        }
        Home next = new Home(registers.view());
        assertThat(next.found).isEqualTo(lived);
        assertThatThrownBy(() -> former.append(size)).hasMessageContaining("revision");
        // Parts that it has left behind can be in the way once; the home then opens anew.
        int acknowledged = next.acknowledged;
        try {
          next.append(90_000);
          next.append(10);
          acknowledged = next.acknowledged;
        } catch (IllegalStateException e) {
          acknowledged = next.acknowledged;
        }
        Home last = new Home(registers.view());
        assertThat(last.found).isBetween(acknowledged, acknowledged + 1);
        last.live();
      }
    }
  }

  @Test
  void aSmallGroupIsOneWrite() {
    MemoryRegisters.View view = new MemoryRegisters().view();
    Home home = new Home(view);
    for (int i = 0; i < 20; i++) {
      int before = view.writes();
      home.append(500);
      assertThat(view.writes()).isEqualTo(before + 1);
    }
  }

  @Test
  void homesThatComeAndGoUseUpNoRoom() {
    MemoryRegisters registers = new MemoryRegisters();
    new Home(registers.view()).append(10);
    for (int i = 0; i < 3 * StoreLog.RING; i++) {
      assertThat(new Home(registers.view()).found).isEqualTo(1);
    }
  }

  @Test
  @Tag("INV-CL-3")
  void aDamagedSnapshotIsNotRead() {
    MemoryRegisters registers = new MemoryRegisters();
    Home home = new Home(registers.view());
    home.append(900_000);
    Registers view = registers.view();
    List<String> parts = new ArrayList<>(List.of("a-1", "b-1"));
    for (String part : parts) {
      String id = "resources|snapshot-" + part;
      Registers.Found found = done(view.get(id));
      if (found.value().isPresent()) {
        byte[] bytes = found.value().get();
        bytes[77] ^= 1;
        done(view.put(id, found.revision() + 1, bytes));
      }
    }
    assertThatThrownBy(() -> new Home(registers.view())).hasMessageContaining("damaged");
  }
}
