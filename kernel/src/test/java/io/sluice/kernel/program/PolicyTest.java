// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.bpf.Programs;
import io.sluice.kernel.bpf.RingBuffer;
import io.sluice.kernel.layout.Event;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.layout.SluiceProg;
import io.sluice.kernel.layout.SluiceReason;
import io.sluice.kernel.packet.Packet;
import io.sluice.kernel.policy.Action;
import io.sluice.kernel.policy.Match;
import io.sluice.kernel.policy.Place;
import io.sluice.kernel.policy.Plan;
import io.sluice.kernel.policy.Policy;
import io.sluice.kernel.policy.PolicyGenerator;
import io.sluice.kernel.policy.PolicyMap;
import io.sluice.kernel.policy.PolicyProgram;
import io.sluice.kernel.policy.Ports;
import io.sluice.kernel.policy.Rule;
import io.sluice.kernel.policy.Tier;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Generated policies in the chain: what they see of a packet, and what becomes of it. */
class PolicyTest extends ChainTest {
  private static final int SERVICE = 7;

  private static Rule to(Action action, Ip address, int port) {
    Place place =
        Place.of(
            List.of(new io.sluice.kernel.policy.Net(address, address.family().bits())),
            List.of(),
            List.of(new Ports(port, port)));
    Match match = Match.of(OptionalInt.of(Packet.TCP), Place.ANY, place);
    return new Rule(action, match, 0);
  }

  private static Plan plan(Rule... rules) {
    Tier tier = new Tier("default", List.of(new Policy("p", Arrays.asList(rules))), Action.DENY, 0);
    return Plan.of(new io.sluice.kernel.policy.Chain(List.of(tier), List.of(), Action.DENY, 0));
  }

  private void enforce(Pod pod, int hook, Plan plan) {
    PolicyProgram program = PolicyGenerator.generate(plan);
    assertThat(program.pieces()).hasSize(1);
    List<Fd> maps = new ArrayList<>();
    for (PolicyMap map : PolicyMap.values()) {
      maps.add(
          switch (map) {
            case PROGS -> harness.chain.progs(hook).fd();
            case POLICIES -> harness.chain.policies(hook).fd();
            default -> harness.chain.mapFd(map.mapName());
          });
    }
    byte[] code = program.linked(0, piece -> ChainHarness.TEST_SLOT);
    try (Fd loaded = Programs.load(Programs.SCHED_CLS, program.name(), code, maps)) {
      harness.chain.policies(hook).set(ChainHarness.TEST_SLOT, loaded);
    }
    boolean in = hook == SluiceHook.HOOK_IN;
    harness.configure(
        pod,
        ChainHarness.USUAL_FLAGS,
        in ? ChainHarness.TEST_SLOT : ChainHarness.ALLOW_SLOT,
        in ? ChainHarness.ALLOW_SLOT : ChainHarness.TEST_SLOT);
  }

  private String story(Pod from, Ip fromAddress, Ip to, int port) {
    return harness.send(from, Traffic.TCP.first(fromAddress, 1000, to, port)).story();
  }

  @ParameterizedTest
  @EnumSource
  @Tag("INV-SVC-1")
  void seesTheBackendAndNotTheService(Family family) {
    Net net = Net.of(family);
    harness.addService(
        SERVICE, net.service(), 80, Packet.TCP, new ChainHarness.Target(net.b(), 8080, 21));
    enforce(a, SluiceHook.HOOK_IN, plan(to(Action.ALLOW, net.service(), 80)));
    assertThat(story(a, net.a(), net.service(), 80)).isEqualTo("nowhere: policy");
    enforce(a, SluiceHook.HOOK_IN, plan(to(Action.ALLOW, net.b(), 8080)));
    assertThat(story(a, net.a(), net.service(), 80)).isEqualTo("b: redirect to_pod");
    assertThat(story(a, net.a(), net.b(), 8081)).isEqualTo("nowhere: policy");
  }

  @ParameterizedTest
  @EnumSource
  @Tag("INV-SVC-1")
  void seesTheBackendAtItsOwnInterface(Family family) {
    Net net = Net.of(family);
    harness.addService(
        SERVICE, net.service(), 80, Packet.TCP, new ChainHarness.Target(net.b(), 8080, 21));
    enforce(b, SluiceHook.HOOK_OUT, plan(to(Action.ALLOW, net.b(), 80)));
    assertThat(story(a, net.a(), net.service(), 80)).isEqualTo("nowhere: redirect policy");
    enforce(b, SluiceHook.HOOK_OUT, plan(to(Action.ALLOW, net.b(), 8080)));
    assertThat(story(c, net.c(), net.service(), 80)).isEqualTo("b: redirect to_pod");
  }

  @ParameterizedTest
  @CsvSource({"IPV4, ALLOW", "IPV4, DENY", "IPV6, ALLOW", "IPV6, DENY"})
  void logRulesLeaveANote(Family family, Action then) {
    Net net = Net.of(family);
    enforce(
        a,
        SluiceHook.HOOK_IN,
        plan(to(Action.LOG, net.b(), 80), to(then, net.b(), 80), to(Action.ALLOW, net.b(), 81)));
    List<Event> events = new ArrayList<>();
    try (RingBuffer ring =
        new RingBuffer(
            harness.chain.mapFd("events").duplicate(),
            bytes -> events.add(Event.codec().decode(bytes, 0)))) {
      ring.poll(Duration.ZERO);
      events.clear();
      story(a, net.a(), net.b(), 81);
      ring.poll(Duration.ZERO);
      assertThat(events).isEmpty();
      story(a, net.a(), net.b(), 80);
      ring.poll(Duration.ZERO);
    }
    boolean allowed = then == Action.ALLOW;
    assertThat(events)
        .singleElement()
        .satisfies(
            event -> {
              assertThat(event.dport()).isEqualTo(80);
              assertThat(event.prog())
                  .isEqualTo(allowed ? SluiceProg.PROG_ALLOWED : SluiceProg.PROG_DROP);
              assertThat(event.reason())
                  .isEqualTo(allowed ? SluiceReason.REASON_UNUSED : SluiceReason.REASON_POLICY);
            });
  }
}
