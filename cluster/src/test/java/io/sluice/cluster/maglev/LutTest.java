// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.maglev;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.sluice.config.model.IpAddress;
import io.sluice.config.model.IpFamily;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LutTest {
  static List<Backend> backends(int count) {
    List<Backend> backends = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      backends.add(new Backend(new IpAddress(IpFamily.IPV4, 0, 0x0af40000L + 7 * i + 1), 8080, 1));
    }
    return backends;
  }

  static Lut lut(List<Backend> backends) {
    return Lut.compute(BackendSet.of(IpFamily.IPV4, backends));
  }

  private static Backend backend(String address, int port, int weight) {
    return new Backend(IpAddress.parse(address), port, weight);
  }

  @Test
  void sizesArePrimesThatGiveEachBackendAHundredSlots() {
    for (int size : Lut.SIZES) {
      assertThat(BigInteger.valueOf(size).isProbablePrime(50)).as("%d", size).isTrue();
    }
    assertThat(Lut.sizeFor(0)).isZero();
    assertThat(Lut.sizeFor(1)).isEqualTo(65_537);
    assertThat(Lut.sizeFor(655)).isEqualTo(65_537);
    assertThat(Lut.sizeFor(656)).isEqualTo(131_071);
    assertThat(Lut.sizeFor(BackendSet.MAX_BACKENDS)).isEqualTo(524_309);
  }

  /** The vectors of docs/design/maglev.md: what another implementation must get, too. */
  @Test
  @Tag("INV-MAG-1")
  void givesTheTablesOfTheTestVectors() {
    Lut v4 = lut(List.of(backend("10.0.0.1", 80, 1), backend("10.0.0.2", 80, 1)));
    Lut weighted =
        lut(
            List.of(
                backend("10.0.0.1", 80, 1),
                backend("10.0.0.2", 80, 2),
                backend("10.0.0.3", 8080, 3)));
    Lut v6 =
        Lut.compute(
            BackendSet.of(
                IpFamily.IPV6, List.of(backend("fd00::1", 443, 1), backend("fd00::2", 443, 1))));
    assertThat(List.of(v4.digest(), weighted.digest(), v6.digest()))
        .containsExactly("e017ace9bdc24acd", "46fa03540090993c", "e9aa474bd78f5c70");
    assertThat(firstSlots(v4)).isEqualTo("0001111000000111");
    assertThat(firstSlots(weighted)).isEqualTo("0021111222222221");
    assertThat(firstSlots(v6)).isEqualTo("1110110100011001");
  }

  private static String firstSlots(Lut lut) {
    StringBuilder slots = new StringBuilder();
    for (int i = 0; i < 16; i++) {
      slots.append(lut.member(i));
    }
    return slots.toString();
  }

  @Test
  @Tag("INV-MAG-1")
  void theOrderInWhichBackendsComeDoesNotMatter() {
    List<Backend> backends = backends(100);
    Lut one = lut(backends);
    Random random = new Random(1);
    for (int i = 0; i < 5; i++) {
      Collections.shuffle(backends, random);
      assertThat(lut(backends)).isEqualTo(one);
      assertThat(lut(backends).digest()).isEqualTo(one.digest());
    }
  }

  @Test
  @Tag("INV-MAG-2")
  void removingOrAddingOneOfAHundredMovesLittleElse() {
    List<Backend> hundred = backends(100);
    Lut before = lut(hundred);
    for (int gone : new int[] {0, 17, 50, 99}) {
      List<Backend> rest = new ArrayList<>(hundred);
      rest.remove(gone);
      Lut after = lut(rest);
      int moved = 0;
      for (int slot = 0; slot < before.size(); slot++) {
        Lut.Member was = before.members().get(before.member(slot));
        Lut.Member is = after.members().get(after.member(slot));
        if (before.member(slot) != gone && !was.equals(is)) {
          moved++;
        }
      }
      assertThat(moved / (double) before.size()).as("without backend %d", gone).isLessThan(0.01);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 10, 100, 500, 655, 656, 1000, 3000})
  void backendsOfOneWeightDifferByOneSlot(int count) {
    int[] spread = lut(backends(count)).spread();
    int least = Integer.MAX_VALUE;
    int most = 0;
    for (int slots : spread) {
      least = Math.min(least, slots);
      most = Math.max(most, slots);
    }
    assertThat(most - least).isLessThanOrEqualTo(1);
    assertThat(least).isGreaterThanOrEqualTo(100);
  }

  @Test
  void slotsFollowWeights() {
    List<Backend> backends = new ArrayList<>();
    int sum = 0;
    for (int i = 0; i < 60; i++) {
      int weight = i % 6 == 0 ? Backend.MAX_WEIGHT : 1 + i % 6;
      sum += weight;
      backends.add(backend("10.0.0." + (i + 1), 80, weight));
    }
    Lut lut = lut(backends);
    int[] spread = lut.spread();
    for (int i = 0; i < backends.size(); i++) {
      double share = lut.size() * (double) backends.get(i).weight() / sum;
      assertThat((double) spread[i]).isBetween(share * 0.99 - 1, share * 1.01 + 1);
    }
  }

  @Test
  void withoutBackendsThereAreNoSlots() {
    Lut empty = lut(List.of());
    assertThat(empty.size()).isZero();
    assertThat(Lut.parse(empty.bytes())).isEqualTo(empty);
  }

  @Test
  void tablesAndSetsComeBackFromTheirBytes() {
    List<Backend> mixed =
        List.of(
            backend("10.0.0.9", 80, 1),
            backend("10.0.0.10", 65535, 100),
            backend("10.0.0.9", 81, 2));
    for (List<Backend> backends : List.of(backends(10), mixed, List.<Backend>of())) {
      BackendSet set = BackendSet.of(IpFamily.IPV4, backends);
      assertThat(BackendSet.parse(set.bytes())).isEqualTo(set);
      Lut lut = Lut.compute(set);
      assertThat(Lut.parse(lut.bytes())).isEqualTo(lut);
    }
  }

  @Test
  void threeThousandOfASortFitIntoOneStoredObject() {
    List<Backend> backends = new ArrayList<>();
    for (int i = 0; i < BackendSet.MAX_BACKENDS; i++) {
      backends.add(new Backend(new IpAddress(IpFamily.IPV6, 0xfd00L << 48, i), 8080, 1));
    }
    assertThat(BackendSet.of(IpFamily.IPV6, backends).bytes().length)
        .isLessThanOrEqualTo(BackendSet.MAX_BYTES);
  }

  @Test
  void badBytesAreRefused() {
    byte[] set = BackendSet.of(IpFamily.IPV4, backends(3)).bytes();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> BackendSet.parse(Arrays.copyOf(set, set.length - 1)));
    assertThatIllegalArgumentException().isThrownBy(() -> BackendSet.parse(new byte[] {9}));
    byte[] lut = lut(backends(3)).bytes();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Lut.parse(Arrays.copyOf(lut, lut.length - 1)));
    lut[lut.length - 1] = 9;
    assertThatIllegalArgumentException().isThrownBy(() -> Lut.parse(lut));
  }

  /** The aim is 20 ms when warm, C1 only; this is a machine with other work to do. */
  @Test
  void aThousandBackendsTakeMilliseconds() {
    BackendSet set = BackendSet.of(IpFamily.IPV4, backends(1000));
    long best = Long.MAX_VALUE;
    for (int i = 0; i < 30; i++) {
      long began = System.nanoTime();
      Lut.compute(set);
      best = Math.min(best, System.nanoTime() - began);
    }
    assertThat(best).isLessThan(TimeUnit.MILLISECONDS.toNanos(60));
  }
}
