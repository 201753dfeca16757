// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

class MacTest {
  @Test
  void textBytesAndBitsAgree() {
    Mac mac = Mac.parse("02:00:5e:10:00:fF");
    assertThat(mac).hasToString("02:00:5e:10:00:ff");
    assertThat(mac.bytes()).containsExactly(2, 0, 0x5e, 0x10, 0, 0xff);
    assertThat(Mac.of(mac.bytes())).isEqualTo(mac);
    assertThat(Mac.ZERO).hasToString("00:00:00:00:00:00");
  }

  @Test
  void nothingElseIsOne() {
    assertThatIllegalArgumentException().isThrownBy(() -> Mac.parse("02:00:5e:10:00"));
    assertThatIllegalArgumentException().isThrownBy(() -> Mac.of(new byte[5]));
    assertThatIllegalArgumentException().isThrownBy(() -> new Mac(1L << 48));
  }
}
