// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.sluice.kernel.bpf.SkbContext;
import io.sluice.kernel.bpf.TestRun;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.FrontendFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.ServiceFlags;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.packet.Packet;
import io.sluice.kernel.packet.PacketBuilder;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Random and mutated packets at the hooks of a host interface, and of the forwarding network. */
class OutsideFuzzTest extends OutsideTest {
  private static final int LOCAL = 6;
  private static final int REMOTE = 7;
  private static final int MAGLEV = 8;
  private static final int LOCAL_PORT = 80;
  private static final int REMOTE_PORT = 81;
  private static final int MAGLEV_PORT = 82;
  private static final int[] PORTS = {LOCAL_PORT, REMOTE_PORT, MAGLEV_PORT, 9};

  /** Services of each kind, with flows that are established. */
  private void prepare(Net net) {
    Family family = net.family();
    service(LOCAL, family, 0, 60, at(net.b()), at(self(family)));
    service(REMOTE, family, 0, 0, at(net.remotePod()));
    service(
        MAGLEV,
        family,
        ServiceFlags.SERVICE_MAGLEV,
        0,
        at(net.c()),
        at(net.remotePod()),
        at(Overlay.pod(family, 3)));
    int[] slots = new int[64];
    int[] former = new int[64];
    for (int slot = 0; slot < slots.length; slot++) {
      slots[slot] = 100 * MAGLEV + slot % 3;
      former[slot] = slot % 2 == 0 ? -1 : 100 * MAGLEV + (slot + 1) % 3;
    }
    maps.setTable(MAGLEV, slots, former);
    int flags = FrontendFlags.FRONTEND_LOAD_BALANCER;
    for (Traffic traffic : List.of(Traffic.TCP, Traffic.UDP, Traffic.SCTP)) {
      frontend(LOCAL, net.service(), LOCAL_PORT, traffic.proto(), flags);
      frontend(REMOTE, net.service(), REMOTE_PORT, traffic.proto(), flags);
      frontend(MAGLEV, net.service(), MAGLEV_PORT, traffic.proto(), flags);
      frontend(
          LOCAL, Ip.any(family), LOCAL_PORT, traffic.proto(), FrontendFlags.FRONTEND_NODE_PORT);
      for (int port : PORTS) {
        enter(traffic.first(net.client(), 1000, net.service(), port));
      }
    }
  }

  private static List<byte[]> seeds(Ip from, List<Ip> to) {
    List<byte[]> seeds = new ArrayList<>();
    int type = from.family() == Family.IPV4 ? 3 : 1;
    for (Traffic traffic : Traffic.values()) {
      for (Ip target : to) {
        for (int port : PORTS) {
          seeds.add(traffic.first(from, 1000, target, port));
          seeds.add(traffic.next(from, 1001, target, port));
          seeds.add(traffic.packet(from, 1000, target, port, Packet.ACK).ttl(1).build());
          seeds.add(
              traffic.packet(from, 1000, target, port, Packet.ACK).payloadLength(1600).build());
          seeds.add(
              FuzzTest.withMore(from.family(), traffic.packet(from, 1002, target, port, 0x10)));
          byte[] about = traffic.next(target, port, from, 1000);
          seeds.add(PacketBuilder.from(from, target).icmpError(type, 0, about, 100).build());
        }
      }
    }
    seeds.add(PacketBuilder.from(from, to.get(0)).echoRequest(7, 1).payloadLength(56).build());
    return seeds;
  }

  private List<byte[]> fromClients(Net net) {
    List<Ip> targets = List.of(net.service(), self(net.family()), net.b(), net.remotePod());
    return seeds(net.client(), targets);
  }

  private Set<String> fuzz(int hook, TestRun run, Pod at, Mutator mutator, Fuzzer.Judge judge) {
    SkbContext context = SkbContext.EMPTY.onInterface(at.ifindex());
    return new Fuzzer(harness).run(hook, run, context, mutator, judge);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void whatIsRightStaysRightFromOutside(Family family) {
    Net net = Net.of(family);
    prepare(net);
    Mutator mutator = new Mutator(70 + family.number(), fromClients(net));
    TestRun run = harness.hookRun(SluiceHook.HOOK_IN);
    assertThat(fuzz(SluiceHook.HOOK_IN, run, up, mutator, Fuzzer::assertStillRight))
        .contains("redirect", "stack", "forward", "not_tracked", "refused_rst", "icmp_error")
        .contains("ttl_answer");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void whatIsRightStaysRightFromTheHost(Family family) {
    Net net = Net.of(family);
    prepare(net);
    List<Ip> targets = List.of(net.service(), node(family, 2), net.client());
    List<byte[]> seeds = seeds(self(family), targets);
    for (Traffic traffic : Traffic.values()) {
      for (int port : PORTS) {
        seeds.add(traffic.next(net.service(), port, net.client(), 1000));
        seeds.add(traffic.next(self(family), 8080, net.client(), 1000));
      }
    }
    Mutator mutator = new Mutator(80 + family.number(), seeds);
    TestRun run = harness.hookRun(SluiceHook.HOOK_OUT);
    assertThat(fuzz(SluiceHook.HOOK_OUT, run, up, mutator, Fuzzer::assertStillRight))
        .contains("redirect", "stack", "forward", "not_tracked");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void whatIsRightStaysRightFromANodeThatForwards(Family family) {
    Net net = Net.of(family);
    prepare(net);
    Mutator mutator = new Mutator(90 + family.number(), fromClients(net));
    TestRun run = overlay.ingress(family, node(family, 2), FORWARD);
    assertThat(fuzz(SluiceHook.HOOK_IN, run, overlay.device, mutator, Fuzzer::assertStillRight))
        .contains("redirect", "stack", "bounce", "no_local_backend", "tunnel_source", "midflow");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void whatIsRightStaysRightWhenItIsSentBack(Family family) {
    Net net = Net.of(family);
    prepare(net);
    Mutator mutator = new Mutator(100 + family.number(), fromClients(net));
    TestRun run = overlay.ingress(family, node(family, 2), BOUNCE);
    assertThat(fuzz(SluiceHook.HOOK_IN, run, overlay.device, mutator, Fuzzer::assertStillRight))
        .contains("midflow", "tunnel_source");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-DSR-2")
  void nothingIsForwardedByWhoIsNoNode(Family family) {
    Net net = Net.of(family);
    prepare(net);
    Mutator mutator = new Mutator(110 + family.number(), fromClients(net));
    Ip stranger = Ip.parse(family == Family.IPV4 ? "172.16.0.9" : "fd99::9");
    TestRun run = overlay.ingress(family, stranger, FORWARD);
    fuzz(
        SluiceHook.HOOK_IN,
        run,
        overlay.device,
        mutator,
        (frame, verdict, after) -> {
          boolean arp = frame[12] == 8 && frame[13] == 6;
          if (verdict != Outcome.SHOT && !arp) {
            fail("came out: %s", HexFormat.of().formatHex(frame));
          }
        });
  }
}
