// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The pod server and the traffic client, between two pods joined by the node's own stack. */
@RequiresRoot
class PodProgramsTest {
  private static final LabNames NAMES = LabNames.named("slt-labp");
  private static final Topology TOPOLOGY =
      new Topology(
          List.of(Topology.Node.named("node1")),
          List.of(
              new Topology.Pod(null, "client", "node1", null, null, false, null, null, null),
              new Topology.Pod(
                  "shop", "web", "node1", null, List.of(8080, 5353, 80), null, null, null, null)));
  private static final Topology.Pod CLIENT = TOPOLOGY.pods().get(0);
  private static final Topology.Pod WEB = TOPOLOGY.pods().get(1);
  private static final String FROM = "pod-default-client";
  private static Lab lab;

  @BeforeAll
  static void build() {
    lab = Lab.open(NAMES, null, line -> {});
    lab.up(TOPOLOGY);
    // What an agent does for each pod, by hand.
    for (Topology.Pod pod : TOPOLOGY.pods()) {
      String dev = Addresses.hostInterface(pod);
      String script =
          String.join(
              "\n",
              "set -e",
              "echo 1 >/proc/sys/net/ipv4/conf/" + dev + "/proxy_arp",
              "echo 0 >/proc/sys/net/ipv4/neigh/" + dev + "/proxy_delay",
              "ip route add " + Addresses.pod4(TOPOLOGY, pod) + "/32 dev " + dev,
              "ip route add " + Addresses.pod6(TOPOLOGY, pod) + "/128 dev " + dev);
      assertThat(lab.run("node1", "sh", "-c", script)).isEqualTo(new Lab.Output(0, ""));
    }
  }

  @AfterAll
  static void remove() {
    if (lab != null) {
      lab.down();
      lab.close();
    }
  }

  private static String web(int family) {
    return family == 4 ? Addresses.pod4(TOPOLOGY, WEB) : Addresses.pod6(TOPOLOGY, WEB);
  }

  private static String client(int family) {
    return family == 4
        ? Addresses.pod4(TOPOLOGY, CLIENT)
        : "[" + Addresses.pod6(TOPOLOGY, CLIENT) + "]";
  }

  /** Python is on no list of what tests need; bash speaks TCP and UDP itself. */
  private static String bash(String script) {
    Lab.Output output = lab.run(FROM, "timeout", "10", "bash", "-c", script);
    assertThat(output.code()).as(output.text()).isZero();
    return output.text();
  }

  @Test
  void datagramsGoWithoutChecksumAndFromAChosenAddress() {
    Traffic.Spec spec = Traffic.Spec.newFlows("udp", web(4), 8080, 100).count(3);
    assertThat(lab.traffic(FROM, spec.withoutChecksum()).await().answers()).isEqualTo(3);
    Traffic.Report mine = lab.traffic(FROM, spec.source(Addresses.pod4(TOPOLOGY, CLIENT))).await();
    assertThat(mine.sources()).containsOnlyKeys(Addresses.pod4(TOPOLOGY, CLIENT));
    Traffic.Report nobodys = lab.traffic(FROM, spec.source("10.244.1.99")).await();
    assertThat(nobodys.failures()).containsOnlyKeys("EADDRNOTAVAIL");
  }

  @ParameterizedTest
  @CsvSource({"tcp,4,8080", "tcp,6,5353", "tcp,4,80", "udp,4,8080", "udp,6,5353", "udp,6,80"})
  void answersWithItsNameTheClientAndTheLine(String protocol, int family, int port) {
    // dd takes a datagram, or what has come of a stream, in one read; bash reads byte by byte.
    String next = "dd bs=2000 count=1 status=none <&3;";
    String text =
        bash(
            ("exec 3<>/dev/" + protocol + "/" + web(family) + "/" + port + ";")
                + ("echo one two >&3;" + next + "printf 'x\\001y\\r\\n' >&3;" + next)
                + ("echo >&3;" + next));
    String[] lines = text.split("\n");
    assertThat(lines[0]).matches("shop/web \\Q" + client(family) + "\\E:\\d+ one two");
    String who = lines[0].substring(0, lines[0].length() - " one two".length());
    // One connection, one client port; and a datagram's line end is no matter.
    assertThat(lines[1]).startsWith(who + " x?y");
    assertThat(lines[2]).isEqualTo(who);
  }

  @ParameterizedTest
  @CsvSource({"4", "6"})
  void answersHttpAndASilentEnd(int family) {
    String http =
        bash(
            "exec 3<>/dev/tcp/"
                + web(family)
                + "/80;"
                + "printf 'GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n' >&3; cat <&3");
    assertThat(http)
        .startsWith("HTTP/1.1 200 OK\r\n")
        .contains("Connection: close\r\n")
        .matches("(?s).*\r\n\r\nshop/web \\Q" + client(family) + "\\E:\\d+");
    Lab.Output get =
        lab.run(FROM, NAMES.programs() + "/pod-client", "get", web(family), "80", "/x");
    assertThat(get.code()).isZero();
    assertThat(get.text()).startsWith("shop/web " + client(family));
    Lab.Output post =
        lab.run(FROM, NAMES.programs() + "/pod-client", "request", "POST", web(family), "80", "/x");
    assertThat(post.code()).isZero();
    assertThat(post.text()).startsWith("200\nshop/web " + client(family));
  }

  @Test
  void survivesGarbage() throws IOException, InterruptedException {
    byte[] garbage = new byte[300_000];
    new Random(7).nextBytes(garbage);
    OwnedProcess before = OwnedProcess.recorded(NAMES.serverPid(WEB)).orElseThrow();
    for (String protocol : List.of("tcp", "udp")) {
      Process cat =
          lab.processOn(
                  FROM,
                  List.of(
                      "timeout",
                      "10",
                      "bash",
                      "-c",
                      "exec 3<>/dev/"
                          + protocol
                          + "/"
                          + web(4)
                          + "/8080; dd bs=1400 status=none >&3"))
              .redirectErrorStream(true)
              .start();
      try (var to = cat.getOutputStream()) {
        to.write(garbage);
      } catch (IOException e) {
        // A line of more than 64 KiB ends the connection.
      }
      cat.waitFor();
    }
    // A line that never ends, and a client that never reads.
    bash("exec 3<>/dev/tcp/" + web(6) + "/8080; head -c 200000 /dev/zero >&3 || true");
    bash("exec 3<>/dev/tcp/" + web(4) + "/8080; yes | head -c 20000000 >&3 & sleep 0.3; kill $!");
    assertThat(OwnedProcess.recorded(NAMES.serverPid(WEB))).contains(before);
    assertThat(bash("exec 3<>/dev/tcp/" + web(4) + "/8080; echo hi >&3; read -r a <&3; echo $a"))
        .endsWith(" hi");
  }

  @ParameterizedTest
  @CsvSource({"tcp,4", "tcp,6", "udp,4", "udp,6"})
  void newFlowsAreCountedByBackendAndSource(String protocol, int family) {
    Traffic.Report report =
        lab.traffic(FROM, Traffic.Spec.newFlows(protocol, web(family), 8080, 1000).count(1000))
            .await();
    assertThat(report.attempts()).isEqualTo(1000);
    assertThat(report.answers()).isEqualTo(1000);
    assertThat(report.failures()).isEmpty();
    assertThat(report.backends()).containsOnlyKeys("shop/web");
    assertThat(report.backends().get("shop/web").count()).isEqualTo(1000);
    assertThat(report.sources()).containsOnlyKeys(client(family));
    assertThat(report.durationMs()).isBetween(900L, 3000L);
    assertThat(report.latencyUs().p50()).isPositive().isLessThanOrEqualTo(report.latencyUs().p99());
    assertThat(report.latencyUs().p99()).isLessThanOrEqualTo(report.latencyUs().max());
  }

  @ParameterizedTest
  @CsvSource({"tcp,4", "tcp,6", "udp,4", "udp,6"})
  void lastingFlowsAreAskedAgainAndAgain(String protocol, int family) {
    try (Traffic traffic =
        lab.traffic(
            FROM, Traffic.Spec.lasting(protocol, web(family), 5353, 200, 100).sourcePort(30000))) {
      await().until(() -> traffic.progress().answers() > 1000);
      assertThat(traffic.running()).isTrue();
      Traffic.Report report = traffic.stop();
      assertThat(report.failures()).isEmpty();
      assertThat(report.answers()).isEqualTo(report.attempts()).isGreaterThan(1000);
      assertThat(report.changes()).isZero();
    }
  }

  @ParameterizedTest
  @CsvSource({"tcp,4,20000", "tcp,6,1000", "udp,4,1400", "udp,6,5000"})
  void largeRequestsComeBackAsTheyWereSent(String protocol, int family, int size) {
    Traffic.Spec few = Traffic.Spec.lasting(protocol, web(family), 8080, 5, 10).count(100);
    Traffic.Report report = lab.traffic(FROM, few.size(size)).await();
    assertThat(report.failures()).isEmpty();
    assertThat(report.answers()).isEqualTo(100);
  }

  @ParameterizedTest
  @CsvSource({"4,1472,0,1", "6,1452,0,1", "4,60000,1400,43", "6,60000,1000,60"})
  void probesTellWhatArrivedAsItWasSent(int family, int size, int segment, int datagrams) {
    Probe probe = Probe.of(web(family), 8080, size).count(3).sourcePort(4444);
    Probe.Report report = lab.probe(FROM, segment == 0 ? probe : probe.segment(segment));
    assertThat(report.datagrams()).isEqualTo(3 * datagrams);
    assertThat(report.exact()).isEqualTo(3 * datagrams);
    assertThat(report.said()).isEmpty();
    assertThat(report.pod()).isEqualTo("shop/web");
    assertThat(report.seen()).isEqualTo(client(family) + ":4444");
    Probe.Report given = lab.probe(FROM, Probe.of(web(family), 8080, 64).give(1400));
    assertThat(given.exact()).isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource({"4,1473,3,3,11,0", "6,1453,1,4,3,0"})
  void probesTellWhatTheNetworkSays(
      int family, int tooLarge, int unreachable, int port, int exceeded, int transit) {
    Probe.Report local = lab.probe(FROM, Probe.of(web(family), 8080, tooLarge).timeout(200));
    assertThat(local.refusal()).isEqualTo("EMSGSIZE");
    assertThat(local.exact()).isZero();
    Probe.Report closed = lab.probe(FROM, Probe.of(web(family), 9, 100));
    assertThat(closed.said())
        .containsExactly(
            new Probe.Said(true, unreachable, port, "ECONNREFUSED", 0, web(family), false));
    Probe.Report far = lab.probe(FROM, Probe.of(web(family), 8080, 100).ttl(1));
    assertThat(far.said()).hasSize(1);
    assertThat(far.said().get(0).type()).isEqualTo(exceeded);
    assertThat(far.said().get(0).code()).isEqualTo(transit);
    assertThat(far.said().get(0).quotedWrong()).isFalse();
  }

  @Test
  void tenThousandConnectionsAtOnce() {
    Traffic.Report report =
        lab.traffic(FROM, Traffic.Spec.lasting("tcp", web(4), 8080, 10_000, 3000).count(20_000))
            .await();
    assertThat(report.failures()).isEmpty();
    assertThat(report.answers()).isEqualTo(20_000);
  }

  @ParameterizedTest
  @CsvSource({"tcp", "udp"})
  void failuresAreNamedByErrno(String protocol) {
    // The client's own address: nobody listens there, and the kernel says so.
    Traffic.Report refused =
        lab.traffic(
                FROM,
                Traffic.Spec.newFlows(protocol, Addresses.pod4(TOPOLOGY, CLIENT), 9, 100).count(10))
            .await();
    assertThat(refused.failed()).isEqualTo(10);
    assertThat(refused.failures()).containsOnlyKeys("ECONNREFUSED");
    // An address of the underlay that is nobody's: the node gives up asking for it after 3 s.
    Traffic.Report silent =
        lab.traffic(
                FROM,
                Traffic.Spec.newFlows(protocol, Addresses.CLIENT4 + "0", 9, 100)
                    .count(5)
                    .timeout(300))
            .await();
    assertThat(silent.answers()).isZero();
    assertThat(silent.failures().keySet())
        .isSubsetOf(Set.of("TIMEOUT", "CONNECT_TIMEOUT", "EHOSTUNREACH"));
  }

  /** A flow whose answers begin to come from another pod is seen to change. */
  @Test
  void aChangeOfBackendWithinAFlowIsSeen() {
    String web = Addresses.pod4(TOPOLOGY, WEB);
    OwnedProcess server = OwnedProcess.recorded(NAMES.serverPid(WEB)).orElseThrow();
    try (Traffic traffic =
        lab.traffic(FROM, Traffic.Spec.lasting("udp", web, 8080, 1, 10).sourcePort(31000))) {
      await().until(() -> traffic.progress().answers() > 10);
      server.terminate();
      Process other =
          lab.processOn(
                  "pod-shop-web", List.of(NAMES.programs() + "/pod-server", "--name", "shop/other"))
              .start();
      try {
        long before = traffic.progress().answers();
        await().until(() -> traffic.progress().answers() > before + 10);
        Traffic.Report report = traffic.stop();
        assertThat(report.changes()).isEqualTo(1);
        assertThat(report.firstChanges().get(0).from()).isEqualTo("shop/web");
        assertThat(report.firstChanges().get(0).to()).isEqualTo("shop/other");
        Map<String, Traffic.Count> backends = report.backends();
        assertThat(backends).containsOnlyKeys("shop/web", "shop/other");
        assertThat(backends.get("shop/other").firstMs())
            .isGreaterThan(backends.get("shop/web").lastMs());
      } finally {
        other.destroy();
        await().until(() -> !other.isAlive());
      }
    } catch (IOException e) {
      throw new AssertionError(e);
    } finally {
      lab.up(TOPOLOGY);
    }
  }

  @Test
  void theServerGoesWithTheNameOfItsNamespace() throws IOException {
    String namespace = NAMES.host("pod-extra-one");
    Shell.run("ip", "netns", "add", namespace);
    Process server =
        new ProcessBuilder(
                List.of(
                    "ip",
                    "netns",
                    "exec",
                    namespace,
                    NAMES.programs() + "/pod-server",
                    "--name",
                    "extra/one",
                    "--netns",
                    namespace))
            .start();
    assertThat(server.getInputStream().readNBytes(6)).asString().isEqualTo("ready\n");
    Shell.run("ip", "netns", "del", namespace);
    await().until(() -> !server.isAlive());
    assertThat(server.exitValue()).isZero();
  }
}
