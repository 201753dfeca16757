// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.sluice.kernel.bpf.SkbContext;
import io.sluice.kernel.bpf.TestRun;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.layout.SluiceMark;
import io.sluice.kernel.packet.PacketBuilder;
import io.sluice.kernel.program.ChainHarness.Target;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Random and mutated packets at the hooks of the tunnel, and of a pod that sends into it. */
class TunnelFuzzTest extends OverlayTest {
  private static final int REMOTE_PORT = 80;

  private static List<byte[]> seeds(Ip from, List<Ip> to, int fromPort, int toPort) {
    List<byte[]> seeds = new ArrayList<>();
    int type = from.family() == Family.IPV4 ? 3 : 1;
    for (Traffic traffic : Traffic.values()) {
      for (Ip target : to) {
        seeds.add(traffic.first(from, fromPort, target, toPort));
        seeds.add(traffic.next(from, fromPort, target, toPort));
        seeds.add(traffic.packet(from, fromPort, target, toPort, 0x11).build());
        seeds.add(traffic.packet(from, fromPort, target, toPort, 0x10).payloadLength(1600).build());
        seeds.add(
            FuzzTest.withMore(from.family(), traffic.packet(from, fromPort, target, toPort, 0x10)));
        byte[] about = traffic.next(target, toPort, from, fromPort);
        seeds.add(PacketBuilder.from(from, target).icmpError(type, 0, about, 100).build());
      }
    }
    seeds.add(PacketBuilder.from(from, to.get(0)).echoRequest(7, 1).payloadLength(56).build());
    return seeds;
  }

  private void establish(Net net) {
    for (Traffic traffic : List.of(Traffic.TCP, Traffic.UDP, Traffic.SCTP)) {
      int proto = traffic.proto();
      harness.addService(
          proto / 5,
          net.service(),
          REMOTE_PORT,
          proto,
          new Target(net.remotePod(), 80, 100 + proto));
      harness.send(a, traffic.first(net.a(), 1000, net.service(), REMOTE_PORT));
      overlay.arrive(traffic.answer(net.remotePod(), REMOTE_PORT, net.a(), 1000), 2);
      overlay.arrive(traffic.first(net.remotePod(), REMOTE_PORT, net.b(), 1000), 2);
      harness.send(b, traffic.answer(net.b(), 1000, net.remotePod(), REMOTE_PORT));
    }
  }

  private Set<String> fuzz(
      int hook, TestRun run, Pod at, int mark, Mutator mutator, Fuzzer.Judge judge) {
    SkbContext context = SkbContext.EMPTY.onInterface(at.ifindex()).withMark(mark);
    return new Fuzzer(harness).run(hook, run, context, mutator, judge);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void whatIsRightStaysRightOutOfTheTunnel(Family family) {
    Net net = Net.of(family);
    establish(net);
    List<Ip> targets = List.of(net.a(), net.b(), net.c(), Overlay.host(family, 1), net.service());
    Mutator mutator =
        new Mutator(30 + family.number(), seeds(net.remotePod(), targets, REMOTE_PORT, 1000));
    TestRun run = overlay.ingress(family, Overlay.host(family, 2), Overlay.VNI);
    assertThat(fuzz(SluiceHook.HOOK_IN, run, overlay.device, 0, mutator, Fuzzer::assertStillRight))
        .contains(variant().redirectPeer() ? "peer" : "redirect")
        .contains("redirect", "host", "fallthrough", "icmp_error", "ttl", "workload_gone")
        .contains("malformed", "fragment", "tunnel_source", "icmp_unknown");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-RPF-1")
  void nothingComesOutFromANodeThatHasNoSuchPods(Family family) {
    Net net = Net.of(family);
    establish(net);
    List<Ip> targets = List.of(net.a(), net.b(), Overlay.host(family, 1));
    List<byte[]> seeds = seeds(net.remotePod(), targets, REMOTE_PORT, 1000);
    Mutator mutator = new Mutator(40 + family.number(), seeds);
    Ip stranger = family == Family.IPV4 ? Ip.parse("172.16.0.9") : Ip.parse("fd99::9");
    TestRun run = overlay.ingress(family, stranger, Overlay.VNI);
    fuzz(
        SluiceHook.HOOK_IN,
        run,
        overlay.device,
        0,
        mutator,
        (frame, verdict, after) -> {
          if (verdict != Outcome.SHOT && frame[12] != 8 | frame[13] != 6) {
            fail("came out: %s", HexFormat.of().formatHex(frame));
          }
        });
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-ENC-2")
  void whatIsRightStaysRightIntoTheTunnel(Family family) {
    Net net = Net.of(family);
    establish(net);
    List<Ip> targets = List.of(net.remotePod(), net.service(), Overlay.pod(family, 3));
    Mutator mutator = new Mutator(50 + family.number(), seeds(net.a(), targets, 1000, REMOTE_PORT));
    Set<String> reasons =
        fuzz(
            SluiceHook.HOOK_IN,
            harness.hookRun(SluiceHook.HOOK_IN),
            a,
            0,
            mutator,
            Fuzzer::assertStillRight);
    assertThat(reasons).contains("tunnel", "too_big", "ttl", "icmp_unknown");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void theDeviceTakesWhatHasARouteAlone(Family family) {
    Net net = Net.of(family);
    List<Ip> targets = List.of(net.remotePod(), net.client(), net.a());
    Mutator mutator =
        new Mutator(60 + family.number(), seeds(Overlay.host(family, 1), targets, 1000, 80));
    assertThat(
            fuzz(
                SluiceHook.HOOK_OUT,
                harness.hookRun(SluiceHook.HOOK_OUT),
                overlay.device,
                SluiceMark.MARK_SEEN,
                mutator,
                Fuzzer::assertStillRight))
        .contains("tunnel", "no_tunnel_route");
  }
}
