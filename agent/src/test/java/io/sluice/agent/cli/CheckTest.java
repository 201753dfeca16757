// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.agent.cli.Terminal.Said;
import io.sluice.kernel.testing.RequiresKernel;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@RequiresKernel
class CheckTest {
  @Test
  @Tag("INV-PROG-5")
  void findsAllThatIsNeededOnTheKernelThatRunsTheTests() throws Exception {
    Said said = Terminal.run("check", "-o", "json");
    JsonNode findings = new ObjectMapper().readTree(said.out());
    assertThat(findings).isNotEmpty();
    for (JsonNode finding : findings) {
      assertThat(finding.path("ok").asBoolean() || !finding.path("required").asBoolean())
          .as(finding.toString())
          .isTrue();
    }
    assertThat(findings.findValuesAsText("item")).contains("nftables", "preamble, host-ingress");
    assertThat(said.code()).isZero();
    assertThat(Terminal.run("check").out()).contains("ITEM", "programs for IPv6, host-egress");
  }
}
