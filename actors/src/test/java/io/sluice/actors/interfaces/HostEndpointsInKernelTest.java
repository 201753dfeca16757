// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.interfaces;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.actors.testing.PodLab;
import io.sluice.actors.testing.Resources;
import io.sluice.config.source.Snapshot;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.testing.RequiresKernel;
import io.sluice.kernel.testing.TestBpffs;
import io.sluice.kernel.testing.TestNetns;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Host endpoints with real programs, while the host speaks to the world by them. */
@RequiresKernel
class HostEndpointsInKernelTest {
  private static final String EVERYTHING = "^(eth|out)";

  @TempDir private Path dataDir;
  private final NodeRig.Slots slots = new NodeRig.Slots();
  private PodLab lab;
  private TestNetns world;
  private TestBpffs bpffs;
  private NodeRig rig;

  @BeforeEach
  void setUp() {
    lab = new PodLab();
    world = TestNetns.create("ifaces-w");
    lab.node().sh("ip link add eth1 type veth peer name eth0 netns NS".replace("NS", world.name()));
    lab.node().sh("ip link set eth1 up; ip addr add 192.168.9.1/24 dev eth1; ip link set lo up");
    world.sh("ip link set eth0 up; ip addr add 192.168.9.2/24 dev eth0");
    bpffs = TestBpffs.mount();
    rig = new NodeRig(lab, bpffs.path(), dataDir, slots);
  }

  @AfterEach
  void tearDown() {
    rig.close();
    bpffs.close();
    world.close();
    lab.close();
  }

  private static Snapshot snapshot(boolean inSync) {
    return Resources.snapshot(inSync, Resources.node("node1", "192.168.9.1", "10.244.1.0/24"));
  }

  private void settle(String hosts) {
    rig.source(snapshot(true), hosts);
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(
            () -> assertThat(rig.status()).matches(InterfaceManager.Status::settled, "settled"));
  }

  private Map<String, Iface> elements() {
    Map<String, Iface> all = new TreeMap<>();
    rig.dataplane().ifaces().forEach((index, iface) -> all.put(iface.name(), iface));
    return all;
  }

  private Set<String> attached() {
    Set<String> names = new TreeSet<>();
    rig.dataplane().attachments().values().forEach(attachment -> names.add(attachment.name()));
    return names;
  }

  private Process pingFor(int seconds) throws IOException {
    return new ProcessBuilder(
            ("ip netns exec " + world.name() + " ping -n -i 0.005 -w " + seconds + " 192.168.9.1")
                .split(" "))
        .redirectErrorStream(true)
        .start();
  }

  private static void assertLostNothing(Process ping) throws IOException {
    try (var output = ping.inputReader()) {
      assertThat(output.lines().toList()).anyMatch(line -> line.contains(" 0% packet loss"));
    }
  }

  @Test
  @Tag("INV-PROG-6")
  @Tag("INV-AG-1")
  @Tag("INV-AG-3")
  void comeGoAndSurviveAgentsWithoutLosingAPacket() throws IOException {
    Process ping = pingFor(8);
    settle("^eth");
    assertThat(attached()).containsExactly("eth0", "eth1", "lo");
    assertThat(elements()).containsOnlyKeys("eth0", "eth1", "lo");
    assertThat(elements().get("lo").flags() & IfaceFlags.IFACE_LOOPBACK).isNotZero();
    assertThat(elements().get("eth1").mtu()).isEqualTo(1500);
    lab.node().sh("ip link set eth1 mtu 1400");
    await().until(() -> elements().get("eth1").mtu() == 1400);

    rig.close();
    rig = new NodeRig(lab, bpffs.path(), dataDir, slots);
    await().until(() -> rig.status().begun());
    rig.source(snapshot(false), "^none");
    await().during(Duration.ofMillis(300)).until(() -> attached().size() == 3);
    settle("^eth0");
    await().until(() -> attached().equals(Set.of("eth0", "lo")));
    await().until(() -> elements().keySet().equals(Set.of("eth0", "lo")));
    settle("^eth");
    await().until(() -> attached().contains("eth1"));
    assertLostNothing(ping);
  }

  /** Programs stay with an interface that gets another name, and may not miss their element. */
  @Test
  @Tag("INV-PROG-6")
  void areRenamedWithoutLosingAPacket() throws IOException {
    settle(EVERYTHING);
    Process ping = pingFor(4);
    lab.node().sh("ip link set eth1 name out1");
    await().until(() -> elements().keySet().equals(Set.of("eth0", "lo", "out1")));
    assertThat(attached()).contains("out1");
    lab.node().sh("ip link set out1 name lan1");
    await().until(() -> attached().equals(Set.of("eth0", "lo")));
    await().until(() -> elements().keySet().equals(Set.of("eth0", "lo")));
    assertLostNothing(ping);
  }

  @Test
  @Tag("INV-HOST-2")
  void haveTheirSettingsAgainWhenSomebodyElseChangesThem() {
    String all = "/proc/sys/net/ipv4/conf/all/rp_filter";
    String one = "/proc/sys/net/ipv4/conf/eth1/rp_filter";
    lab.node().sh("echo 1 > " + one);
    settle("^eth");
    assertThat(lab.node().sh("cat " + one).strip()).isEqualTo("0");
    lab.node().sh("echo 2 > " + one + "; echo 1 > " + all);
    await()
        .atMost(Duration.ofSeconds(20))
        .until(() -> lab.node().sh("cat " + one + " " + all).strip().equals("0\n0"));
  }

  @Test
  void areForgottenWhenTheyVanish() {
    settle("^eth");
    lab.node().sh("ip link delete eth1");
    await().until(() -> elements().keySet().equals(Set.of("eth0", "lo")));
    assertThat(rig.status().interfaces())
        .extracting(InterfaceManager.InterfaceStatus::nic)
        .containsExactly("eth0", "lo");
  }
}
