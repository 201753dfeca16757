// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.harness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sluice.lab.Addresses;
import io.sluice.lab.Lab;
import io.sluice.lab.LabException;
import io.sluice.lab.Topology;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Each fault does what it says, nothing else, and is mended. Sockets stand for agents. */
@LabTest(nodes = 3, agents = false, capture = false, dataSize = "4m")
class FaultsTest {
  private static final int OTHER_PORT = 25521;
  private static final int SHORT_MILLIS = 300;

  private final Cluster cluster;
  private final Faults faults;

  FaultsTest(Cluster cluster) {
    this.cluster = cluster;
    this.faults = cluster.faults();
  }

  /** What the extension does after each test is what this class is about. */
  @AfterEach
  void allIsMended() throws Exception {
    cluster.healFaults();
    assertThat(cluster.run("router", "nft", "list", "ruleset")).isEmpty();
    for (String from : List.of("node1", "node2", "node3")) {
      for (String to : List.of("node1", "node2", "node3")) {
        assertThat(from.equals(to) || connects(from, to, OTHER_PORT)).isTrue();
      }
    }
  }

  private String address(String node) {
    return Addresses.node4(cluster.topology().node(node));
  }

  /** Whether a connection is made, and carries a byte each way. */
  private boolean connects(String from, String to, int port) throws Exception {
    try (ServerSocket listener = cluster.on(to, () -> new ServerSocket(port));
        Socket socket = connect(from, to, port)) {
      listener.setSoTimeout(SHORT_MILLIS);
      try (Socket accepted = listener.accept()) {
        return passes(socket, accepted) && passes(accepted, socket);
      }
    } catch (SocketTimeoutException e) {
      return false;
    }
  }

  /** A socket belongs to the namespace in which it connects, not to that of its constructor. */
  private Socket connect(String from, String to, int port) throws SocketTimeoutException {
    Socket socket =
        cluster.on(
            from,
            () -> {
              Socket made = new Socket();
              try {
                made.connect(new InetSocketAddress(address(to), port), SHORT_MILLIS);
                return made;
              } catch (SocketTimeoutException e) {
                made.close();
                return null;
              }
            });
    if (socket == null) {
      throw new SocketTimeoutException(from + " does not reach " + to);
    }
    return socket;
  }

  private static boolean passes(Socket from, Socket to) throws IOException {
    to.setSoTimeout(SHORT_MILLIS);
    from.getOutputStream().write('x');
    try {
      return to.getInputStream().read() == 'x';
    } catch (SocketTimeoutException e) {
      return false;
    }
  }

  private int ping(String from, String address) {
    return cluster.lab().run(from, "ping", "-c1", "-W1", address).code();
  }

  @Test
  void aCutLinkCarriesNothingAndTheNodeKeepsItsRoutes() throws Exception {
    Topology.Node node2 = cluster.topology().node("node2");
    String before = cluster.run("node2", "sh", "-c", "ip addr; ip route; ip -6 route");
    Fault cut = faults.cutLink("node2");
    for (String target : List.of(Addresses.node4(node2), Addresses.node6(node2))) {
      assertThat(ping("node1", target)).isNotZero();
    }
    assertThat(ping("node2", address("node3"))).isNotZero();
    assertThat(ping("node1", address("node3"))).isZero();
    String after = cluster.run("node2", "sh", "-c", "ip addr; ip route; ip -6 route");
    assertThat(lifetimes(after)).isEqualTo(lifetimes(before));
    cut.heal();
    // Who looked for the node in vain looks again once a second.
    await().until(() -> ping("node1", Addresses.node6(node2)) == 0);
    cut.heal();
  }

  private static String lifetimes(String text) {
    return text.replaceAll("expires \\S+|(valid|preferred)_lft \\S+", "");
  }

  @Test
  void aCutClusterPortSeparatesAgentsAndNobodyElse() throws Exception {
    try (ServerSocket listener = cluster.on("node2", () -> new ServerSocket(Lab.CLUSTER_PORT));
        Socket open = connect("node1", "node2", Lab.CLUSTER_PORT)) {
      listener.setSoTimeout(SHORT_MILLIS);
      try (Socket accepted = listener.accept()) {
        assertThat(passes(open, accepted)).isTrue();
        faults.cutClusterPort(Set.of("node1"), Set.of("node2", "node3"));
        assertThat(passes(open, accepted)).as("on a connection that was there").isFalse();
        assertThat(passes(accepted, open)).isFalse();
      }
    }
    for (String other : List.of("node2", "node3")) {
      assertThat(connects("node1", other, Lab.CLUSTER_PORT)).isFalse();
      assertThat(connects(other, "node1", Lab.CLUSTER_PORT)).isFalse();
      assertThat(connects("node1", other, OTHER_PORT)).isTrue();
      assertThat(ping("node1", address(other))).isZero();
    }
    assertThat(connects("node2", "node3", Lab.CLUSTER_PORT)).isTrue();
  }

  @Test
  void twoFaultsAreMendedOneByOne() throws Exception {
    Fault one = faults.cutClusterPort("node1");
    Fault two = faults.cutClusterPort(Set.of("node2"), Set.of("node3"));
    one.heal();
    assertThat(connects("node1", "node2", Lab.CLUSTER_PORT)).isTrue();
    assertThat(connects("node2", "node3", Lab.CLUSTER_PORT)).isFalse();
    two.close();
    assertThat(connects("node2", "node3", Lab.CLUSTER_PORT)).isTrue();
  }

  /** 100 kB at 1 Mbit/s, of which 64 kB may go at once, take a third of a second at least. */
  @Test
  void aSlowLinkIsSlowInBothDirections() throws Exception {
    Fault slow = faults.slowLink("node2", "1mbit");
    assertThat(millisFor("node1", "node2")).isGreaterThan(250);
    assertThat(millisFor("node2", "node1")).isGreaterThan(250);
    slow.heal();
    assertThat(millisFor("node1", "node2")).isLessThan(250);
    assertThat(cluster.run("node2", "tc", "qdisc", "show", "dev", "eth0")).doesNotContain("tbf");
  }

  private long millisFor(String from, String to) throws Exception {
    try (ServerSocket listener = cluster.on(to, () -> new ServerSocket(OTHER_PORT));
        Socket socket = connect(from, to, OTHER_PORT)) {
      listener.setSoTimeout(SHORT_MILLIS);
      long began = System.nanoTime();
      try (Socket accepted = listener.accept()) {
        socket.getOutputStream().write(new byte[100_000]);
        assertThat(accepted.getInputStream().readNBytes(100_000)).hasSize(100_000);
      }
      return (System.nanoTime() - began) / 1_000_000;
    }
  }

  @Test
  void aFullDiskTakesNoByteUntilItIsMended() throws Exception {
    Path file = cluster.node("node2").data().resolve("one");
    Fault full = faults.fillDisk("node2");
    assertThatThrownBy(() -> Files.write(file, new byte[1])).isInstanceOf(IOException.class);
    Files.write(cluster.node("node1").data().resolve("one"), new byte[1]);
    full.heal();
    Files.write(file, new byte[1 << 20]);
    Files.delete(file);
  }

  @Test
  void damageIsWhatItSaysAndNamesWhatIsThere() throws Exception {
    Path data = cluster.node("node3").data();
    Files.createDirectories(data.resolve("sub"));
    Path file = data.resolve("sub/a.db");
    byte[] good = new byte[4096];
    java.util.Arrays.fill(good, (byte) 7);
    assertThatThrownBy(() -> faults.damageStore("node3", "*.nothing", Damage.CUT))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("no file matches");
    for (Damage damage : Damage.values()) {
      Files.write(file, good);
      damage.to(file);
      assertThat(Files.readAllBytes(file)).as("%s", damage).isNotEqualTo(good);
    }
    Files.write(file, good);
    Damage.HOLE.to(file);
    assertThat(Files.readAllBytes(file)).hasSize(4096).startsWith(7).endsWith(7).contains(0);
  }

  @Test
  void agentsThatDoNotRunAreNotStartedByMending() {
    faults.killAll();
    assertThatThrownBy(() -> faults.pause("node1")).hasMessageContaining("no agent runs on node1");
    assertThatThrownBy(() -> faults.stop("node1")).hasMessageContaining("no agent runs on node1");
    cluster.healFaults();
    assertThat(cluster.nodes()).allMatch(node -> node.agent().isEmpty());
  }

  @Test
  void aConfigurationIsTakenBack() throws IOException {
    Path file = cluster.lab().names().agentConfig(cluster.topology().node("node1"));
    String before = Files.readString(file);
    Fault other = faults.configure("node1", "sluice.log-level = debug");
    assertThat(Files.readString(file)).startsWith(before).contains("log-level = debug");
    other.heal();
    assertThat(Files.readString(file)).isEqualTo(before);
  }

  @Test
  void oneThatCannotBeMendedDoesNotKeepOthersFromIt() throws Exception {
    Fault first = faults.cutLink("node1");
    faults.cutLink("node2");
    cluster.run("router", "nft", "flush", "ruleset");
    faults.slowLink("node3", "1mbit");
    assertThatThrownBy(cluster::healFaults)
        .hasMessageContaining("cut the link of node1")
        .hasRootCauseInstanceOf(LabException.class);
    assertThat(cluster.run("node3", "tc", "qdisc", "show", "dev", "eth0")).doesNotContain("tbf");
    assertThatThrownBy(first::heal).isInstanceOf(LabException.class);
  }
}
