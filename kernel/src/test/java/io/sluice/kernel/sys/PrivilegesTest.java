// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.sys;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.sys.Privileges.Capability;
import io.sluice.kernel.testing.RequiresKernel;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PrivilegesTest {
  @Test
  void bitsAreReadAsTheKernelNumbersThem() {
    assertThat(Privileges.missing(-1L)).isEmpty();
    assertThat(Privileges.missing(0)).isEqualTo(EnumSet.allOf(Capability.class));
    assertThat(Privileges.missing(1L << 12 | 1L << 21 | 1L << 38))
        .containsExactly(Capability.CAP_BPF);
  }

  @Test
  void theComplaintIsOneLine() {
    assertThat(Privileges.complaint(Set.of())).isEmpty();
    assertThat(Privileges.complaint(EnumSet.of(Capability.CAP_NET_ADMIN, Capability.CAP_BPF)))
        .contains(
            "no privilege: CAP_NET_ADMIN, CAP_BPF missing; run as root (sudo), or grant these"
                + " capabilities");
  }

  @Test
  @RequiresKernel
  void rootLacksNothing() {
    assertThat(Privileges.missing()).isEmpty();
  }

  @Test
  void errorNumbersHaveNamesAndTexts() {
    assertThat(Errno.describe(Errno.EEXIST)).isEqualTo("EEXIST (File exists)");
    assertThat(Errno.describe(4711)).isEqualTo("error 4711");
    assertThat(Errno.failure("ask", Errno.ENOBUFS, "too much"))
        .hasMessage("ask: ENOBUFS (No buffer space available): too much");
  }
}
