// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.health;

import static io.sluice.actors.health.Checked.endpoint;
import static io.sluice.actors.health.Checked.local;
import static io.sluice.actors.health.Checked.node;
import static io.sluice.actors.health.Checked.service;
import static io.sluice.actors.health.Checked.slice;
import static io.sluice.actors.health.Checked.slices;
import static io.sluice.actors.health.Checked.snapshot;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.actors.health.HealthChecks.Check;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Tag("INV-SVC-10")
class HealthChecksTest {
  private static int count(String... slices) {
    String[] all = new String[slices.length + 1];
    System.arraycopy(slices, 0, all, 1, slices.length);
    all[0] = local("web", 32000);
    return HealthChecks.of(snapshot(all), "n1", 10256).checks().get(32000).localEndpoints();
  }

  @Test
  void whatIsReadyOnThisNodeCounts() {
    assertThat(count()).isZero();
    assertThat(
            count(
                slices(
                    "web",
                    endpoint("10.1.0.1", "n1"),
                    endpoint("10.1.0.2", "n1", "ready: true"),
                    endpoint("10.1.0.3", "n1", "ready: false"),
                    endpoint("10.1.0.4", "n1", "ready: false, serving: true, terminating: true"),
                    endpoint("10.2.0.1", "n2"))))
        .isEqualTo(2);
  }

  @Test
  void aPodInSeveralSlicesAndOfBothFamiliesIsOneEndpoint() {
    assertThat(
            count(
                slices("web", endpoint("10.1.0.1", "n1"), endpoint("10.1.0.2", "n1")),
                slice("web", "b", "IPv4", endpoint("10.1.0.1", "n1")),
                slice(
                    "web", "c", "IPv6", endpoint("fd00:1::1", "n1"), endpoint("fd00:1::2", "n1"))))
        .isEqualTo(2);
    assertThat(count(slice("web", "c", "IPv6", endpoint("fd00:1::1", "n1")))).isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource({
    "LoadBalancer, Local, true",
    "LoadBalancer, Cluster, false",
    "NodePort, Local, false",
  })
  void onlyALoadBalancerWithTheTrafficPolicyLocalIsAsked(String type, String policy, boolean is) {
    // What the API server would not let pass comes from files.
    int port = type.equals("LoadBalancer") && policy.equals("Local") ? 32000 : 0;
    assertThat(
            HealthChecks.of(snapshot(service("web", type, policy, port)), "n1", 0)
                .checks()
                .containsKey(32000))
        .isEqualTo(is);
  }

  @Test
  void aPortThatTwoClaimIsTheOlderOnes() {
    String young = local("a", 32000);
    String old =
        local("web", 32000)
            .replace("{name: web,", "{name: web, creationTimestamp: \"2026-01-01T00:00:00Z\",");
    HealthChecks checks = HealthChecks.of(snapshot(young, old), "n1", 10256);
    assertThat(checks.checks()).containsOnlyKeys(32000);
    assertThat(checks.checks().get(32000)).isEqualTo(new Check("default", "web", 0));
    assertThat(checks.problems())
        .containsOnlyKeys("health check port 32000 of service default/a")
        .containsValue("is not open for it: the port is default/web's, which is older");
  }

  @Test
  void theNodesOwnPortIsNoServices() {
    HealthChecks checks = HealthChecks.of(snapshot(local("web", 32000)), "n1", 32000);
    assertThat(checks.checks()).isEmpty();
    assertThat(checks.problems()).hasSize(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "none",
      value = {
        "none|none|false",
        ", deletionTimestamp: \"2026-01-01T00:00:00Z\"|none|true",
        "none|taints: [{key: ToBeDeletedByClusterAutoscaler, effect: NoSchedule}]|true",
        "none|taints: [{key: dedicated, value: gpu, effect: NoSchedule}]|false",
      })
  void aNodeThatIsBeingDeletedIsLeaving(String metadata, String spec, boolean leaving) {
    String node = node("n1", metadata == null ? "" : metadata, spec == null ? "" : spec);
    assertThat(HealthChecks.of(snapshot(node), "n1", 0).leaving()).isEqualTo(leaving);
    assertThat(HealthChecks.of(snapshot(node), "n2", 0).leaving()).isFalse();
  }
}
