// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@RequiresRoot
class LabTest {
  private static final LabNames NAMES = LabNames.named("slt-labt");

  private static final Topology SMALL =
      new Topology(
          List.of(Topology.Node.named("node1"), Topology.Node.named("node2")),
          List.of(
              new Topology.Pod(
                  null, "a", "node1", Map.of("app", "a"), null, null, null, null, null),
              new Topology.Pod("shop", "b", "node2", null, List.of(80), null, 1400, null, null),
              new Topology.Pod(null, "idle", "node2", null, null, false, null, null, null)));

  @TempDir Path temporary;
  private final List<String> said = new ArrayList<>();
  private Lab lab = Lab.open(NAMES, null, said::add);

  @AfterEach
  void removeLab() {
    lab.down();
    lab.close();
    assertThat(Traces.of(NAMES)).isEmpty();
  }

  /** As another command would see it. */
  private void reopen() {
    lab.close();
    lab = Lab.open(NAMES, null, said::add);
  }

  private String ok(String host, String... command) {
    Lab.Output output = lab.run(host, command);
    assertThat(output.code()).as(output.text()).isZero();
    return output.text();
  }

  @Test
  void downLeavesNothingBehind() throws IOException {
    Path neighbour = Path.of("/run/slt-labtx-lab");
    assertThat(Traces.of(NAMES)).isEmpty();
    lab.up(SMALL);
    assertThat(Traces.of(NAMES)).hasSizeGreaterThan(10);
    Files.createDirectories(neighbour);
    try {
      reopen();
      // What a user leaves running goes as well.
      Process left = lab.processOn("pod-default-a", List.of("sleep", "1000")).start();
      Process hidden =
          new ProcessBuilder("ip", "netns", "exec", NAMES.host("client"), "sleep", "1000").start();
      await().until(() -> inNamespaces() >= 4);
      lab.down();
      lab.close();
      await().until(() -> !left.isAlive() && !hidden.isAlive());
      assertThat(Traces.of(NAMES)).isEmpty();
      assertThat(neighbour).exists();
      lab.down();
    } finally {
      Files.delete(neighbour);
    }
  }

  private static long inNamespaces() {
    return Network.existing(NAMES).stream()
        .mapToLong(n -> Shell.run("ip", "netns", "pids", n).lines().count())
        .sum();
  }

  @Test
  void upIsIdempotentAndMends() {
    lab.up(SMALL);
    OwnedProcess before = OwnedProcess.recorded(NAMES.serverPid(SMALL.pods().get(0))).orElseThrow();
    reopen();
    lab.up(SMALL);
    assertThat(OwnedProcess.recorded(NAMES.serverPid(SMALL.pods().get(0)))).contains(before);
    before.kill();
    reopen();
    assertThat(lab.status())
        .extracting(HostStatus::state)
        .containsExactly("up", "up", "stopped", "stopped", "stopped", "serving", "none");
    lab.up(SMALL);
    assertThat(OwnedProcess.recorded(NAMES.serverPid(SMALL.pods().get(0)))).isPresent();
    assertThatThrownBy(() -> lab.up(Topology.standard(1))).hasMessageContaining("lab down first");
    Shell.run("ip", "netns", "del", NAMES.host("router"));
    assertThat(lab.status().get(0).state()).isEqualTo("missing");
    lab.up(SMALL);
    assertThat(Network.existing(NAMES)).hasSize(7);
  }

  @Test
  void aCrashInTheMiddleOfUpIsMendedByUpAndByDown() throws IOException {
    for (String command : List.of("up", "down")) {
      // What is there when the power of the JVM goes: some namespaces, a mount, a process, no mark.
      lab.up(SMALL);
      Files.delete(NAMES.builtMark());
      Shell.run("ip", "netns", "del", NAMES.host("node2"));
      Files.deleteIfExists(NAMES.topologyFile());
      reopen();
      if (command.equals("up")) {
        lab.up(SMALL);
        assertThat(ok("client", "ping", "-c1", "-W2", Addresses.node4(SMALL.node("node2"))))
            .contains("1 received");
      }
      lab.down();
      lab.close();
      assertThat(Traces.of(NAMES)).isEmpty();
    }
    // A name whose namespace is not mounted any more.
    Files.createFile(Path.of("/run/netns", NAMES.host("node7")));
    lab.down();
  }

  @Test
  void aRecordedNumberThatBelongsToAStrangerIsLeftAlone() throws IOException {
    lab.up(SMALL);
    Process stranger = new ProcessBuilder("sleep", "1000").start();
    try {
      OwnedProcess itself = OwnedProcess.of(stranger);
      new OwnedProcess(itself.pid(), itself.startTime() - 1)
          .record(NAMES.agentPid(SMALL.node("node1")));
      assertThat(lab.agent("node1")).isEmpty();
      lab.down();
      assertThat(stranger.isAlive()).isTrue();
      assertThat(itself.alive()).isTrue();
    } finally {
      stranger.destroyForcibly();
    }
  }

  @Test
  void twoCannotWorkOnOneLab() {
    lab.up(SMALL);
    try (Lab other = Lab.open(NAMES, null, said::add)) {
      assertThatThrownBy(other::down).hasMessageContaining("another command is at work on the lab");
      assertThatThrownBy(() -> other.up(SMALL)).hasMessageContaining("another command");
      lab.close();
      other.up(SMALL);
    }
  }

  @Test
  void execPassesInputOutputAndExitCode() throws Exception {
    lab.up(SMALL);
    for (String host : List.of("node1", NAMES.host("node1"))) {
      Process process =
          lab.processOn(host, List.of("sh", "-c", "cat; tail -n1 /proc/self/cgroup; exit 42"))
              .start();
      process.getOutputStream().write("hello ".getBytes());
      process.getOutputStream().close();
      assertThat(new String(process.getInputStream().readAllBytes()))
          .isEqualTo("hello 0::/slt-labt-lab/slt-labt-node1\n");
      assertThat(process.waitFor()).isEqualTo(42);
    }
    assertThat(ok("pod-shop-b", "ip", "-o", "link", "show", "eth0")).contains("mtu 1400");
    // On a node, bpffs and cgroups are where they are on a real one; not so outside of it.
    Files.createDirectory(NAMES.bpffs(SMALL.node("node1")).resolve("here"));
    assertThat(ok("node1", "ls", "/sys/fs/bpf")).contains("here");
    assertThat(ok("node1", "ls", "/sys/fs/cgroup")).contains("cgroup.procs");
    assertThat(ok("node2", "ls", "/sys/fs/bpf")).doesNotContain("here");
    assertThatThrownBy(() -> lab.run("node9", "true")).hasMessageContaining("no host");
  }

  @Test
  void hostsReachEachOtherOverTheRouterAtOnce() {
    lab.up(SMALL);
    for (String target :
        List.of(
            Addresses.node4(SMALL.node("node2")),
            Addresses.node6(SMALL.node("node2")),
            Addresses.CLIENT4,
            Addresses.CLIENT6)) {
      assertThat(ok("node1", "ping", "-c1", "-W2", target)).contains("1 received");
    }
    assertThat(
            ok("node1", "ip", "-o", "link", "show", Addresses.hostInterface(SMALL.pods().get(0))))
        .contains("link/ether " + Addresses.HOST_SIDE_MAC)
        .contains("state UP");
    assertThat(ok("node1", "ip", "route")).doesNotContain("10.244");
  }

  @Test
  void theRouterKnowsPodsUnlessAnOverlayCarriesThem() {
    lab.up(SMALL);
    for (String[] family : new String[][] {{"-4", "10.244.2.0/24"}, {"-6", "fd00:244:2::/64"}}) {
      assertThat(ok("router", "ip", family[0], "route")).contains(family[1]);
    }
    lab.down();
    lab.up(SMALL.with(Topology.Overlay.VXLAN));
    for (String family : List.of("-4", "-6")) {
      assertThat(ok("router", "ip", family, "route")).doesNotContain("244:").doesNotContain("244.");
    }
    assertThat(Shell.run("cat", NAMES.manifests().resolve(Manifests.OWN_FILE).toString()))
        .contains("vxlanMode: Always");
  }

  @Test
  void theRouterSpreadsLoadBalancersOverTheNodesThatItIsTold() {
    lab.up(SMALL.withSettings(Map.of("bpfExternalServiceMode", "DSR")));
    assertThat(Shell.run("cat", NAMES.agentConfig(SMALL.node("node2")).toString()))
        .contains("bpfExternalServiceMode = \"DSR\"");
    for (List<String> nodes :
        List.of(List.of("node1", "node2"), List.of("node2"), List.<String>of())) {
      lab.spread(nodes);
      for (String[] family :
          new String[][] {{"-4", Addresses.BALANCER_CIDR4}, {"-6", Addresses.BALANCER_CIDR6}}) {
        String route = ok("router", "ip", family[0], "route", "show", family[1]);
        for (String node : List.of("node1", "node2")) {
          assertThat(route.contains("dev " + node)).as(route).isEqualTo(nodes.contains(node));
        }
        assertThat(route.contains("unreachable")).isEqualTo(nodes.isEmpty());
      }
    }
  }

  @Test
  void linksHaveRatesDataHasSizeAndThereAreSeveralClients() throws IOException {
    List<Topology.Client> clients =
        List.of(
            new Topology.Client("client", null, null), new Topology.Client("client2", 1400, null));
    List<Topology.Node> nodes =
        List.of(new Topology.Node("node1", null, null, "10mbit", "1m"), SMALL.node("node2"));
    Topology.Links links = new Topology.Links(null, "1gbit");
    lab.up(new Topology(nodes, List.of(), clients, links));
    assertThat(ok("node1", "tc", "qdisc", "show", "dev", "eth0")).contains("rate 10Mbit");
    assertThat(ok("router", "tc", "qdisc", "show", "dev", "node1")).contains("rate 10Mbit");
    assertThat(ok("router", "tc", "qdisc", "show", "dev", "client2")).contains("rate 1Gbit");
    String second = Addresses.client4(clients.get(1));
    assertThat(ok("client", "ping", "-c1", "-W2", second)).contains("1 received");
    Path data = NAMES.data(nodes.get(0));
    assertThatThrownBy(() -> Files.write(data.resolve("much"), new byte[2 << 20]))
        .isInstanceOf(IOException.class);
    assertThat(Files.size(data.resolve("much"))).isLessThanOrEqualTo(1 << 20);
  }

  @Test
  void aPodsLinkIsTakenAwayAndMadeAnew() {
    lab.up(SMALL);
    Topology.Pod pod = SMALL.pods().get(0);
    String device = Addresses.hostInterface(pod);
    String before = ok("pod-default-a", "sh", "-c", "ip -o -4 addr; ip route; ip -6 route");
    lab.unplug(pod);
    assertThat(lab.run("node1", "ip", "link", "show", device).code()).isNotZero();
    lab.plug(pod);
    assertThat(ok("node1", "ip", "-o", "link", "show", device)).contains("state UP");
    assertThat(lines(ok("pod-default-a", "sh", "-c", "ip -o -4 addr; ip route; ip -6 route")))
        .isEqualTo(lines(before));
  }

  /** Without the indexes that a device made anew has anew. */
  private static List<String> lines(String text) {
    return text.lines().map(line -> line.replaceFirst("^[0-9]+: ", "")).sorted().toList();
  }

  @Test
  void manifestsTellTheTopologyAndTheUsersOwnAreAdded() throws IOException {
    lab.up(SMALL);
    Path own = NAMES.manifests().resolve(Manifests.OWN_FILE);
    assertThat(Files.readString(own))
        .contains("name: slt-labt-node2")
        .contains("podCIDR: 10.244.2.0/24")
        .contains("interfaceName: " + Addresses.hostInterface(SMALL.pods().get(1)))
        .contains("- fd00:244:2::2/128")
        .containsPattern("(?s)kind: Namespace\nmetadata:\n  name: default");
    Path mine = temporary.resolve("mine");
    Files.createDirectories(mine.resolve("below"));
    Files.writeString(
        mine.resolve("n.yaml"),
        "{apiVersion: v1, kind: Namespace, metadata: {name: default}}\n---\n{kind: Service}\n");
    Files.writeString(mine.resolve("below/x.yaml"), "{}");
    Files.writeString(mine.resolve("broken.yaml"), "a: [");
    assertThat(lab.apply(mine)).containsExactly("broken.yaml", "n.yaml");
    assertThat(Files.readString(own))
        .doesNotContainPattern("kind: Namespace\nmetadata:\n  name: default")
        .containsPattern("kind: Namespace\nmetadata:\n  name: shop");
    assertThat(Manifests.read(NAMES.manifests()))
        .extracting(d -> d.path("kind").asText())
        .containsExactly("Namespace", "Service");
    assertThatThrownBy(() -> lab.apply(temporary.resolve("nothing")))
        .hasMessageContaining("no manifests");
  }

  @Test
  void agentsRunInTheirNodeAndTheirDeathIsTold() throws IOException {
    Path launcher =
        script(
            "case $3 in *node1*) echo \"agent of $3 in $(tail -n1 /proc/self/cgroup)\"; sleep 1000 & wait;;",
            "*) echo no privilege >&2; exit 1;; esac");
    lab = Lab.open(NAMES, launcher, said::add);
    lab.up(SMALL);
    lab.startAgents();
    Topology.Node node1 = SMALL.node("node1");
    await().until(() -> Files.size(NAMES.agentLog(node1)) > 0);
    assertThat(Files.readString(NAMES.agentLog(node1)))
        .isEqualTo(
            "agent of /run/slt-labt-lab/slt-labt-node1/agent.conf in 0::/slt-labt-lab/slt-labt-node1\n");
    OwnedProcess agent = lab.agent("node1").orElseThrow();
    assertThat(Shell.run("ip", "netns", "identify", Long.toString(agent.pid())))
        .isEqualTo(NAMES.host("node1"));
    assertThat(lab.startAgent("node1")).isEqualTo(agent);
    await().until(() -> lab.agent("node2").isEmpty());
    assertThat(lab.ready("node1")).isFalse();
    assertThat(lab.get("node1", "/metrics")).isEmpty();
    agent.kill();
    assertThatThrownBy(lab::awaitReady).hasMessageContaining("node1 has ended: agent of");
    assertThat(lab.startAgent("node1")).isNotEqualTo(agent);
    JsonNode status = TopologyReader.JSON.valueToTree(lab.status());
    assertThat(status.get(2).path("state").asText()).isEqualTo("not ready");
    assertThat(status.get(3).path("state").asText()).isEqualTo("stopped");
  }

  private Path script(String... lines) throws IOException {
    Path file = temporary.resolve("sluice");
    Files.writeString(file, "#!/bin/sh\n" + String.join("\n", lines) + "\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    return file;
  }
}
