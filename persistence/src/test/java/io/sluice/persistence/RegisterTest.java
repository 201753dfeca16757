// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.persistence.Register.Payload;
import java.io.IOException;
import java.io.NotSerializableException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class RegisterTest {
  private static Register home(long term, long writer, int writes) {
    Register register = Register.EMPTY.promisedTo(new Ballot(term, writer)).confirmed();
    for (int i = 0; i < writes; i++) {
      register = register.next(Optional.of(new Payload(1, "m", new byte[] {(byte) i})));
    }
    return register;
  }

  /** Whatever the order, and however often: the same. */
  @Test
  void mergesAsAJoin() throws Exception {
    Random random = new Random(1);
    for (int round = 0; round < 2_000; round++) {
      List<Register> some = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        Register one = home(random.nextInt(3), random.nextInt(3), random.nextInt(3));
        some.add(
            random.nextBoolean()
                ? one
                : one.promisedTo(new Ballot(3 + random.nextInt(3), random.nextInt(3))));
      }
      Register a = some.get(0);
      Register b = some.get(1);
      Register c = some.get(2);
      assertThat(a.mergeData(b)).isEqualTo(b.mergeData(a));
      assertThat(a.mergeData(b).mergeData(c)).isEqualTo(a.mergeData(b.mergeData(c)));
      assertThat(a.mergeData(a)).isEqualTo(a);
      assertThat(Register.fromBytes(a.mergeData(b).toBytes())).isEqualTo(a.mergeData(b));
    }
  }

  @Test
  void formerHomeNeverWins() {
    Register settled = home(1, 5, 3).promisedTo(new Ballot(2, 1)).confirmed();
    Register late = home(1, 5, 4);
    assertThat(settled.mergeData(late)).isEqualTo(settled);
    assertThat(late.mergeData(settled)).isEqualTo(settled);
  }

  @Test
  void replicaSaysNoToBallotsBelowItsPromise() {
    Register promised = home(1, 5, 3).promisedTo(new Ballot(2, 1));
    assertThat(promised.mergeData(home(1, 5, 4)).refused()).isTrue();
    assertThat(promised.mergeData(promised.confirmed()).refused()).isFalse();
    assertThat(home(1, 5, 3).mergeData(promised).refused()).isFalse();
    // The note is of one merge.
    Register after = promised.mergeData(home(1, 5, 4));
    assertThat(after.mergeData(after.confirmed()).refused()).isFalse();
  }

  /** These bytes are on disks. */
  @Test
  void bytesStayWhatTheyAre() throws Exception {
    Register register =
        Register.EMPTY
            .promisedTo(new Ballot(2, -1))
            .confirmed()
            .next(Optional.of(new Payload(33, "a", new byte[] {9, 8})));
    String hex =
        "01"
            + "0000000000000002"
            + "ffffffffffffffff"
            + "0000000000000002"
            + "ffffffffffffffff"
            + "0000000000000001"
            + "01"
            + "00000021"
            + "00000001"
            + "61"
            + "00000002"
            + "0908";
    assertThat(HexFormat.of().formatHex(register.toBytes())).isEqualTo(hex);
    assertThat(Register.fromBytes(HexFormat.of().parseHex(hex))).isEqualTo(register);
    assertThat(Register.fromBytes(Register.EMPTY.toBytes()).payload()).isEmpty();
  }

  @Test
  void bytesThatAreNoRegisterAreRefused() {
    byte[] good = home(1, 1, 1).toBytes();
    for (int length = 0; length < good.length; length++) {
      byte[] cut = Arrays.copyOf(good, length);
      assertThatThrownBy(() -> Register.fromBytes(cut)).isInstanceOf(IOException.class);
    }
    assertThatThrownBy(() -> Register.fromBytes(Arrays.copyOf(good, good.length + 1)))
        .isInstanceOf(IOException.class);
    good[0] = 2;
    assertThatThrownBy(() -> new RegisterSerializer().fromBinary(good, "R2"))
        .isInstanceOf(NotSerializableException.class)
        .hasMessageContaining("format 2 of shared state is not known to this version");
  }
}
