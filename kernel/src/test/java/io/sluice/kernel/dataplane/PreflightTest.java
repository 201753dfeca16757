// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.bpf.KernelFeatures;
import io.sluice.kernel.testing.RequiresKernel;
import io.sluice.kernel.testing.TestBpffs;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@RequiresKernel
class PreflightTest {
  @Test
  @Tag("INV-PROG-5")
  void everyVariantPassesTheVerifierAndNothingIsLeft() {
    try (TestBpffs bpffs = TestBpffs.mount()) {
      List<Path> before = Pins.list(bpffs.path()); // some kernels put files of their own there
      List<Preflight.Finding> findings = Preflight.run(bpffs.path());
      assertThat(findings).filteredOn(f -> f.required() && !f.ok()).isEmpty();
      assertThat(findings)
          .extracting(Preflight.Finding::item)
          .contains(
              "bpffs",
              "kernel",
              "TCX",
              "preamble, host-ingress",
              "preamble, host-egress",
              "programs for IPv4, host-ingress",
              "programs for IPv6, host-ingress, debug",
              "programs for IPv4, host-egress, debug",
              "programs for IPv6, host-egress",
              "conntrack cleaner, IPv6",
              "policy programs");
      assertThat(findings)
          .filteredOn(f -> f.item().equals("TCX"))
          .allMatch(f -> f.ok() == KernelFeatures.tcx());
      assertThat(Pins.list(bpffs.path())).isEqualTo(before);
    }
  }

  @Test
  void whatTheVerifierRefusesIsSaidAndTheRestGoesOn() {
    Objects broken = name -> name.equals("tc6") ? TestBuilds.refused() : Objects.SHIPPED.read(name);
    List<Preflight.Finding> findings = Preflight.run(broken);
    assertThat(findings)
        .filteredOn(f -> f.item().equals("programs for IPv6, host-ingress"))
        .singleElement()
        .satisfies(
            f -> {
              assertThat(f.ok()).isFalse();
              assertThat(f.detail()).contains("invalid mem access");
              assertThat(f.remedy()).isNotEmpty();
            });
    assertThat(findings)
        .filteredOn(f -> f.item().equals("programs for IPv4, host-egress"))
        .singleElement()
        .matches(Preflight.Finding::ok);
  }

  @Test
  void placeThatIsNoBpffs() {
    assertThat(Preflight.run(Path.of("/proc")))
        .first()
        .satisfies(
            f -> {
              assertThat(f.ok()).isFalse();
              assertThat(f.remedy()).isEqualTo("mount -t bpf bpf /proc");
            });
  }
}
