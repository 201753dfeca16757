// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.dsr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.sluice.config.model.Cidr;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class OptOutListTest {
  private static final List<Cidr> NETWORKS =
      List.of(Cidr.parse("fd00::/8"), Cidr.parse("192.0.2.0/24"), Cidr.parse("0.0.0.0/0"));

  @Test
  void theOrderDoesNotMatterAndNothingIsLost() {
    byte[] bytes = OptOutList.bytes(NETWORKS);
    List<Cidr> other = new ArrayList<>(NETWORKS);
    Collections.reverse(other);
    other.add(Cidr.parse("192.0.2.0/24"));
    assertThat(OptOutList.bytes(other)).isEqualTo(bytes);
    assertThat(OptOutList.parse(bytes)).containsExactlyInAnyOrderElementsOf(NETWORKS);
    assertThat(DsrOptOut.DERIVATION.derive(1, bytes)).isEqualTo(bytes);
    assertThat(OptOutList.parse(OptOutList.bytes(List.of()))).isEmpty();
  }

  @Test
  void badBytesAreRefused() {
    byte[] bytes = OptOutList.bytes(NETWORKS);
    for (byte[] bad :
        List.of(
            new byte[0],
            new byte[] {9, 0, 0},
            Arrays.copyOf(bytes, bytes.length - 1),
            Arrays.copyOf(bytes, bytes.length + 1))) {
      assertThatIllegalArgumentException().isThrownBy(() -> OptOutList.parse(bad));
    }
  }
}
