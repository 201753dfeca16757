// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.sluice.kernel.bpf.SkbContext;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.layout.SluiceMark;
import io.sluice.kernel.packet.Packet;
import io.sluice.kernel.packet.PacketBuilder;
import io.sluice.kernel.program.ChainHarness.Target;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Random and mutated packets: more than a million in all, the same ones in every run. Whatever
 * comes, the verdict is one that is known, the packet is counted once, nothing gets past a policy
 * that denies, and what was right before a rewrite is right after it.
 */
class FuzzTest extends ChainTest {
  private static List<byte[]> seeds(Net net) {
    List<byte[]> seeds = new ArrayList<>();
    for (Traffic traffic : Traffic.values()) {
      for (Ip to : List.of(net.b(), net.service(), net.client(), net.c(), net.remotePod())) {
        int port = to.equals(net.service()) ? 80 + traffic.proto() : 80;
        seeds.add(traffic.first(net.a(), 1000, to, port));
        seeds.add(traffic.next(net.a(), 1000, to, port));
        seeds.add(traffic.packet(net.a(), 1000, to, port, Packet.FIN | Packet.ACK).build());
        seeds.add(traffic.packet(net.a(), 1000, to, port, Packet.RST).trailing(12).build());
        seeds.add(withMore(net.family(), traffic.packet(net.a(), 1000, to, port, Packet.ACK)));
      }
      byte[] about = traffic.next(net.service(), 80 + traffic.proto(), net.a(), 1000);
      for (int quoted : new int[] {28, 48, 56, 200}) {
        int type = net.family() == Family.IPV4 ? 3 : 1;
        seeds.add(
            PacketBuilder.from(net.a(), net.service()).icmpError(type, 0, about, quoted).build());
      }
    }
    seeds.add(PacketBuilder.from(net.a(), net.b()).echoRequest(7, 1).payloadLength(56).build());
    seeds.add(PacketBuilder.from(net.a(), net.b()).echoReply(7, 1).build());
    seeds.add(PacketBuilder.from(net.a(), net.b()).protocol(47).payloadLength(60).build());
    return seeds;
  }

  static byte[] withMore(Family family, PacketBuilder packet) {
    return family == Family.IPV4
        ? packet.ipv4Options(new byte[] {7, 15, 4, 0, 0, 0, 0}).build()
        : packet.extensionHeader(0, new byte[6]).extensionHeader(60, new byte[14]).build();
  }

  /** A service for each protocol, with one flow that is established. */
  private void prepare(Net net) {
    for (int proto : new int[] {Packet.TCP, Packet.UDP, Packet.SCTP}) {
      harness.addService(
          proto / 5, net.service(), 80 + proto, proto, new Target(net.b(), 8080, 100 + proto));
    }
    for (Traffic traffic : List.of(Traffic.TCP, Traffic.UDP, Traffic.SCTP)) {
      harness.send(a, traffic.first(net.a(), 1000, net.service(), 80 + traffic.proto()));
      harness.send(b, traffic.answer(net.b(), 8080, net.a(), 1000));
      harness.send(a, traffic.first(net.a(), 1000, net.b(), 80));
      harness.send(b, traffic.answer(net.b(), 80, net.a(), 1000));
    }
  }

  private static List<byte[]> sentBy(Ip sender, Family family, List<byte[]> seeds) {
    List<byte[]> changed = new ArrayList<>();
    int at = 14 + (family == Family.IPV4 ? 12 : 8);
    for (byte[] seed : seeds) {
      byte[] copy = seed.clone();
      System.arraycopy(sender.bytes(), 0, copy, at, family.bytes());
      changed.add(copy);
    }
    return changed;
  }

  private Set<String> fuzz(int hook, Pod pod, int mark, Mutator mutator, Fuzzer.Judge judge) {
    SkbContext context = SkbContext.EMPTY.onInterface(pod.ifindex()).withMark(mark);
    return new Fuzzer(harness).run(hook, harness.hookRun(hook), context, mutator, judge);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void whatIsRightStaysRight(Family family) {
    Net net = Net.of(family);
    prepare(net);
    Mutator mutator = new Mutator(family.number(), seeds(net));
    assertThat(fuzz(SluiceHook.HOOK_IN, a, 0, mutator, Fuzzer::assertStillRight))
        .contains(variant().redirectPeer() ? "peer" : "redirect")
        .contains("redirect", "stack", "fallthrough", "icmp_error", "refused_rst", "ttl")
        .contains("malformed", "fragment", "rpf", "icmp_unknown");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-POL-1")
  void nothingLeavesAPodThatPolicyKeepsIn(Family family) {
    Net net = Net.of(family);
    prepare(net);
    harness.deny(c, SluiceHook.HOOK_IN);
    List<byte[]> seeds = sentBy(net.c(), family, seeds(net));
    Mutator mutator = new Mutator(10 + family.number(), seeds);
    fuzz(
        SluiceHook.HOOK_IN,
        c,
        0,
        mutator,
        (frame, verdict, run) -> {
          if (verdict == Outcome.UNSPEC && !Fuzzer.isOnLink(frame)) {
            // Not tracked here: for tables to judge, by kernel conntrack.
            assertThat(run.contextAfter().mark())
                .isEqualTo(SluiceMark.MARK_SEEN | SluiceMark.MARK_FALLTHROUGH);
          } else if (verdict == Outcome.REDIRECT) {
            // Nothing but an answer to itself.
            byte[] out = run.output();
            Packet before = Packet.parse(frame);
            Packet answer = Packet.parse(out);
            if (!answer.destination().equals(before.source())
                || !answer.source().equals(before.destination())) {
              fail("%s: %s", answer, Fuzzer.show(frame, out));
            }
          }
        });
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-POL-1")
  void nothingReachesAPodThatPolicyShields(Family family) {
    Net net = Net.of(family);
    harness.deny(c, SluiceHook.HOOK_OUT);
    List<byte[]> seeds = new ArrayList<>();
    for (Traffic traffic : Traffic.values()) {
      for (Ip from : List.of(net.client(), net.a(), net.remotePod())) {
        seeds.add(traffic.first(from, 1000, net.c(), 80));
        seeds.add(traffic.next(from, 1000, net.c(), 80));
        seeds.add(withMore(family, traffic.packet(from, 1000, net.c(), 80, Packet.SYN)));
        byte[] about = traffic.next(net.c(), 80, from, 1000);
        seeds.add(PacketBuilder.from(from, net.c()).icmpError(3, 1, about, 100).build());
      }
    }
    seeds.add(PacketBuilder.from(net.client(), net.c()).echoRequest(7, 1).build());
    Mutator mutator = new Mutator(20 + family.number(), seeds);
    fuzz(
        SluiceHook.HOOK_OUT,
        c,
        SluiceMark.MARK_SEEN,
        mutator,
        (frame, verdict, run) -> {
          if (verdict != Outcome.SHOT && !Fuzzer.isOnLink(frame)) {
            fail("delivered: %s", HexFormat.of().formatHex(frame));
          }
        });
    assertThat(harness.entries(family)).isEmpty();
  }
}
