// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.maglev;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.sluice.cluster.shared.Agreed;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.IpFamily;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Where slots led before they moved. */
class FormersTest {
  private static BackendSet set(int... numbers) {
    List<Backend> backends = new ArrayList<>();
    for (int number : numbers) {
      backends.add(new Backend(new IpAddress(IpFamily.IPV4, 0, 0x0af40000L + number), 80, 1));
    }
    return BackendSet.of(IpFamily.IPV4, backends);
  }

  private static BackendSet range(int count) {
    int[] numbers = new int[count];
    Arrays.setAll(numbers, i -> i + 1);
    return set(numbers);
  }

  /** What an entity keeps of a chain of sets, of which the last is that of now. */
  private static FormerSets chain(BackendSet... sets) {
    byte[] former = new byte[0];
    for (int i = 1; i < sets.length; i++) {
      Agreed before = new Agreed(i, i, Lut.ALGORITHM, sets[i - 1].bytes(), "", former);
      former =
          MaglevTable.DERIVATION.remember(before, Lut.ALGORITHM, sets[i].bytes(), Agreed.MAX_VALUE);
    }
    return FormerSets.parse(former);
  }

  /** Defined by hand: the last of the tables in which the slot led elsewhere. */
  private static void check(BackendSet... sets) {
    Lut now = Lut.compute(sets[sets.length - 1]);
    Formers formers = Formers.of(now, chain(sets));
    List<Lut.Member> members = new ArrayList<>(now.members());
    members.addAll(formers.gone());
    TreeSet<Lut.Member> gone = new TreeSet<>();
    List<Lut> tables = Arrays.stream(sets).map(Lut::compute).toList();
    int moved = 0;
    int wrong = 0;
    for (int slot = 0; slot < now.size(); slot++) {
      Lut.Member is = now.members().get(now.member(slot));
      Lut.Member expected = null;
      for (int i = sets.length - 2; i >= 0 && expected == null; i--) {
        Lut then = tables.get(i);
        if (then.size() > 0) {
          Lut.Member was = then.members().get(then.member(then.slotOfMiddle(slot, now.size())));
          expected = was.equals(is) ? null : was;
        }
      }
      char former = formers.former(slot);
      if (expected == null) {
        wrong += former == Formers.UNMOVED ? 0 : 1;
      } else {
        moved++;
        wrong += members.get(former).equals(expected) ? 0 : 1;
        if (!now.members().contains(expected)) {
          gone.add(expected);
        }
      }
    }
    assertThat(wrong).isZero();
    assertThat(formers.moved()).isEqualTo(moved);
    assertThat(formers.gone()).containsExactlyElementsOf(gone);
  }

  @Test
  @Tag("INV-MAG-3")
  void movedSlotsAreExactlyThoseThatDiffer() {
    check(set(1, 2, 3), set(1, 2)); // a backend goes: what it had, and what moves besides
    check(set(1, 2), set(1, 2, 3)); // one comes: what it takes, of those that are still there
    check(set(1, 2, 3), set(4, 5, 6)); // all
  }

  @Test
  @Tag("INV-MAG-3")
  void aSlotKeepsItsFormerBackendUntilItMovesAgain() {
    check(set(1, 2, 3, 4), set(1, 2, 3), set(2, 3), set(2, 3, 5), set(3, 5, 6));
    BackendSet before = range(4);
    Formers once = Formers.of(Lut.compute(range(5)), chain(before, range(5)));
    Lut last = Lut.compute(range(6));
    Formers twice = Formers.of(last, chain(before, range(5), range(6)));
    Lut between = Lut.compute(range(5));
    int kept = 0;
    int wrong = 0;
    for (int slot = 0; slot < last.size(); slot++) {
      boolean moved = last.member(slot) != between.member(slot); // members only come, at the end
      wrong += twice.former(slot) == (moved ? between.member(slot) : once.former(slot)) ? 0 : 1;
      kept += !moved && once.former(slot) != Formers.UNMOVED ? 1 : 0;
    }
    assertThat(wrong).isZero();
    assertThat(kept).isGreaterThan(5_000);
  }

  /** What came back leads where it led: the time without it is what others remember. */
  @Test
  void comingAndGoingPushesNothingOut() {
    check(set(1, 2, 3), set(1, 2), set(1, 2, 3));
    BackendSet[] sets = new BackendSet[101];
    sets[0] = set(1, 2, 3, 9);
    for (int i = 1; i < sets.length; i++) {
      sets[i] = i % 2 == 0 ? set(1, 2, 3) : set(1, 2);
    }
    assertThat(chain(sets).size()).isEqualTo(2);
    check(sets[0], sets[1], sets[2], sets[3], sets[4]);
    assertThat(Formers.of(Lut.compute(sets[100]), chain(sets)).gone())
        .containsExactlyElementsOf(Lut.compute(set(9)).members());
  }

  @Test
  void withoutBackendsNothingIsKnownAndNothingIsForgotten() {
    check(set(1, 2), set(), set(1, 2, 3));
    assertThat(Formers.of(Lut.compute(set()), chain(set(1, 2), set()))).isEqualTo(Formers.NONE);
    assertThat(Formers.of(Lut.compute(set(1)), FormerSets.NONE).any()).isFalse();
    assertThat(Formers.of(Lut.compute(set(1)), FormerSets.NONE).former(5))
        .isEqualTo(Formers.UNMOVED);
  }

  /** The flows in the middle of a slot count: of a table that grew, those of 7 slots of 8. */
  @Test
  void aTableOfAnotherSizeIsReadByItsFlows() {
    check(range(655), range(656));
    check(range(656), range(655));
    Lut before = Lut.compute(range(655));
    Lut now = Lut.compute(range(656));
    Formers formers = Formers.of(now, chain(range(655), range(656)));
    Random random = new Random(1);
    int right = 0;
    int all = 100_000;
    for (int i = 0; i < all; i++) {
      int hash = random.nextInt();
      char former = formers.former(now.slotOf(hash));
      int led = former == Formers.UNMOVED ? now.member(now.slotOf(hash)) : former;
      right += led == before.member(before.slotOf(hash)) ? 1 : 0;
    }
    assertThat(right).isGreaterThan(all * 85 / 100);
  }

  @Test
  void weightsMoveSlotsToo() {
    List<Backend> heavier = new ArrayList<>(set(1, 2, 3).backends());
    heavier.set(0, new Backend(heavier.get(0).address(), 80, 5));
    check(set(1, 2, 3), BackendSet.of(IpFamily.IPV4, heavier));
  }

  @Test
  void theOldestGoWhenThereAreTooMany() {
    BackendSet[] sets = new BackendSet[40];
    for (int i = 0; i < sets.length; i++) {
      sets[i] = range(i + 1);
    }
    FormerSets former = chain(sets);
    assertThat(former.size()).isEqualTo(16);
    assertThat(former.entries().get(0).set()).isEqualTo(sets[38].bytes());
    int half = former.bytes().length / 2;
    FormerSets few = former.with(1, sets[39].bytes(), 1, range(41).bytes(), half);
    assertThat(few.size()).isBetween(1, 15);
    assertThat(few.bytes().length).isLessThanOrEqualTo(half);
    assertThat(former.with(1, sets[39].bytes(), 1, range(41).bytes(), 0).bytes()).isEmpty();
  }

  /** A set whose table another algorithm made is no guess of this one's. */
  @Test
  void setsOfAnotherAlgorithmArePassedOver() {
    FormerSets former = FormerSets.NONE.with(2, set(1, 2).bytes(), 1, set(1, 3).bytes(), 9999);
    assertThat(former.size()).isEqualTo(1);
    assertThat(Formers.of(Lut.compute(set(1, 3)), former)).isEqualTo(Formers.NONE);
  }

  @Test
  void bytesThatAreNoneAreRefused() {
    byte[] right = chain(set(1), set(2)).bytes();
    byte[] other = right.clone();
    other[0] = 9;
    for (byte[] bytes : List.of(other, Arrays.copyOf(right, right.length - 3), new byte[] {1, 5})) {
      assertThatIllegalArgumentException().isThrownBy(() -> FormerSets.parse(bytes));
      assertThat(MaglevTable.former(bytes)).isSameAs(FormerSets.NONE);
    }
  }
}
