// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.lab.Addresses;
import io.sluice.lab.Traffic;
import io.sluice.multinode.harness.BothVersions;
import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.IpVersion;
import io.sluice.multinode.harness.LabTest;
import java.io.IOException;
import java.net.ConnectException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;

/** Limits and marks of a pod, and what it may send from, by real sockets. */
@LabTest
class QosTest {
  private static final String CLIENT = Cluster.host("client");
  private static final String SERVER = "web-1";
  private static final String LAB = "lab";
  private static final int PORT = 8080;
  private static final int OWN_PORT = 9999;
  private static final String SPOOFING =
      """
      apiVersion: projectcalico.org/v3
      kind: FelixConfiguration
      metadata: {name: default}
      spec: {workloadSourceSpoofing: Any}
      """;

  private final Cluster cluster;

  /** What the lab says of its pods. */
  private final String endpoints;

  QosTest(Cluster cluster) throws IOException {
    this.cluster = cluster;
    this.endpoints = Files.readString(cluster.lab().names().manifests().resolve(LAB + ".yaml"));
  }

  @AfterEach
  void unlimited() {
    cluster.apply(LAB, endpoints);
    cluster.delete("spoofing");
    await().atMost(Cluster.PATIENCE).until(() -> cluster.dump("qos").isEmpty());
  }

  /** Has a pod's endpoint say more than the lab does. */
  private void limit(String pod, String more) {
    String device = "  interfaceName: " + Addresses.hostInterface(cluster.pod(pod)) + "\n";
    assertThat(endpoints).contains(device);
    cluster.apply(LAB, endpoints.replace(device, device + "  " + more + "\n"));
  }

  private void awaitLimits(String pod) {
    String device = Addresses.hostInterface(cluster.pod(pod));
    await()
        .atMost(Cluster.PATIENCE)
        .until(() -> cluster.dump("qos").stream().anyMatch(r -> is(r, "name", device)));
    // Flags follow the limits; the dump of interfaces shows them.
    await()
        .atMost(Cluster.PATIENCE)
        .until(
            () ->
                cluster.dump("ifstate").stream()
                    .filter(r -> is(r, "name", device))
                    .anyMatch(r -> r.path("state").asText().matches(".*(qos|connections|dscp).*")));
  }

  private static boolean is(JsonNode row, String field, String value) {
    return row.path(field).asText().equals(value);
  }

  private JsonNode row(String pod, String direction) {
    String device = Addresses.hostInterface(cluster.pod(pod));
    return cluster.dump("qos").stream()
        .filter(r -> is(r, "name", device) && is(r, "direction", direction))
        .findFirst()
        .orElseThrow();
  }

  @BothVersions
  @Tag("INV-QOS-1")
  void aPodGetsNoMorePacketsThanItsRate(IpVersion version) throws IOException {
    limit(SERVER, "qosControls: {ingressPacketRate: '100', ingressPacketBurst: '20'}");
    awaitLimits(SERVER);
    try (DatagramSocket receiver =
            cluster.on(Cluster.host(SERVER), () -> new DatagramSocket(OWN_PORT));
        DatagramSocket sender = cluster.on(CLIENT, () -> new DatagramSocket())) {
      CompletableFuture<Integer> received = CompletableFuture.supplyAsync(() -> count(receiver));
      InetAddress to = InetAddress.getByName(cluster.address(SERVER, version));
      long start = System.nanoTime();
      long sent = 0;
      while (System.nanoTime() - start < TimeUnit.SECONDS.toNanos(3)) {
        sender.send(new DatagramPacket(new byte[100], 100, to, OWN_PORT));
        sent++;
      }
      double expected = 20 + 100 * (System.nanoTime() - start) / 1e9;
      int got = received.join();
      assertThat(sent).isGreaterThan(2L * got);
      assertThat((double) got).isBetween(0.9 * expected, expected + 2);
      assertThat(row(SERVER, "ingress").path("rateDrops").asLong()).isGreaterThan(sent / 2);
    }
  }

  /** Until a second has passed without any. */
  private static int count(DatagramSocket socket) {
    int n = 0;
    try {
      socket.setSoTimeout(1500);
      while (true) {
        socket.receive(new DatagramPacket(new byte[200], 200));
        n++;
      }
    } catch (IOException e) {
      return n;
    }
  }

  private Socket connect(IpVersion version) throws IOException {
    return cluster.on(
        CLIENT,
        () -> {
          Socket socket = new Socket();
          try {
            socket.connect(new InetSocketAddress(cluster.address(SERVER, version), PORT), 3000);
            return socket;
          } catch (IOException e) {
            socket.close();
            throw e;
          }
        });
  }

  private void assertRefused(IpVersion version) {
    assertThatThrownBy(() -> connect(version).close())
        .hasRootCauseInstanceOf(ConnectException.class);
  }

  private void awaitConnects(IpVersion version) {
    await()
        .atMost(Cluster.PATIENCE)
        .ignoreExceptions()
        .until(
            () -> {
              connect(version).close();
              return true;
            });
  }

  @BothVersions
  @Tag("INV-QOS-1")
  void soManyConnectionsAndNoMoreUntilOneCloses(IpVersion version) throws IOException {
    limit(SERVER, "qosControls: {ingressMaxConnections: '3'}");
    awaitLimits(SERVER);
    List<Socket> open = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      open.add(connect(version));
    }
    for (int i = 0; i < 5; i++) {
      assertRefused(version);
    }
    assertThat(row(SERVER, "ingress").path("connections").asInt()).isEqualTo(3);
    assertThat(row(SERVER, "ingress").path("refused").asInt()).isGreaterThanOrEqualTo(5);
    open.remove(0).close();
    awaitConnects(version);
    for (Socket socket : open) {
      socket.close();
    }
    awaitNoneOpen();
  }

  private void awaitNoneOpen() {
    await()
        .atMost(Cluster.PATIENCE)
        .until(() -> row(SERVER, "ingress").path("connections").asInt() == 0);
  }

  @BothVersions
  @Tag("INV-QOS-1")
  void whoIsKilledHoldsNothing(IpVersion version) {
    limit(SERVER, "qosControls: {ingressMaxConnections: '4'}");
    awaitLimits(SERVER);
    Traffic traffic =
        cluster.start(
            CLIENT, Traffic.Spec.lasting("tcp", cluster.address(SERVER, version), PORT, 4, 20));
    await().atMost(Cluster.PATIENCE).until(() -> traffic.progress().answers() > 40);
    assertRefused(version);
    traffic.close();
    awaitConnects(version);
    awaitNoneOpen();
  }

  @BothVersions
  @Tag("INV-QOS-2")
  void theOutsideSeesTheDscpAndTheEcnOfThePod(IpVersion version) throws Exception {
    limit(SERVER, "qosControls: {dscp: EF}");
    awaitLimits(SERVER);
    String outside = version.of(Addresses.CLIENT4, Addresses.CLIENT6);
    List<String> command =
        List.of("tcpdump", "-i", "any", "-n", "-v", "-l", "-c", "1", "udp", "port", "" + OWN_PORT);
    Process tcpdump =
        new ProcessBuilder(cluster.lab().commandOn("client", command))
            .redirectErrorStream(true)
            .start();
    try (DatagramSocket sender = cluster.on(Cluster.host(SERVER), () -> new DatagramSocket())) {
      sender.setTrafficClass(0x02);
      DatagramPacket packet =
          new DatagramPacket(new byte[10], 10, InetAddress.getByName(outside), OWN_PORT);
      AtomicLong sent = new AtomicLong();
      await()
          .atMost(Cluster.PATIENCE)
          .until(
              () -> {
                sender.send(packet);
                sent.incrementAndGet();
                return !tcpdump.isAlive();
              });
      String seen = new String(tcpdump.getInputStream().readAllBytes());
      assertThat(seen).contains(version.of("tos 0xba", "class 0xba"));
    } finally {
      tcpdump.destroy();
    }
  }

  @BothVersions
  @Tag("INV-RPF-1")
  void aPodSendsFromTheNetworksThatItIsAllowed(IpVersion version) {
    String source = version.of("10.9.255.7", "fd09::ff07");
    String[] address = {source + version.of("/32", "/128"), "dev", "eth0"};
    cluster.run(CLIENT, "ip", "addr", "add", address[0], address[1], address[2]);
    try {
      assertThat(asAnother(version, source).answers()).isZero();
      cluster.apply("spoofing", SPOOFING);
      limit("client", "allowSpoofedSourcePrefixes: [10.9.0.0/16, 'fd09::/32']");
      await()
          .atMost(Cluster.PATIENCE)
          .untilAsserted(() -> assertThat(asAnother(version, source).answers()).isPositive());
      assertThat(asAnother(version, source).failures()).isEmpty();
      cluster.apply(LAB, endpoints);
      await()
          .atMost(Cluster.PATIENCE)
          .untilAsserted(() -> assertThat(asAnother(version, source).answers()).isZero());
    } finally {
      cluster.run(CLIENT, "ip", "addr", "del", address[0], address[1], address[2]);
    }
  }

  private Traffic.Report asAnother(IpVersion version, String source) {
    return cluster
        .start(
            CLIENT,
            Traffic.Spec.newFlows("tcp", cluster.address(SERVER, version), PORT, 100)
                .count(5)
                .timeout(500)
                .source(source))
        .await();
  }

  @BothVersions
  @Tag("INV-QOS-1")
  @Tag("INV-AG-4")
  void aPodGetsNoMoreThanItsBandwidth(IpVersion version) throws Exception {
    limit(SERVER, "qosControls: {ingressBandwidth: 20M, ingressBurst: 400k}");
    awaitLimits(SERVER);
    assertThat(row(SERVER, "ingress").path("shaper").asText()).isEqualTo("tbf");
    String device = Addresses.hostInterface(cluster.pod(SERVER));
    assertThat(cluster.run("node1", "tc", "qdisc", "show", "dev", device)).contains("tbf 5106:");
    assertThat(megabitsTo(SERVER, CLIENT, version)).isBetween(12.0, 22.0);
    cluster.apply(LAB, endpoints);
    await().atMost(Cluster.PATIENCE).until(() -> cluster.dump("qos").isEmpty());
    await()
        .atMost(Cluster.PATIENCE)
        .until(
            () -> !cluster.run("node1", "tc", "qdisc", "show", "dev", device).contains("tbf 5106"));
  }

  @BothVersions
  @Tag("INV-QOS-1")
  void aPodSendsNoMoreThanItsBandwidth(IpVersion version) throws Exception {
    limit("client", "qosControls: {egressBandwidth: 20M, egressBurst: 4M}");
    awaitLimits("client");
    assertThat(row("client", "egress").path("shaper").asText()).isEqualTo("programs");
    assertThat(megabitsTo(SERVER, CLIENT, version)).isBetween(4.0, 22.0);
  }

  /** What comes through in about three seconds. */
  private double megabitsTo(String pod, String from, IpVersion version) throws Exception {
    try (ServerSocket server = cluster.on(Cluster.host(pod), () -> new ServerSocket(OWN_PORT));
        Socket sender =
            cluster.on(from, () -> new Socket(cluster.address(pod, version), OWN_PORT));
        Socket receiver = server.accept()) {
      CompletableFuture<Long> bytes =
          CompletableFuture.supplyAsync(
              () -> {
                long n = 0;
                byte[] buffer = new byte[65536];
                try {
                  for (int got = 0; got >= 0; got = receiver.getInputStream().read(buffer)) {
                    n += got;
                  }
                } catch (IOException e) {
                  return -1L;
                }
                return n;
              });
      byte[] data = new byte[16384];
      long start = System.nanoTime();
      while (System.nanoTime() - start < TimeUnit.SECONDS.toNanos(3)) {
        sender.getOutputStream().write(data);
      }
      sender.shutdownOutput();
      long all = bytes.join();
      return 8 * all / ((System.nanoTime() - start) / 1e9) / 1e6;
    }
  }
}
