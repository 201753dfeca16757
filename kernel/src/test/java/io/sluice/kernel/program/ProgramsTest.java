// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.asm.Assembler;
import io.sluice.kernel.asm.Helper;
import io.sluice.kernel.asm.PolicyPrograms;
import io.sluice.kernel.asm.Reg;
import io.sluice.kernel.asm.Size;
import io.sluice.kernel.bpf.BpfObject;
import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.bpf.MapInfo;
import io.sluice.kernel.bpf.MapSpec;
import io.sluice.kernel.bpf.MapType;
import io.sluice.kernel.bpf.ProgramInfo;
import io.sluice.kernel.layout.Event;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Settings;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.layout.SluiceProg;
import io.sluice.kernel.layout.SluiceProgIndex;
import io.sluice.kernel.layout.SluiceReason;
import io.sluice.kernel.packet.Packet;
import io.sluice.kernel.packet.PacketBuilder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** How programs are loaded, where they sit, and how they enter each other. */
class ProgramsTest extends ChainTest {
  /**
   * A quarter of what the verifier looks at before it gives up: other kernels tell fewer states
   * from each other, and who starts waits for it.
   */
  private static final int VERIFIED = 250_000;

  @ParameterizedTest
  @CsvSource({
    "0,0,0,0", "0,0,0,1", "0,0,1,0", "0,0,1,1", "0,1,0,0", "0,1,0,1", "0,1,1,0", "0,1,1,1",
    "1,0,0,0", "1,0,0,1", "1,0,1,0", "1,0,1,1", "1,1,0,0", "1,1,0,1", "1,1,1,0", "1,1,1,1"
  })
  @Tag("INV-PROG-5")
  void everyVariantPassesTheVerifierWithRoomToSpare(
      int hook, int debug, int redirectPeer, int kernCtx) {
    Settings settings =
        new Settings(hook, debug, 250, redirectPeer, kernCtx, 20000, 29999, 0, 4789);
    for (String name : List.of("preamble4", "tc4", "tc6")) {
      try (BpfObject object = new BpfObject(name, Chain.object(name))) {
        Settings.codec().encode(settings, object.initialValue("settings"), 0);
        for (String map : object.mapNames()) {
          if (map.equals("ct4") || map.equals("ct6")) {
            object.maxEntries(map, 1000);
          }
        }
        object.load();
        for (String program : object.programNames()) {
          try (Fd fd = object.programFd(program)) {
            assertThat(ProgramInfo.of(fd).verifiedInstructions())
                .as(program)
                .isPositive()
                .isLessThan(VERIFIED);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"ct_clean4", "ct_clean6", "clock4"})
  @Tag("INV-PROG-5")
  void programsThatAreOnlyRunPassTheVerifier(String name) {
    try (BpfObject object = new BpfObject(name, Chain.object(name)).load()) {
      assertThat(object.programNames()).isNotEmpty();
    }
  }

  @Test
  @Tag("INV-PROG-1")
  void everySubProgramHasAFastAndADebugVariant() {
    for (int hook = 0; hook < Chain.HOOKS; hook++) {
      Set<Integer> expected = new TreeSet<>();
      for (int prog = 0; prog < SluiceProg.PROG_PER_FAMILY; prog++) {
        for (int base : List.of(SluiceProgIndex.PROG_FAMILY4, SluiceProgIndex.PROG_FAMILY6)) {
          expected.add(base + prog);
          expected.add(base + prog + SluiceProgIndex.PROG_DEBUG);
        }
      }
      assertThat(harness.chain.progs(hook).programIds().keySet()).isEqualTo(expected);
      assertThat(harness.chain.progs(hook).programIds().values()).doesNotHaveDuplicates();
    }
  }

  /** Debug variants, and only they, write events: so events tell which variant ran. */
  private List<Event> eventsOf(Runnable traffic) {
    List<Event> events = new ArrayList<>();
    try (io.sluice.kernel.bpf.RingBuffer ring =
        new io.sluice.kernel.bpf.RingBuffer(
            harness.chain.mapFd("events").duplicate(),
            bytes -> events.add(Event.codec().decode(bytes, 0)))) {
      ring.poll(Duration.ofMillis(1));
      events.clear();
      traffic.run();
      ring.poll(Duration.ofMillis(1));
    }
    return events;
  }

  private void everyEnd(Family family) {
    Net net = Net.of(family);
    harness.addService(9, net.service(), 9, Packet.TCP);
    harness.send(a, Traffic.TCP.first(net.a(), 1000, net.b(), 80));
    harness.send(a, Traffic.TCP.next(net.a(), 1000, net.b(), 80));
    harness.send(a, Traffic.UDP.next(net.c(), 1000, net.b(), 80));
    harness.send(a, Traffic.TCP.first(net.a(), 1, net.service(), 9));
    harness.send(
        a,
        PacketBuilder.from(net.a(), net.b()).icmp(1 + 2 * (2 - family.number() / 3), 0, 0).build());
    harness.deny(b, SluiceHook.HOOK_OUT);
    harness.send(a, Traffic.UDP.first(net.a(), 1000, net.b(), 80));
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-PROG-1")
  void everySubProgramIsReachableInBothVariants(Family family) {
    assertThat(eventsOf(() -> everyEnd(family))).as("the fast variants tell nothing").isEmpty();
    harness.reset();
    harness.debug();
    List<Event> events = eventsOf(() -> everyEnd(family));
    assertThat(events).allMatch(event -> event.family() == family.number());
    assertThat(events.stream().map(event -> SluiceProg.name(event.prog())))
        .contains("main", "new_flow", "allowed", "drop", "icmp_err", "refuse");
    assertThat(events.stream().map(event -> SluiceReason.name(event.reason())))
        .contains("redirect", "to_pod", "rpf", "refused_rst", "policy");
  }

  /** Stores both continuations in an array, then goes on with allow. */
  private static byte[] recordContinuations() {
    return new Assembler()
        .mov(Reg.R6, Reg.R1)
        .loadMapValueIndex(Reg.R7, 1, 0)
        .load(Size.W, Reg.R0, Reg.R6, 48)
        .store(Size.W, Reg.R7, 0, Reg.R0)
        .load(Size.W, Reg.R0, Reg.R6, 52)
        .store(Size.W, Reg.R7, 4, Reg.R0)
        .mov(Reg.R1, Reg.R6)
        .loadMapIndex(Reg.R2, PolicyPrograms.PROGS)
        .load(Size.W, Reg.R3, Reg.R6, 48)
        .call(Helper.TAIL_CALL)
        .mov(Reg.R0, Outcome.SHOT)
        .exit()
        .assemble();
  }

  @ParameterizedTest
  @CsvSource({"IPV4,false", "IPV4,true", "IPV6,false", "IPV6,true"})
  @Tag("INV-PROG-2")
  void policyIsEnteredWithBothContinuations(Family family, boolean debug) {
    Net net = Net.of(family);
    if (debug) {
      harness.debug();
    }
    int variant = debug ? SluiceProgIndex.PROG_DEBUG : 0;
    int base =
        variant
            + (family == Family.IPV4 ? SluiceProgIndex.PROG_FAMILY4 : SluiceProgIndex.PROG_FAMILY6);
    try (Fd map = new MapSpec(MapType.ARRAY, "seen", 4, 8, 1, 0).create();
        io.sluice.kernel.bpf.BpfMap<Integer, Long> seen =
            new io.sluice.kernel.bpf.BpfMap<>(
                "seen",
                map.duplicate(),
                io.sluice.kernel.layout.Codec.U32,
                io.sluice.kernel.layout.Codec.U64)) {
      for (int hook = 0; hook < Chain.HOOKS; hook++) {
        harness.chain.setPolicy(hook, ChainHarness.TEST_SLOT, recordContinuations(), map);
      }
      long both = base + SluiceProg.PROG_ALLOWED | (long) (base + SluiceProg.PROG_DROP) << 32;
      // A new flow at host-ingress; the same, known, at host-egress; a new flow at host-egress.
      harness.configure(
          a, ChainHarness.USUAL_FLAGS, ChainHarness.TEST_SLOT, ChainHarness.ALLOW_SLOT);
      harness.send(a, Traffic.TCP.first(net.a(), 1000, net.b(), 80));
      assertThat(seen.get(0)).contains(both);
      seen.put(0, 0L);
      harness.configure(
          b, ChainHarness.USUAL_FLAGS, ChainHarness.ALLOW_SLOT, ChainHarness.TEST_SLOT);
      harness.send(a, Traffic.TCP.first(net.a(), 1001, net.b(), 80));
      assertThat(seen.get(0)).contains(both);
      seen.put(0, 0L);
      harness.fromStack(b, Traffic.TCP.first(net.client(), 1001, net.b(), 80), 0);
      assertThat(seen.get(0)).contains(both);
    }
  }

  @Test
  @Tag("INV-PROG-4")
  void ingressAndEgressHaveArraysOfTheirOwn() {
    int in = SluiceHook.HOOK_IN;
    int out = SluiceHook.HOOK_OUT;
    assertThat(MapInfo.of(harness.chain.progs(in).fd()).id())
        .isNotEqualTo(MapInfo.of(harness.chain.progs(out).fd()).id());
    assertThat(MapInfo.of(harness.chain.policies(in).fd()).id())
        .isNotEqualTo(MapInfo.of(harness.chain.policies(out).fd()).id());
    assertThat(harness.chain.progs(in).programIds().values())
        .doesNotContainAnyElementsOf(harness.chain.progs(out).programIds().values());
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-PROG-3")
  void oneSlotChangesOneEndpointAlone(Family family) {
    Net net = Net.of(family);
    harness.configure(b, ChainHarness.USUAL_FLAGS, ChainHarness.ALLOW_SLOT, ChainHarness.TEST_SLOT);
    assertThat(harness.send(a, Traffic.UDP.first(net.a(), 1, net.b(), 80)).story())
        .as("nothing in the slot: fails closed")
        .isEqualTo("nowhere: redirect no_policy");
    harness.chain.allowAll(SluiceHook.HOOK_OUT, ChainHarness.TEST_SLOT);
    assertThat(harness.send(a, Traffic.UDP.first(net.a(), 2, net.b(), 80)).place()).isEqualTo("b");
    harness.chain.denyAll(SluiceHook.HOOK_OUT, ChainHarness.TEST_SLOT);
    assertThat(harness.send(a, Traffic.UDP.first(net.a(), 3, net.b(), 80)).story())
        .isEqualTo("nowhere: redirect policy");
    assertThat(harness.send(a, Traffic.UDP.first(net.a(), 3, net.c(), 80)).place()).isEqualTo("c");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aMissingSubProgramDrops(Family family) {
    Net net = Net.of(family);
    int index =
        SluiceProg.PROG_ALLOWED
            + (family == Family.IPV4 ? SluiceProgIndex.PROG_FAMILY4 : SluiceProgIndex.PROG_FAMILY6);
    int id = harness.chain.progs(SluiceHook.HOOK_IN).programIds().get(index);
    try (Fd program = io.sluice.kernel.bpf.Bpf.programById(id).orElseThrow()) {
      harness.chain.progs(SluiceHook.HOOK_IN).clear(index);
      try {
        SkbRun run = SkbRun.of(harness, SluiceHook.HOOK_IN, a);
        assertThat(run.verdict(Traffic.UDP.first(net.a(), 1, net.b(), 80))).isEqualTo(Outcome.SHOT);
      } finally {
        harness.chain.progs(SluiceHook.HOOK_IN).set(index, program);
        harness.reset();
      }
    }
  }
}
