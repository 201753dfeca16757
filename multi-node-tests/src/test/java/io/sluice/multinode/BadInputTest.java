// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.kernel.asm.Assembler;
import io.sluice.kernel.asm.Reg;
import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.bpf.Programs;
import io.sluice.kernel.bpf.TcxLink;
import io.sluice.lab.Addresses;
import io.sluice.lab.Lab;
import io.sluice.lab.Traffic;
import io.sluice.multinode.harness.AllProtocols;
import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.IpVersion;
import io.sluice.multinode.harness.LabTest;
import io.sluice.multinode.harness.ServiceSpec;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is wrong gets one clear line, and the rest goes on. */
@LabTest
class BadInputTest {
  private static final String CLIENT = Cluster.host("client");
  private static final String BAD = "zz-bad";
  private static final int PASS_ON = -1;
  private static final ServiceSpec WEB = ServiceSpec.of("web", 10, "web-1", "web-2", "web-3");

  private final Cluster cluster;

  BadInputTest(Cluster cluster) {
    this.cluster = cluster;
  }

  @BeforeEach
  void applyGood() {
    cluster.apply(WEB);
    assertThat(problems()).isEmpty();
  }

  @AfterEach
  void removeBad() {
    cluster.delete(BAD);
    await().atMost(Cluster.PATIENCE).until(() -> problems().isEmpty());
    assertServed();
  }

  private List<String> problems() {
    List<String> problems = new ArrayList<>();
    cluster.status().path("problems").forEach(p -> problems.add(p.asText()));
    return problems;
  }

  /** Returns the one line that status shows, once it does. */
  private String problem() {
    await().atMost(Cluster.PATIENCE).until(() -> !problems().isEmpty());
    assertThat(problems()).hasSize(1);
    String problem = problems().get(0);
    assertThat(problem).doesNotContain("\n").doesNotContain("Exception");
    assertThat(cluster.sluice("status").text()).contains(problem);
    return problem;
  }

  private void assertServed() {
    for (IpVersion version : IpVersion.values()) {
      Traffic.Report report = cluster.ask(CLIENT, "tcp", WEB, version, 10);
      assertThat(report.failures()).isEmpty();
    }
  }

  private String web() {
    return WEB.yaml(cluster.topology());
  }

  private String webBut(String good, String bad) {
    assertThat(web()).contains(good);
    return web().replace(good, bad);
  }

  @Test
  void aWrongFieldIsNamedWithFileAndLineAndTheLastGoodStateStays() {
    cluster.apply(WEB.name(), webBut("\"targetPort\":8080", "\"targetPrt\":8080"));
    assertThat(problem())
        .contains("web.yaml")
        .contains("targetPrt")
        .containsPattern("web.yaml:\\d");
    assertServed();
    cluster.apply(WEB);
  }

  @Test
  void aPortOutOfRangeIsNamedAndTheLastGoodStateStays() {
    cluster.apply(WEB.name(), webBut("\"port\":80,", "\"port\":70000,"));
    assertThat(problem()).contains("web.yaml").contains("70000").containsPattern("web.yaml:\\d");
    assertServed();
    cluster.apply(WEB);
  }

  @Test
  void whatIsNoYamlIsNamedAndOtherFilesGoOn() {
    cluster.apply(BAD, "kind: [Service\n");
    assertThat(problem()).contains(BAD + ".yaml");
    ServiceSpec other = ServiceSpec.of("other", 70, "web-1");
    cluster.apply(other);
    assertThat(cluster.ask(CLIENT, "tcp", other, IpVersion.V4, 5).failures()).isEmpty();
    cluster.delete(other);
  }

  @Test
  void ofTwoServicesOnOneAddressTheFirstKeepsIt() {
    ServiceSpec thief = ServiceSpec.of("zz-thief", WEB.number(), "client");
    cluster.apply(BAD, thief.yaml(cluster.topology()));
    await().atMost(Cluster.PATIENCE).until(() -> !problems().isEmpty());
    assertThat(problems())
        .allSatisfy(p -> assertThat(p).contains("zz-thief"))
        .anySatisfy(p -> assertThat(p).contains(WEB.address(IpVersion.V4)));
    for (IpVersion version : IpVersion.values()) {
      assertThat(cluster.ask(CLIENT, "tcp", WEB, version, 30).backends())
          .doesNotContainKey("default/client");
    }
  }

  @Test
  void anEndpointSliceForNoServiceIsSaid() {
    String slice = web().substring(web().indexOf("---\n") + 4);
    cluster.apply(BAD, slice.replace("web-ipv", "nobodys-ipv").replace(": web}", ": nobody}"));
    await().atMost(Cluster.PATIENCE).until(() -> !problems().isEmpty());
    assertThat(problems())
        .allSatisfy(p -> assertThat(p).contains("nobodys-ipv").contains("default/nobody"));
  }

  @Test
  void aWorkloadWithoutItsInterfaceIsSaid() {
    cluster.apply(
        BAD,
        String.join(
            "\n",
            "apiVersion: projectcalico.org/v3",
            "kind: WorkloadEndpoint",
            "metadata: {name: "
                + cluster.lab().names().host("node1").replace("-", "--")
                + "-k8s-absent-eth0, namespace: default}",
            "spec:",
            "  node: " + cluster.lab().names().host("node1"),
            "  orchestrator: k8s",
            "  pod: absent",
            "  endpoint: eth0",
            "  interfaceName: cali0123456789a",
            "  ipNetworks: [10.244.1.200/32]",
            ""));
    assertThat(problem()).contains("cali0123456789a");
  }

  /** The agent attaches before it, and what it passes on the other still sees. */
  @Test
  void aForeignProgramOnTheHookIsSaidAndStays() {
    byte[] passOn = new Assembler().mov(Reg.R0, PASS_ON).exit().assemble();
    String device = Addresses.hostInterface(cluster.pod("web-1"));
    int ifindex =
        Integer.parseInt(cluster.run("node1", "cat", "/sys/class/net/" + device + "/ifindex"));
    try (Fd program = Programs.load(Programs.SCHED_CLS, "foreign", passOn, List.of());
        TcxLink link =
            cluster.on(
                "node1",
                () ->
                    TcxLink.attach(program, ifindex, TcxLink.Hook.INGRESS, OptionalLong.empty()))) {
      assertThat(link.info().tcx()).isTrue();
      int logged = cluster.agentLog().length();
      restart();
      assertThat(problem()).contains(device).contains("foreign");
      assertThat(cluster.agentLog().substring(logged).lines())
          .filteredOn(line -> line.contains("programs of somebody else"))
          .hasSize(1)
          .allSatisfy(line -> assertThat(line).contains(device));
      assertServed();
      assertThat(link.info().ifindex()).isEqualTo(ifindex);
    }
    restart();
  }

  private void restart() {
    cluster.lab().agent("node1").orElseThrow().terminate();
    cluster.lab().startAgent("node1");
    cluster.awaitReady();
  }

  @Test
  void aPinnedMapOfAnotherLayoutIsSetAsideAndSaid() {
    Path maps =
        cluster
            .lab()
            .names()
            .bpffs(cluster.topology().node("node1"))
            .resolve("sluice")
            .resolve("maps");
    String pin = maps.resolve("frontends4").toString();
    cluster.lab().agent("node1").orElseThrow().terminate();
    cluster.run("node1", "rm", pin);
    cluster.run(
        "node1",
        "bpftool",
        "map",
        "create",
        pin,
        "type",
        "hash",
        "key",
        "4",
        "value",
        "4",
        "entries",
        "8",
        "name",
        "frontends4");
    int logged = cluster.agentLog().length();
    cluster.lab().startAgent("node1");
    cluster.awaitReady();
    assertThat(cluster.agentLog().substring(logged).lines())
        .filteredOn(line -> line.contains("frontends4"))
        .hasSize(1);
    cluster.awaitInForce(WEB);
    assertServed();
    restart();
  }

  @Test
  void aSecondAgentForTheNodeIsRefused() {
    Path config = cluster.lab().names().agentConfig(cluster.topology().node("node1"));
    Lab.Output second = cluster.sluice("agent", "--config", config.toString());
    assertThat(second.code()).as(second.text()).isEqualTo(1);
    assertThat(errors(second)).as(second.text()).hasSize(1);
    assertThat(cluster.lab().ready("node1")).isTrue();
  }

  @Test
  void withoutPrivilegeTheAgentSaysWhatItLacks() {
    Path config = cluster.lab().names().agentConfig(cluster.topology().node("node1"));
    Lab.Output refused =
        cluster.command(
            "setpriv",
            "--bounding-set=-all",
            "--inh-caps=-all",
            "sluice",
            "agent",
            "--config",
            config.toString());
    assertThat(refused.code()).as(refused.text()).isEqualTo(1);
    assertThat(errors(refused)).as(refused.text()).hasSize(1);
    assertThat(refused.text()).contains("CAP_");
    assertThat(cluster.lab().ready("node1")).isTrue();
  }

  /** Lines that are no log of something else. */
  private static List<String> errors(Lab.Output output) {
    return output
        .text()
        .lines()
        .filter(line -> line.startsWith("sluice: ") || line.contains(" ERROR "))
        .toList();
  }

  /** Bad input in a row of changes takes nobody's connections. */
  @AllProtocols
  void goodAndBadInTurnDisturbNobody(String protocol, IpVersion version) {
    Traffic load =
        cluster.start(
            CLIENT, Traffic.Spec.newFlows(protocol, WEB.address(version), WEB.port(protocol), 100));
    for (int i = 0; i < 5; i++) {
      cluster.apply(BAD, "kind: Service\nmetadata: {name: bad-" + i + "}\nspec: {prts: []}\n");
      await()
          .atMost(Cluster.PATIENCE)
          .pollInterval(Duration.ofMillis(50))
          .until(() -> !problems().isEmpty());
      cluster.delete(BAD);
      await()
          .atMost(Cluster.PATIENCE)
          .pollInterval(Duration.ofMillis(50))
          .until(() -> problems().isEmpty());
    }
    assertThat(load.stop().failures()).isEmpty();
  }
}
