// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.agent.node.TestAgent.Said;
import io.sluice.kernel.bpf.TypedMap;
import io.sluice.kernel.dataplane.PinnedDataplane;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.RouteKey;
import io.sluice.kernel.testing.RequiresKernel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a cluster of one node shares, by a real agent in a real kernel. */
@RequiresKernel
class AgentMaglevTest {
  private static final Duration LONG = Duration.ofSeconds(90);
  private static final String DUMP = "/api/v1/dump/maglev";

  @TempDir private Path folder;
  private TestAgent agent;

  @BeforeEach
  void makeNode() throws Exception {
    agent = new TestAgent(folder);
  }

  @AfterEach
  void removeNode() throws Exception {
    agent.close();
  }

  private static String service(String annotations, String... pods) {
    StringBuilder endpoints = new StringBuilder();
    for (String pod : pods) {
      endpoints.append("- {addresses: [").append(pod).append("], conditions: {ready: true}}\n");
    }
    return """
        apiVersion: v1
        kind: Service
        metadata:
          name: spread
          namespace: default
          annotations: {%s}
        spec:
          clusterIP: 10.96.0.20
          ports: [{name: echo, port: 80, targetPort: 8080, protocol: TCP}]
        ---
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata:
          name: spread-4
          namespace: default
          labels: {kubernetes.io/service-name: spread}
        addressType: IPv4
        ports: [{name: echo, port: 8080, protocol: TCP}]
        endpoints:
        """
            .formatted(annotations)
        + endpoints;
  }

  private static final String MAGLEV = "lb.projectcalico.org/external-traffic-strategy: maglev";

  private void awaitRows(int rows, long generation) {
    await()
        .atMost(LONG)
        .conditionEvaluationListener(
            condition -> {
              if (condition.getRemainingTimeInMS() <= 0) {
                System.err.println(agent.logged());
              }
            })
        .until(
            () -> {
              JsonNode dump = agent.json(DUMP);
              return dump.size() == rows
                  && (rows == 0 || dump.get(0).path("generation").asLong() == generation);
            });
  }

  @Test
  @Tag("INV-MAG-4")
  @Tag("INV-CL-2")
  @Tag("INV-AG-2")
  void tablesAreAgreedOnWrittenShownAndSurviveAKill() throws Exception {
    String weights = "sluice.io/weights: '{\"10.1.0.3\": 3}'";
    agent.manifest("spread.yaml", service(MAGLEV + ", " + weights, "10.1.0.3", "10.1.0.9"));
    agent.start();
    await().atMost(LONG).until(agent::ready);
    awaitRows(2, 1);
    JsonNode first = agent.json(DUMP);
    assertThat(first.findValuesAsText("backend")).containsExactly("10.1.0.3:8080", "10.1.0.9:8080");
    assertThat(first.get(0).path("size").asInt()).isEqualTo(65_537);
    assertThat(first.get(0).path("sharePercent").asDouble()).isBetween(74.9, 75.1);
    assertThat(first.get(1).path("deviationPercent").asDouble()).isBetween(-50.1, -49.9);
    assertThat(first.get(0).path("digest").asText()).matches("[0-9a-f]{16}");

    Said same = agent.run("dump", "maglev", "default/spread", "--diff");
    assertThat(same.code()).as(same.output()).isZero();
    assertThat(same.output()).contains("n1", "current", first.get(0).path("digest").asText());
    assertThat(agent.get("/metrics").output())
        .contains("sluice_maglev_generation{service=\"default/spread/80/TCP/4\"} 1.0")
        .contains("sluice_maglev_nodes_behind{service=\"default/spread/80/TCP/4\"} 0.0");

    agent.kill();
    Said pinned = agent.run("dump", "maglev", "--bpffs", agent.bpffs().toString());
    assertThat(pinned.output()).contains("10.1.0.9:8080", first.get(0).path("digest").asText());
    agent.manifest("spread.yaml", service(MAGLEV, "10.1.0.3", "10.1.0.9", "10.1.0.10"));
    agent.start();
    await().atMost(LONG).until(agent::ready);
    awaitRows(3, 2);
    assertThat(agent.run("dump", "maglev", "--diff").code()).isZero();

    agent.manifest("spread.yaml", service(MAGLEV));
    awaitRows(1, 3);
    assertThat(agent.json(DUMP).get(0).path("state").asText()).isEqualTo("refuses");

    agent.manifest("spread.yaml", service("", "10.1.0.3"));
    awaitRows(0, 0);
  }

  @Test
  @Tag("INV-CL-2")
  void optOutsOfDsrComeFromTheResourceOfAllNodes() throws Exception {
    agent.manifest("felix.yaml", felix("10.8.0.0/16", "fd08::/32"));
    agent.start();
    await().atMost(LONG).until(agent::ready);
    await().atMost(LONG).until(() -> optOuts().equals(Set.of("10.8.0.0/16", "fd08::/32")));
    agent.kill();
    assertThat(optOuts()).containsExactlyInAnyOrder("10.8.0.0/16", "fd08::/32");
    agent.start();
    agent.manifest("felix.yaml", felix("10.9.0.0/16"));
    await().atMost(LONG).until(() -> optOuts().equals(Set.of("10.9.0.0/16")));
    await()
        .atMost(LONG)
        .until(() -> agent.get("/metrics").output().contains("sluice_dsr_optout_generation 2.0"));
  }

  private static String felix(String... networks) {
    return """
        apiVersion: projectcalico.org/v3
        kind: FelixConfiguration
        metadata: {name: default}
        spec: {bpfDSROptoutCIDRs: ["%s"]}
        """
        .formatted(String.join("\", \"", networks));
  }

  private Set<String> optOuts() {
    Set<String> networks = new TreeSet<>();
    try (PinnedDataplane dataplane = PinnedDataplane.open(agent.bpffs())) {
      for (Family family : Family.values()) {
        TypedMap<RouteKey, Integer> map = dataplane.dsrOptout(family);
        map.forEach((key, one) -> networks.add(key.addr() + "/" + key.prefixlen()));
      }
    }
    return networks;
  }
}
