// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.sluice.lab.Addresses;
import io.sluice.lab.LabNames;
import io.sluice.lab.RequiresRoot;
import io.sluice.lab.Topology;
import io.sluice.lab.Traces;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands as a user has them, each in a JVM of its own. */
@RequiresRoot
class LabCommandTest {
  private static final LabNames NAMES = LabNames.named("slt-labc");

  @TempDir Path home;

  /** What a command did. */
  private record Result(int code, String out, String err) {}

  @BeforeEach
  void makeHome() throws IOException {
    Files.createDirectories(home.resolve("bin"));
    Files.createDirectories(home.resolve("examples"));
    launcher("exit 1");
  }

  @AfterEach
  void nothingIsLeft() throws Exception {
    assertThat(sluice("lab", "down").code()).isZero();
    assertThat(Traces.of(NAMES)).isEmpty();
  }

  private void launcher(String... lines) throws IOException {
    Path file = home.resolve("bin/sluice");
    Files.writeString(file, "#!/bin/sh\n" + String.join("\n", lines) + "\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private Process start(String... arguments) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:-UseContainerSupport",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                LabMain.class.getName()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectError(home.resolve("err").toFile());
    builder.environment().put("SLUICE_LAB_NAME", NAMES.name());
    builder.environment().put("SLUICE_BIN", home.resolve("bin/sluice").toString());
    builder.environment().remove("SLUICE_LAB_DIR");
    return builder.start();
  }

  private Result sluice(String... arguments) throws Exception {
    Process process = start(arguments);
    process.getOutputStream().close();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    int code = process.waitFor();
    return new Result(code, out, Files.readString(home.resolve("err")));
  }

  @Test
  void wrongUsageIsExitCode2() throws Exception {
    assertThat(sluice("lab").code()).isEqualTo(2);
    assertThat(sluice("lab", "up", "--nodes", "many").code()).isEqualTo(2);
    assertThat(sluice("lab", "up", "--nodes", "1", "--topology", "x").code()).isEqualTo(2);
    assertThat(sluice("lab", "exec", "node1").code()).isEqualTo(2);
    assertThat(sluice("lab", "exec", "node1", "--").code()).isEqualTo(2);
  }

  @Test
  void failureIsExitCode1AndOneLine() throws Exception {
    for (String[] arguments :
        new String[][] {
          {"lab", "exec", "node1", "--", "true"},
          {"lab", "up", "--topology", "/nowhere/t.yaml"},
          {"lab", "up", "--nodes", "0"},
        }) {
      Result result = sluice(arguments);
      assertThat(result.code()).isEqualTo(1);
      assertThat(result.err()).startsWith("sluice lab: ").hasLineCount(1);
    }
    Result status = sluice("lab", "status");
    assertThat(status.code()).isEqualTo(1);
    assertThat(status.err()).contains("no lab is up; sluice lab up makes one");
  }

  @Test
  void aLabFromUpToDown() throws Exception {
    Result up = sluice("lab", "up", "--no-agent");
    assertThat(up.code()).as(up.err()).isZero();
    assertThat(up.err()).contains("building 1 node, 4 pods, 1 client and a router");
    Result status = sluice("lab", "status", "-o", "json");
    assertThat(status.code()).as("no agent runs").isEqualTo(1);
    JsonNode hosts = JsonMapper.builder().build().readTree(status.out());
    assertThat(hosts.findValuesAsText("host"))
        .containsExactly(
            "slt-labc-router",
            "slt-labc-client",
            "slt-labc-node1",
            "slt-labc-pod-default-client",
            "slt-labc-pod-default-web-1",
            "slt-labc-pod-default-web-2",
            "slt-labc-pod-default-web-3");
    assertThat(sluice("lab", "status").out())
        .containsPattern(
            "slt-labc-pod-default-web-1 +serving +\\d+ +10.244.1.3 +fd00:244:1::3 +-\n");
    Result exec = sluice("lab", "exec", "pod-default-web-2", "--", "sh", "-c", "ip a; exit 5");
    assertThat(exec.code()).isEqualTo(5);
    assertThat(exec.out()).contains("inet 10.244.1.4/32");
    assertThat(sluice("lab", "exec", "client", "echo", "-n", "--", "-o").out()).isEqualTo("-- -o");
    // The program of that name is the one that runs the lab's agents.
    assertThat(sluice("lab", "exec", "node1", "--", "sluice", "status").code()).isEqualTo(1);
    Result again = sluice("lab", "up", "--nodes", "2");
    assertThat(again.code()).isEqualTo(1);
    assertThat(again.err()).contains("sluice lab down first");
    assertThat(sluice("lab", "down").code()).isZero();
  }

  @Test
  void upTellsOfAnAgentThatDies() throws Exception {
    launcher("echo 'no privilege: CAP_BPF is missing' >&2; exit 1");
    Result up = sluice("lab", "up");
    assertThat(up.code()).isEqualTo(1);
    assertThat(up.err()).contains("has ended: no privilege: CAP_BPF is missing; its log is");
  }

  @Test
  void theDemoCleansUpAfterAFailure() throws Exception {
    examples();
    Result demo = sluice("lab", "demo", "--nodes", "1");
    assertThat(demo.code()).isEqualTo(1);
    assertThat(demo.err()).contains("sluice lab: the agent of slt-labc-node1 has ended");
    assertThat(Traces.of(NAMES)).isEmpty();
  }

  @Test
  void theDemoCleansUpWhenInterrupted() throws Exception {
    examples();
    launcher("exec sleep 1000");
    Process demo = start("lab", "demo", "--nodes", "1");
    await()
        .atMost(Duration.ofSeconds(30))
        .until(() -> Files.readString(home.resolve("err")).contains("starting 1 agent"));
    new ProcessBuilder("kill", "-INT", Long.toString(demo.pid())).start().waitFor();
    assertThat(demo.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(demo.exitValue()).isNotZero();
    assertThat(Traces.of(NAMES)).isEmpty();
  }

  @Test
  void theDemoShowsWhoAnswered() throws Exception {
    examples();
    launcher(
        "test $1 = dump && { echo \"dumped $2\"; exit 0; }", fakeDataplane("default/web-1", "80"));
    Result demo = sluice("lab", "demo", "--nodes", "1", "--source", "file");
    assertThat(demo.code()).as(demo.err() + demo.out()).isZero();
    assertThat(demo.out())
        .containsPattern(
            "default/client +tcp 10.96.0.10:80 +default/web +30 +30 +default/web-1 30 +ok\n")
        .containsPattern("default/client +udp \\[fd00:96::10]:80 +default/web .* ok\n")
        .containsPattern("default/web-1 +tcp \\[fd00:96::10]:80 +default/web .* ok\n")
        .containsPattern("tcp 10.96.0.11:81 +default/empty +5 +0 +ECONNREFUSED 5 +ok: refused")
        .contains("sluice dump conntrack\ndumped conntrack\n")
        .contains("sluice dump counters\ndumped counters\n")
        .contains("All traffic arrived where it should.");
    assertThat(Traces.of(NAMES)).isEmpty();
  }

  @Test
  void theDemoFailsWhenTheWrongOneAnswers() throws Exception {
    examples();
    launcher("test $1 = dump && exit 0", fakeDataplane("default/client", "80"));
    Result demo = sluice("lab", "demo", "--nodes", "1", "--keep");
    assertThat(demo.code()).isEqualTo(1);
    assertThat(demo.out()).contains("FAILED").contains("Some traffic went wrong");
    assertThat(sluice("lab", "status").out()).containsPattern("slt-labc-node1 +ready");
  }

  /**
   * In place of an agent: the node has the services' addresses itself, and a server on their port.
   */
  private static String fakeDataplane(String name, String port) {
    Topology topology = Topology.standard(1);
    StringBuilder script = new StringBuilder();
    for (Topology.Pod pod : topology.pods()) {
      String dev = Addresses.hostInterface(pod);
      script
          .append("echo 1 >/proc/sys/net/ipv4/conf/" + dev + "/proxy_arp\n")
          .append("echo 0 >/proc/sys/net/ipv4/neigh/" + dev + "/proxy_delay\n")
          .append("ip route add " + Addresses.pod4(topology, pod) + " dev " + dev + "\n")
          .append("ip route add " + Addresses.pod6(topology, pod) + " dev " + dev + "\n");
    }
    for (String address : List.of("10.96.0.10", "10.96.0.11", "fd00:96::10", "fd00:96::11")) {
      script.append("ip addr add " + address + " dev lo\n");
    }
    return script
        .append(fakePolicy(topology))
        .append("exec " + NAMES.folder() + "/bin/pod-server --name " + name)
        .append(" --port " + port + " --port 8558")
        .toString();
  }

  /** While there is the demo's policy, nobody reaches the first pod. */
  private static String fakePolicy(Topology topology) {
    Topology.Pod web =
        topology.pods().stream().filter(p -> p.name().equals("web-1")).findFirst().orElseThrow();
    String address = Addresses.pod4(topology, web);
    return """
        (while sleep 0.1 && kill -0 $$; do
          if test -e %s/demo-policy.yaml; then
            ip route replace blackhole %2$s
          else
            ip route del blackhole %2$s; ip route replace %2$s dev %3$s
          fi
        done) >/dev/null 2>&1 &
        """
        .formatted(NAMES.manifests(), address, Addresses.hostInterface(web));
  }

  private void examples() throws IOException {
    StringBuilder text = new StringBuilder();
    text.append(service("web", "10", 80)).append(service("empty", "11", 81));
    for (String family : List.of("IPv4", "IPv6")) {
      String address = family.equals("IPv4") ? "10.244.1.3" : "\"fd00:244:1::3\"";
      text.append(
          String.join(
              "\n",
              "apiVersion: discovery.k8s.io/v1",
              "kind: EndpointSlice",
              "metadata:",
              "  name: web-" + family,
              "  namespace: default",
              "  labels: {kubernetes.io/service-name: web}",
              "addressType: " + family,
              "ports: [{name: tcp, protocol: TCP, port: 8080}, {name: udp, protocol: UDP, port: 1}]",
              "endpoints: [{addresses: [" + address + "]}]",
              "---",
              ""));
    }
    Files.writeString(home.resolve("examples/web.yaml"), text);
  }

  private static String service(String name, String last, int port) {
    return String.join(
        "\n",
        "apiVersion: v1",
        "kind: Service",
        "metadata: {name: " + name + ", namespace: default}",
        "spec:",
        "  clusterIP: 10.96.0." + last,
        "  clusterIPs: [10.96.0." + last + ", \"fd00:96::" + last + "\"]",
        "  ports:",
        "  - {name: tcp, protocol: TCP, port: " + port + "}",
        "  - {name: udp, protocol: UDP, port: " + port + "}",
        "---",
        "");
  }
}
