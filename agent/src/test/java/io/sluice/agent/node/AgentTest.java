// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.agent.node.TestAgent.Said;
import io.sluice.kernel.testing.RequiresKernel;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The program as it is shipped: a process, a namespace, pods, manifests, packets. */
@RequiresKernel
class AgentTest {
  private static final Duration LONG = Duration.ofSeconds(90);

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

  private void startAndAwaitReady() throws Exception {
    agent.start();
    awaitReady();
  }

  private void awaitReady() {
    await()
        .alias("ready")
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
  void becomesReadyServesAndTellsOfIt() throws Exception {
    assertThat(agent.serves()).isFalse();
    startAndAwaitReady();
    assertThat(agent.serves()).isTrue();

    JsonNode status = agent.json("/api/v1/status");
    assertThat(status.path("node").asText()).isEqualTo("n1");
    assertThat(status.path("ready").asBoolean()).isTrue();
    assertThat(status.path("problems")).isEmpty();
    assertThat(status.path("interfaces").path("ready").asInt()).isEqualTo(2);
    assertThat(status.path("services").path("ports").asInt()).isEqualTo(2);
    assertThat(status.path("source").path("resources").path("Pod").asInt()).isEqualTo(2);

    assertThat(agent.json("/api/v1/dump/conntrack").findValuesAsText("service"))
        .contains("default/web:80");
    assertThat(agent.json("/api/v1/dump/nat").findValuesAsText("backend"))
        .containsExactlyInAnyOrder("10.1.0.3:8080", "[fd00:1::3]:8080");
    List<String> states = agent.json("/api/v1/dump/ifstate").findValuesAsText("state");
    assertThat(states).allSatisfy(state -> assertThat(state).contains("ready4", "ready6"));
    assertThat(states).filteredOn(state -> state.contains("workload")).hasSize(2);
    assertThat(states).filteredOn(state -> state.contains("loopback")).hasSize(1);
    assertThat(status.path("hostEndpoints").findValuesAsText("kind")).contains("loopback");
    assertThat(status.path("hostEndpoints").findValuesAsText("state")).containsOnly("ready");
    assertThat(agent.get("/metrics").output())
        .contains("sluice_ready 1.0", "sluice_packets_total{hook=\"in\"", "jvm_memory_used_bytes")
        .contains("sluice_map_entries{map=\"services\"} 2.0", "sluice_actor_restarts_total");
    assertThat(agent.run("status").code()).isZero();
    assertThat(agent.run("dump", "routes").output()).contains("fd00:1::3/128");
  }

  @Test
  void servicesAndPacketsAreExplainedWithAndWithoutTheAgent() throws Exception {
    startAndAwaitReady();
    try (Socket socket = agent.connect(TestAgent.SERVICE4, 80)) {
      assertThat(TestAgent.echo(socket, 1)).isEqualTo(1);
      Said svc = agent.run("svc", "web");
      assertThat(svc.code()).isZero();
      assertThat(svc.output())
          .contains("default/web:80 tcp IPv4", TestAgent.SERVICE4 + ":80 (cluster_ip)")
          .containsPattern("10\\.1\\.0\\.3:8080 +ready .* 1\\n");
      Said explained = agent.run("explain", "default/client", TestAgent.SERVICE6, "tcp", "80");
      assertThat(explained.output())
          .contains("of service default/web:80", "allowed", "[fd00:1::3]:8080", "redirected");
      Said known =
          agent.run(
              "explain",
              "10.1.0.2",
              TestAgent.SERVICE4,
              "tcp",
              "80",
              "--source-port",
              String.valueOf(socket.getLocalPort()));
      assertThat(known.output()).contains("the flow is known: it goes on to 10.1.0.3:8080");
      assertThat(agent.run("explain", "default/nobody", "10.1.0.3", "tcp", "80").output())
          .contains("there is no pod default/nobody");
    }
    agent.kill();
    String bpffs = agent.bpffs().toString();
    assertThat(agent.run("svc", "web", "--bpffs", bpffs).output())
        .contains("reading the maps", "default/web:80 tcp IPv6", "live");
    assertThat(
            agent
                .run("explain", "10.1.0.2", TestAgent.SERVICE4, "tcp", "81", "--bpffs", bpffs)
                .output())
        .contains("none has this address, port and protocol; this address has 80/tcp");
  }

  @Test
  @Tag("INV-SVC-10")
  void loadBalancersAreAnsweredOverBothFamilies() throws Exception {
    agent.manifest(
        "balanced.yaml",
        """
        apiVersion: v1
        kind: Service
        metadata: {name: balanced, namespace: default}
        spec:
          type: LoadBalancer
          externalTrafficPolicy: Local
          healthCheckNodePort: 32100
          clusterIP: 10.96.0.11
          ports: [{name: echo, port: 80, targetPort: 8080, nodePort: 30090}]
        ---
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata:
          name: balanced-4
          namespace: default
          labels: {kubernetes.io/service-name: balanced}
        addressType: IPv4
        ports: [{name: echo, port: 8080, protocol: TCP}]
        endpoints: [{addresses: [10.1.0.3], conditions: {ready: true}, nodeName: n1}]
        """);
    agent.node().sh("ip link set lo up");
    startAndAwaitReady();
    for (String host : List.of("127.0.0.1", "[::1]")) {
      await()
          .ignoreExceptions()
          .until(() -> agent.getUrl("http://" + host + ":10256/healthz").code() == 200);
      await()
          .ignoreExceptions()
          .until(() -> agent.getUrl("http://" + host + ":32100/").code() == 200);
      assertThat(agent.getUrl("http://" + host + ":32100/").output())
          .contains("\"localEndpoints\": 1");
    }
    Files.delete(agent.manifests().resolve("balanced.yaml"));
    await()
        .until(
            () -> {
              try {
                agent.getUrl("http://127.0.0.1:32100/");
                return false;
              } catch (RuntimeException e) {
                return true;
              }
            });
  }

  @Test
  @Tag("INV-AG-1")
  @Tag("INV-AG-2")
  @Tag("INV-AG-3")
  @Tag("INV-CT-6")
  void aKilledAgentIsNotMissedAndItsSuccessorAdoptsWhatIsThere() throws Exception {
    startAndAwaitReady();
    try (Socket four = agent.connect(TestAgent.SERVICE4, 80);
        Socket six = agent.connect(TestAgent.SERVICE6, 80)) {
      assertThat(TestAgent.echo(four, 1) + TestAgent.echo(six, 2)).isEqualTo(3);
      JsonNode services = agent.json("/api/v1/dump/nat");
      JsonNode interfaces = agent.json("/api/v1/dump/ifstate");
      String build = agent.json("/api/v1/status").path("dataplane").path("build").asText();

      agent.kill();
      assertThat(TestAgent.echo(four, 3) + TestAgent.echo(six, 4)).isEqualTo(7);
      assertThat(agent.serves()).as("new flows without an agent").isTrue();
      Said fallback = agent.run("dump", "nat", "--bpffs", agent.bpffs().toString());
      assertThat(fallback.output()).contains("reading the maps", "10.1.0.3:8080");

      agent.start();
      while (!agent.ready()) {
        assertThat(agent.serves()).as("while the agent starts").isTrue();
      }
      assertThat(TestAgent.echo(four, 5) + TestAgent.echo(six, 6)).isEqualTo(11);
      assertThat(agent.json("/api/v1/dump/nat")).isEqualTo(services);
      assertThat(agent.json("/api/v1/dump/ifstate")).isEqualTo(interfaces);
      assertThat(agent.json("/api/v1/status").path("dataplane").path("build").asText())
          .isEqualTo(build);
      assertThat(agent.json("/api/v1/dump/conntrack").findValuesAsText("state"))
          .contains("established");
    }
  }

  @Test
  @Tag("INV-AG-1")
  @Tag("INV-AG-4")
  @Tag("INV-TAB-3")
  void stoppingLeavesItForwardingAndUninstallingLeavesTheHostAsItWas() throws Exception {
    agent.node().sh("nft 'add table ip somebodys; add chain ip somebodys rules'");
    await()
        .alias("carriers are up, and addresses usable")
        .until(() -> !agent.node().sh("ip addr").matches("(?s).*(NO-CARRIER|tentative).*"));
    Map<String, String> before = HostPicture.take(agent.node(), agent.bpffs());
    startAndAwaitReady();
    assertThat(agent.serves()).isTrue();
    String config = agent.config().toString();

    Said refused = agent.run("uninstall", "--config", config);
    assertThat(refused.code()).isEqualTo(1);
    assertThat(refused.output()).contains("another agent runs here").hasLineCount(1);
    assertThat(agent.stop()).isZero();
    assertThat(agent.serves()).as("after the agent was stopped").isTrue();

    Said uninstalled = agent.run("uninstall", "--config", config);
    assertThat(uninstalled.output()).isEmpty();
    assertThat(uninstalled.code()).isZero();
    Map<String, String> after = HostPicture.take(agent.node(), agent.bpffs());
    before.forEach((what, picture) -> assertThat(after.get(what)).as(what).isEqualTo(picture));

    assertThat(agent.run("uninstall", "--config", config)).isEqualTo(new Said(0, ""));
    assertThat(folder.resolve("data")).isNotEmptyDirectory();
    assertThat(agent.run("uninstall", "--config", config, "--purge").code()).isZero();
    assertThat(folder.resolve("data")).doesNotExist();
  }

  @Test
  void aSecondAgentForTheSameNodeEndsWithOneLine() throws Exception {
    startAndAwaitReady();
    Said second = agent.run("agent", "--config", agent.config().toString());
    assertThat(second.code()).isEqualTo(1);
    assertThat(second.output()).startsWith("sluice: another agent runs here").hasLineCount(1);
    assertThat(agent.serves()).isTrue();
  }

  @Test
  @Tag("INV-CL-3")
  void aBadManifestIsToldOfAndTheRestGoesOn() throws Exception {
    startAndAwaitReady();
    agent.manifest(
        "bad.yaml",
        """
        apiVersion: v1
        kind: Service
        metadata: {name: bad, namespace: default}
        spec: {clusterIP: 10.96.0.11, ports: [{port: 70000}]}
        """);
    await()
        .atMost(LONG)
        .untilAsserted(
            () ->
                assertThat(agent.json("/api/v1/status").path("problems").toString())
                    .contains("bad.yaml:", "port"));
    assertThat(agent.ready()).isTrue();
    assertThat(agent.serves()).isTrue();
    assertThat(agent.logged()).contains("refused: bad.yaml:");
  }

  @Test
  void settingsThatNeedARestartAreToldOf() throws Exception {
    startAndAwaitReady();
    agent.manifest(
        "felix.yaml",
        """
        apiVersion: projectcalico.org/v3
        kind: FelixConfiguration
        metadata: {name: default}
        spec: {bpfMapSizeRoute: 1000}
        """);
    await()
        .atMost(LONG)
        .untilAsserted(
            () -> {
              JsonNode status = agent.json("/api/v1/status");
              assertThat(status.path("problems").toString())
                  .contains("bpfMapSizeRoute", "restart the agent");
              assertThat(status.path("settings").toString())
                  .contains("bpfMapSizeRoute", "FelixConfiguration default");
            });
  }

  @Test
  @Tag("INV-AG-3")
  void aSourceThatIsGoneChangesNothingAndIsToldOf() throws Exception {
    startAndAwaitReady();
    agent.stop();
    Path manifests = folder.resolve("manifests");
    Files.move(manifests, folder.resolve("elsewhere"));
    agent.start();
    await()
        .ignoreExceptions() // until HTTP listens
        .atMost(LONG)
        .untilAsserted(
            () ->
                assertThat(agent.get("/health/ready").output())
                    .contains("the source is not in sync", "there is no such file or folder"));
    assertThat(agent.serves()).isTrue();
    Files.move(folder.resolve("elsewhere"), manifests);
    awaitReady();
    assertThat(agent.serves()).isTrue();
  }

  @Test
  void aPortInUseIsOneLine() throws Exception {
    try (var taken =
        agent
            .node()
            .netns()
            .run(
                () ->
                    new java.net.ServerSocket(
                        8558, 1, java.net.InetAddress.getLoopbackAddress()))) {
      Said said = agent.run("agent", "--config", agent.config().toString());
      assertThat(taken.isBound()).isTrue();
      assertThat(said.code()).isEqualTo(1);
      assertThat(said.output()).contains("sluice: cannot serve HTTP on 127.0.0.1:8558");
    }
  }
}
