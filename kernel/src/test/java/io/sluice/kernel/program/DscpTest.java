// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.packet.Packet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The DSCP of what pods send out of the cluster. */
@Tag("INV-QOS-2")
class DscpTest extends ChainTest {
  private static final int EF = 46;
  private QosMaps qos;

  @BeforeEach
  void maps() {
    qos = new QosMaps(harness);
    qos.limit(a, SluiceHook.HOOK_IN, QosMaps.dscp(EF), IfaceFlags.IFACE_DSCP);
  }

  private static int trafficClass(byte[] frame) {
    return (frame[12] & 0xff) == 0x08
        ? frame[15] & 0xff
        : (frame[14] & 0x0f) << 4 | (frame[15] & 0xf0) >> 4;
  }

  private Outcome sent(byte[] frame) {
    Outcome out = harness.run(SluiceHook.HOOK_IN, a, frame, 0);
    assertThat(out.packet().problems()).isEmpty();
    return out;
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void whatLeavesTheClusterIsMarkedAndItsEcnStays(Family family) {
    Net net = Net.of(family);
    for (int ecn = 0; ecn < 4; ecn++) {
      for (int before : new int[] {0, 10, 63}) {
        int octet = before << 2 | ecn;
        byte[] first =
            Traffic.TCP
                .packet(net.a(), 1000, net.client(), 80, Packet.SYN)
                .trafficClass(octet)
                .build();
        byte[] next =
            Traffic.TCP
                .packet(net.a(), 1000, net.client(), 80, Packet.ACK)
                .trafficClass(octet)
                .build();
        for (byte[] frame : new byte[][] {first, next, next}) {
          assertThat(trafficClass(sent(frame).frame())).isEqualTo(EF << 2 | ecn);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void whatStaysInTheClusterIsLeftAlone(Family family) {
    Net net = Net.of(family);
    byte[] first = Traffic.UDP.packet(net.a(), 1, net.b(), 80, 0).trafficClass(0x42).build();
    for (int i = 0; i < 3; i++) {
      assertThat(trafficClass(sent(first).frame())).isEqualTo(0x42);
    }
    byte[] remote = Traffic.UDP.packet(net.a(), 1, net.remotePod(), 80, 0).build();
    assertThat(trafficClass(sent(remote).frame())).isZero();
    byte[] others = Traffic.UDP.packet(net.b(), 1, net.client(), 80, 0).build();
    assertThat(trafficClass(harness.send(b, others).last().frame())).isZero();
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void answersToTheOutsideAreMarkedToo(Family family) {
    Net net = Net.of(family);
    harness.fromStack(a, Traffic.TCP.first(net.client(), 1000, net.a(), 80), 0);
    byte[] answer =
        Traffic.TCP.packet(net.a(), 80, net.client(), 1000, Packet.SYN | Packet.ACK).build();
    assertThat(trafficClass(sent(answer).frame())).isEqualTo(EF << 2);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aChangeReachesFlowsThatAreThere(Family family) {
    Net net = Net.of(family);
    byte[] frame = Traffic.UDP.first(net.a(), 1000, net.client(), 80);
    qos.flags(a, 0);
    assertThat(trafficClass(sent(frame).frame())).isZero();
    qos.flags(a, IfaceFlags.IFACE_DSCP);
    harness.bumpEpoch();
    assertThat(trafficClass(sent(frame).frame())).isEqualTo(EF << 2);
    qos.limit(a, SluiceHook.HOOK_IN, QosMaps.dscp(8), IfaceFlags.IFACE_DSCP);
    assertThat(trafficClass(sent(frame).frame())).isEqualTo(8 << 2);
    qos.flags(a, 0);
    harness.bumpEpoch();
    assertThat(trafficClass(sent(frame).frame())).isZero();
  }
}
