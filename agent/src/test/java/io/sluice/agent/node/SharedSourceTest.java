// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.agent.node.TestAgent.Said;
import io.sluice.kernel.testing.RequiresKernel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An agent whose resources are those of its cluster, of which it is the one node. */
@RequiresKernel
class SharedSourceTest {
  private static final Duration LONG = Duration.ofSeconds(90);

  @TempDir private Path folder;

  private static void awaitReady(TestAgent agent) {
    await()
        .atMost(LONG)
        .conditionEvaluationListener(
            condition -> {
              if (condition.getRemainingTimeInMS() <= 0) {
                System.err.println(agent.logged());
              }
            })
        .until(agent::ready);
  }

  @Test
  @Tag("INV-AG-2")
  @Tag("INV-CL-3")
  void whatIsAppliedIsServedAlsoAfterKills() throws Exception {
    try (TestAgent agent = new TestAgent(folder, "{ type = cluster }")) {
      String manifests = agent.manifests().toString();
      agent.start();
      awaitReady(agent);
      Said applied = agent.run("apply", "-f", manifests);
      assertThat(applied.code()).as(applied.output()).isZero();
      assertThat(applied.output())
          .contains("node/n1 created", "pod/default/web created", "service/default/web created");
      agent.kill(); // at once: what was told is on disk
      agent.start();
      awaitReady(agent);
      await().atMost(LONG).until(agent::serves);
      assertThat(agent.run("apply", "-f", manifests).output())
          .contains("service/default/web unchanged");
      assertThat(agent.run("get", "services").output()).contains("10.96.0.10", "80/TCP", "1/1");

      Path bad =
          Files.writeString(
              folder.resolve("bad.yaml"),
              """
              apiVersion: v1
              kind: Service
              metadata: {name: other}
              spec: {clusterIP: 10.96.0.10, ports: [{port: 80}]}
              """);
      Said refused = agent.run("apply", "-f", bad.toString());
      assertThat(refused.code()).isEqualTo(1);
      assertThat(refused.output())
          .contains(
              "Service default/other: 10.96.0.10:80/TCP belongs to Service default/web already");
      assertThat(agent.serves()).isTrue();

      assertThat(agent.run("delete", "service", "web").code()).isZero();
      await().atMost(LONG).until(() -> !agent.serves());
    }
  }
}
