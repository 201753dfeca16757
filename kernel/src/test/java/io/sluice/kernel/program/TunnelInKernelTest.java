// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.layout.SluiceReason;
import io.sluice.kernel.testing.RequiresKernel;
import io.sluice.kernel.testing.TestNetns;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.UnknownHostException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Real packets between two nodes by real tunnel devices: what a test run cannot supply. */
@RequiresKernel
class TunnelInKernelTest {
  private static final int PORT = 8080;
  private static final int MEGABYTES = 4;
  private static final int PATIENCE_MILLIS = 10_000;

  private static RealNode one;
  private static RealNode two;

  @BeforeAll
  static void setUp() {
    one = new RealNode(1);
    two = new RealNode(2);
    one.join(two);
  }

  @AfterAll
  static void tearDown() {
    two.close();
    one.close();
  }

  @BeforeEach
  void forgetMtus() {
    for (RealNode node : new RealNode[] {one, two}) {
      node.pod.sh("ip route flush cache; ip -6 route flush cache");
      node.pod.sh("sysctl -qw net.ipv4.ip_no_pmtu_disc=0");
    }
  }

  private static Ip remote(Family family) {
    return RealNode.podAddress(family, 2);
  }

  private static InetSocketAddress address(Ip ip) throws UnknownHostException {
    return new InetSocketAddress(InetAddress.getByAddress(ip.bytes()), PORT);
  }

  /** Sends much to a pod; returns how many bytes came. */
  private static long send(TestNetns from, TestNetns to, Ip address) {
    CompletableFuture<ServerSocket> bound = new CompletableFuture<>();
    CompletableFuture<Long> received =
        CompletableFuture.supplyAsync(() -> to.netns().run(() -> receive(bound, address)));
    bound.join();
    // What is lost on the way would keep the writer waiting for a long time.
    CompletableFuture.runAsync(() -> from.netns().run(() -> write(address)))
        .orTimeout(2 * PATIENCE_MILLIS, TimeUnit.MILLISECONDS)
        .join();
    return received.join();
  }

  private static Void write(Ip address) throws IOException {
    try (Socket socket = new Socket()) {
      socket.connect(address(address), PATIENCE_MILLIS);
      for (int i = 0; i < MEGABYTES; i++) {
        socket.getOutputStream().write(new byte[1 << 20]);
      }
    }
    return null;
  }

  private static long receive(CompletableFuture<ServerSocket> bound, Ip address)
      throws IOException {
    try (ServerSocket server = new ServerSocket()) {
      server.setReuseAddress(true);
      server.bind(address(address));
      server.setSoTimeout(PATIENCE_MILLIS);
      bound.complete(server);
      try (Socket socket = server.accept()) {
        socket.setSoTimeout(PATIENCE_MILLIS);
        InputStream in = socket.getInputStream();
        return in.transferTo(java.io.OutputStream.nullOutputStream());
      }
    }
  }

  /**
   * Pods have a larger MTU than the tunnel: TCP must learn it, whoever fills in checksums, and
   * whoever cuts segments.
   */
  @ParameterizedTest
  @CsvSource({
    "IPV4,on,on",
    "IPV4,off,on",
    "IPV4,on,off",
    "IPV6,on,on",
    "IPV6,off,on",
    "IPV6,on,off"
  })
  @Tag("INV-ENC-2")
  @Tag("INV-ICMP-1")
  void tcpLearnsTheMtuOfTheTunnel(Family family, String ofPod, String ofHost) {
    one.pod.sh("ethtool -K eth0 tx " + ofPod);
    one.host.sh("ethtool -K p tx " + ofHost);
    long answered = one.counted(SluiceHook.HOOK_IN, SluiceReason.REASON_TOO_BIG);
    assertThat(send(one.pod, two.pod, remote(family))).isEqualTo((long) MEGABYTES << 20);
    assertThat(one.counted(SluiceHook.HOOK_IN, SluiceReason.REASON_TOO_BIG))
        .as("answered")
        .isBetween(answered + 1, answered + 20);
    int mtu = family == Family.IPV4 ? RealNode.MTU4 : RealNode.MTU6;
    assertThat(one.pod.sh("ip route get " + remote(family))).contains("mtu " + mtu);
    assertThat(two.counted(SluiceHook.HOOK_IN, SluiceReason.REASON_PEER)).isPositive();
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-ENC-2")
  void pingIsToldTheMtuByWhomItPings(Family family) {
    String told = one.pod.sh("ping -M do -s 1452 -c 1 -W 1 %s || true".formatted(remote(family)));
    assertThat(told)
        .contains("From " + remote(family))
        .containsAnyOf("mtu = " + RealNode.MTU4, "mtu=" + RealNode.MTU6, "mtu = " + RealNode.MTU6);
    one.pod.sh("ping -M do -s 1300 -c 2 -i 0.2 -W 2 " + remote(family));
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void hostsReachPodsOfOtherNodes(Family family) {
    one.host.sh("ping -c 2 -i 0.2 -W 2 " + remote(family));
    assertThat(send(one.host, two.pod, remote(family))).isEqualTo((long) MEGABYTES << 20);
    assertThat(one.counted(SluiceHook.HOOK_IN, SluiceReason.REASON_HOST)).isPositive();
    assertThat(one.counted(SluiceHook.HOOK_OUT, SluiceReason.REASON_TUNNEL)).isPositive();
  }

  /** Each node is a hop, and says so under an address of its own. */
  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-ICMP-1")
  @Tag("INV-ICMP-2")
  void hopsAreToldFromBothNodes(Family family) {
    for (int ttl = 1; ttl <= 2; ttl++) {
      String told = one.pod.sh("ping -t %d -c 1 -W 1 %s || true".formatted(ttl, remote(family)));
      assertThat(told).containsAnyOf("Time to live exceeded", "Time exceeded");
    }
    one.pod.sh("ping -t 3 -c 1 -W 2 " + remote(family));
  }

  /** The stack fragments, and the device's program sends fragments on; who gets them drops them. */
  @Test
  void whatMayBeFragmentedGetsAsFarAsTheOtherNode() {
    one.pod.sh("sysctl -qw net.ipv4.ip_no_pmtu_disc=1");
    long left = one.counted(SluiceHook.HOOK_IN, SluiceReason.REASON_STACK);
    long sent = one.counted(SluiceHook.HOOK_OUT, SluiceReason.REASON_TUNNEL);
    long dropped = two.counted(SluiceHook.HOOK_IN, SluiceReason.REASON_FRAGMENT);
    one.pod.sh("ping -M dont -s 1472 -c 1 -W 1 %s || true".formatted(remote(Family.IPV4)));
    assertThat(one.counted(SluiceHook.HOOK_IN, SluiceReason.REASON_STACK)).isEqualTo(left + 1);
    assertThat(one.counted(SluiceHook.HOOK_OUT, SluiceReason.REASON_TUNNEL)).isEqualTo(sent + 2);
    await()
        .untilAsserted(
            () ->
                assertThat(two.counted(SluiceHook.HOOK_IN, SluiceReason.REASON_FRAGMENT))
                    .isEqualTo(dropped + 2));
  }
}
