// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.bpf.SkbContext;
import io.sluice.kernel.bpf.TestRun;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.layout.SluiceMark;
import io.sluice.kernel.layout.SluiceReason;
import io.sluice.kernel.packet.Packet;
import io.sluice.kernel.packet.PacketBuilder;
import io.sluice.kernel.program.ChainHarness.Target;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Packets that would not fit after encapsulation. */
@Tag("INV-ENC-2")
class TooBigTest extends OverlayTest {
  private static final int ETHERNET = 14;
  private static final int FLAGS = Packet.ACK | Packet.PSH;

  private static int mtu(Family family) {
    return family == Family.IPV4 ? Overlay.MTU4 : Overlay.MTU6;
  }

  private static int ipHeader(Family family) {
    return family == Family.IPV4 ? 20 : 40;
  }

  /** A packet of "size" bytes from its IP header on. */
  private static PacketBuilder packet(Traffic traffic, Ip from, Ip to, int port, int size) {
    int l4 =
        switch (traffic) {
          case TCP -> 20;
          case SCTP -> 12;
          default -> 8;
        };
    PacketBuilder packet =
        traffic
            .packet(from, 1000, to, port, FLAGS)
            .payloadLength(size - ipHeader(from.family()) - l4);
    return from.family() == Family.IPV4 ? packet.dontFragment() : packet;
  }

  private void assertAnswered(Life life, byte[] sent, Ip from, int mtu) {
    assertThat(life.story()).isEqualTo("a: too_big bypass");
    Packet error = life.packet();
    assertThat(error.problems()).as(error.summary()).isEmpty();
    assertThat(error.source()).as("the address that the client spoke to").isEqualTo(from);
    assertThat(error.destination()).isEqualTo(Packet.parse(sent).source());
    boolean v4 = error.family() == Family.IPV4;
    assertThat(error.icmpType()).isEqualTo(v4 ? 3 : 2);
    assertThat(error.icmpCode()).isEqualTo(v4 ? 4 : 0);
    byte[] frame = life.last().frame();
    int icmp = ETHERNET + ipHeader(error.family());
    assertThat(ByteBuffer.wrap(frame).getInt(icmp + 4)).isEqualTo(mtu);
    assertThat(frame).hasSize(ETHERNET + (v4 ? 576 : 1280));
    byte[] quoted = Arrays.copyOfRange(frame, icmp + 8, frame.length);
    byte[] asSent = Arrays.copyOfRange(sent, ETHERNET, ETHERNET + quoted.length);
    if (!variant().kernCtx()) {
      assertSettled(quoted, asSent, error.family());
    }
    assertThat(quoted).as("quoted as the sender sent it").isEqualTo(asSent);
  }

  /**
   * Where nobody knows whether the transport checksum is still to be filled in, it is as filling in
   * would leave it. Copies it over.
   */
  private static void assertSettled(byte[] quoted, byte[] sent, Family family) {
    int l4 = ipHeader(family);
    int proto = quoted[family == Family.IPV4 ? 9 : 6];
    if (proto != Packet.TCP && proto != Packet.UDP) {
      return;
    }
    int check = l4 + (proto == Packet.TCP ? 16 : 6);
    int sum = 0;
    for (int i = l4; i < quoted.length; i += 2) {
      sum += (quoted[i] & 0xff) << 8 | (quoted[i + 1] & 0xff);
    }
    sum = (sum & 0xffff) + (sum >>> 16);
    sum = (sum & 0xffff) + (sum >>> 16);
    int is = (quoted[check] & 0xff) << 8 | (quoted[check + 1] & 0xff);
    assertThat(~sum & 0xffff).as("the checksum of what is quoted").isEqualTo(is);
    System.arraycopy(sent, check, quoted, check, 2);
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  @Tag("INV-ICMP-1")
  void toAPodAreAnsweredWithWhatWouldFit(Family family, Traffic traffic) {
    Net net = Net.of(family);
    harness.send(a, traffic.first(net.a(), 1000, net.remotePod(), 80));
    byte[] fits = packet(traffic, net.a(), net.remotePod(), 80, mtu(family)).build();
    assertThat(harness.send(a, fits).story()).isEqualTo("tunnel: tunnel");
    for (int more : new int[] {1, 2, 3, 70}) {
      byte[] big = packet(traffic, net.a(), net.remotePod(), 80, mtu(family) + more).build();
      assertAnswered(harness.send(a, big), big, net.remotePod(), mtu(family));
    }
    // There is a limit only if somebody has set it.
    harness.setNode(overlay.device.ifindex(), Overlay.VNI, 0, 0);
    byte[] big = packet(traffic, net.a(), net.remotePod(), 80, 1500).build();
    assertThat(harness.send(a, big).story()).isEqualTo("tunnel: tunnel");
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  @Tag("INV-ICMP-1")
  void toAServiceAreAnsweredByTheService(Family family, Traffic traffic) {
    Net net = Net.of(family);
    harness.addService(
        7, net.service(), 80, traffic.proto(), new Target(net.remotePod(), 8080, 21));
    harness.send(a, traffic.first(net.a(), 1000, net.service(), 80));
    byte[] big = packet(traffic, net.a(), net.service(), 80, 1500).build();
    assertAnswered(harness.send(a, big), big, net.service(), mtu(family));
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void ofANewFlow(Family family) {
    Net net = Net.of(family);
    byte[] big = packet(Traffic.UDP, net.a(), net.remotePod(), 80, 1500).build();
    assertAnswered(harness.send(a, big), big, net.remotePod(), mtu(family));
    byte[] ping =
        PacketBuilder.from(net.a(), net.remotePod())
            .echoRequest(7, 1)
            .dontFragment()
            .payloadLength(1460)
            .build();
    assertAnswered(harness.send(a, ping), ping, net.remotePod(), mtu(family));
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void withOptionsOrExtensionHeaders(Family family) {
    Net net = Net.of(family);
    PacketBuilder big = packet(Traffic.UDP, net.a(), net.remotePod(), 80, 1500);
    byte[] frame =
        family == Family.IPV4
            ? big.ipv4Options(new byte[] {7, 15, 4, 0, 0, 0, 0}).build()
            : big.extensionHeader(0, new byte[6]).build();
    Life life = harness.send(a, frame);
    assertThat(life.story()).isEqualTo("a: too_big bypass");
    assertThat(life.packet().problems()).isEmpty();
  }

  /** The stack fragments what it may, after translation. */
  @ParameterizedTest
  @EnumSource(
      value = Traffic.class,
      names = {"TCP", "UDP", "SCTP"})
  void thatMayBeFragmentedAreLeftToTheStack(Traffic traffic) {
    Net net = Net.of(Family.IPV4);
    harness.addService(
        7, net.service(), 80, traffic.proto(), new Target(net.remotePod(), 8080, 21));
    harness.send(a, traffic.first(net.a(), 1000, net.service(), 80));
    byte[] big =
        traffic.packet(net.a(), 1000, net.service(), 80, FLAGS).payloadLength(1500).build();
    Life life = harness.send(a, big);
    assertThat(life.story()).isEqualTo("stack: stack");
    assertThat(life.last().ourMark()).isEqualTo(SluiceMark.MARK_SEEN);
    assertThat(life.packet().destination()).isEqualTo(net.remotePod());
    assertThat(life.packet().ttl()).as("the stack counts hops itself").isEqualTo(64);
    assertThat(life.packet().problems()).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  void gsoPacketsAreJudgedBySegment(Family family, Traffic traffic) {
    Net net = Net.of(family);
    harness.send(a, traffic.first(net.a(), 1000, net.remotePod(), 80));
    byte[] frame = packet(traffic, net.a(), net.remotePod(), 80, 2600).build();
    int headers = ipHeader(family) + (traffic == Traffic.TCP ? 20 : 8);
    int fits = mtu(family) - headers;
    SkbContext context = SkbContext.EMPTY.onInterface(a.ifindex());
    if (traffic == Traffic.SCTP) {
      // Its segments lie in a list, each of a size of its own, which its sender has chosen.
      fits = 0xffff;
    }
    TestRun run = harness.hookRun(SluiceHook.HOOK_IN);
    Outcome out = harness.run(SluiceHook.HOOK_IN, frame, context.withGso(2, fits));
    assertThat(SluiceReason.name(out.reason())).isEqualTo("tunnel");
    assertThat(run.contextAfter().gsoSegments()).as("still GSO").isEqualTo(2);
    if (traffic == Traffic.SCTP) {
      return;
    }
    Outcome big = harness.run(SluiceHook.HOOK_IN, frame, context.withGso(2, fits + 1));
    assertAnswered(harness.follow(big, a), frame, net.remotePod(), mtu(family));
    assertThat(run.contextAfter().gsoSegments()).as("the answer is one packet").isZero();
  }
}
