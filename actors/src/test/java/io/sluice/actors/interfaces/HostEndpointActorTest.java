// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.interfaces;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import io.sluice.actors.host.HostNet.Nic;
import io.sluice.actors.interfaces.InterfaceActor.State;
import io.sluice.actors.interfaces.InterfaceActor.StateChanged;
import io.sluice.actors.interfaces.InterfaceActor.Target;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A host endpoint: no moment with programs and without the element that they need. */
class HostEndpointActorTest {
  private static final Nic NIC = new Nic(2, "eth0", true);
  private static final HostEndpoint BEYOND = new HostEndpoint(IfaceFlags.IFACE_RPF_LOOSE, 1500);

  private final ActorTestKit kit = ActorTestKit.create();
  private final FakeInterfaceHost host = new FakeInterfaceHost();
  private final TestProbe<StateChanged> states = kit.createTestProbe();
  private ActorRef<InterfaceActor.Command> actor = start();

  private ActorRef<InterfaceActor.Command> start() {
    return kit.spawn(
        InterfaceActor.create(
            "eth0", host, states.getRef(), Duration.ofMillis(1), Duration.ofMillis(10)));
  }

  @AfterEach
  void tearDown() {
    kit.shutdownTestKit();
  }

  private void become(HostEndpoint endpoint, Nic nic, boolean mayRemove) {
    actor.tell(new Target(Optional.ofNullable(endpoint), Optional.ofNullable(nic), mayRemove));
  }

  private void await(State state) {
    StateChanged last = states.receiveMessage();
    while (last.state() != state) {
      last = states.receiveMessage();
    }
  }

  private void bringUp() {
    become(BEYOND, NIC, true);
    await(State.READY);
    host.changes.clear();
  }

  @Test
  @Tag("INV-PROG-6")
  void theElementIsThereBeforeTheProgramsAndGoesAfterThem() {
    become(BEYOND, NIC, true);
    await(State.READY);
    assertThat(host.changes).containsExactly("ready eth0@2", "attach eth0", "prepare-host eth0");
    assertThat(host.elements.get(2))
        .isEqualTo(
            new Iface(
                IfaceFlags.IFACE_CONFIGURED
                    | IfaceFlags.IFACE_HOST
                    | IfaceFlags.IFACE_READY4
                    | IfaceFlags.IFACE_READY6
                    | IfaceFlags.IFACE_RPF_LOOSE,
                0,
                0,
                0,
                0,
                Ip.ANY4,
                Ip.ANY6,
                "eth0",
                1500));
    host.changes.clear();
    become(null, NIC, true);
    await(State.GONE);
    assertThat(host.changes).containsExactly("detach eth0", "zero eth0@2", "restore eth0");
  }

  @Test
  @Tag("INV-PROG-6")
  @Tag("INV-POL-1")
  void policyThatComesIsInItsSlotBeforeTheElementNamesItAndNothingIsAttachedAgain() {
    bringUp();
    become(BEYOND.withPolicy(true, false, false), NIC, true);
    await(State.READY);
    assertThat(host.changes).containsExactly("policy 1", "ready eth0@2");
    assertThat(host.elements.get(2).policySlot0()).isEqualTo(1);
    assertThat(host.elements.get(2).policySlot1()).as("none").isZero();
    host.changes.clear();
    become(BEYOND.withPolicy(false, false, false), NIC, true);
    await(State.READY);
    assertThat(host.changes).containsExactly("ready eth0@2", "no-policy 1", "release eth0");
    assertThat(host.elements.get(2).policySlot0()).isZero();
  }

  @Test
  @Tag("INV-XDP-1")
  void xdpComesLastAndGoesOnceTheElementSpeaksOfItNoMore() {
    become(BEYOND.withPolicy(true, false, true), NIC, true);
    await(State.READY);
    assertThat(host.changes)
        .containsExactly(
            "policy 1", "ready eth0@2", "attach eth0", "prepare-host eth0", "xdp eth0");
    assertThat(host.elements.get(2).flags() & IfaceFlags.IFACE_UNTRACKED).isNotZero();
    host.changes.clear();
    become(BEYOND.withPolicy(true, false, false), NIC, true);
    await(State.READY);
    assertThat(host.changes).containsExactly("ready eth0@2", "no-xdp eth0");
    assertThat(host.elements.get(2).flags() & IfaceFlags.IFACE_UNTRACKED).isZero();
  }

  @Test
  @Tag("INV-XDP-2")
  void xdpIsNotAskedAboutWhatTheKernelIsToTrack() {
    HostEndpoint forced = new HostEndpoint(IfaceFlags.IFACE_FORCE_TRACK, 1500);
    become(forced.withPolicy(true, false, true), NIC, true);
    await(State.READY);
    assertThat(host.changes).doesNotContain("xdp eth0");
    assertThat(host.elements.get(2).flags() & IfaceFlags.IFACE_UNTRACKED).isZero();
  }

  @Test
  @Tag("INV-POL-1")
  void anElementIsNotWrittenBeforePolicyIsIn() {
    host.failures.put("policy", 1);
    become(BEYOND.withPolicy(true, true, false), NIC, true);
    await(State.READY);
    assertThat(host.changes)
        .containsExactly("policy 1", "ready eth0@2", "attach eth0", "prepare-host eth0");
    host.changes.clear();
    become(null, NIC, true);
    await(State.GONE);
    assertThat(host.changes)
        .containsExactly(
            "detach eth0", "zero eth0@2", "no-policy 1", "restore eth0", "release eth0");
  }

  @Test
  @Tag("INV-AG-1")
  @Tag("INV-AG-3")
  void anAgentThatStartsAgainTouchesNothing() {
    bringUp();
    kit.stop(actor);
    actor = start();
    become(null, NIC, false);
    await(State.READY);
    become(BEYOND, NIC, true);
    await(State.READY);
    assertThat(host.changes).isEmpty();
  }

  @Test
  void anotherMtuOrCheckIsOneWrite() {
    bringUp();
    become(new HostEndpoint(IfaceFlags.IFACE_RPF_STRICT, 9000), NIC, true);
    await(State.READY);
    assertThat(host.changes).containsExactly("ready eth0@2");
    assertThat(host.elements.get(2).mtu()).isEqualTo(9000);
  }

  @Test
  void aLinkThatIsDownHasItsProgramsWhenItComesUp() {
    become(BEYOND, new Nic(2, "eth0", false), true);
    await(State.READY);
    assertThat(host.changes).contains("attach eth0");
  }

  @Test
  @Tag("INV-PROG-6")
  void anIndexUnderAnEarlierNameIsOverwrittenNotCleared() {
    bringUp();
    kit.stop(actor);
    actor =
        kit.spawn(
            InterfaceActor.create(
                "eth7", host, states.getRef(), Duration.ofMillis(1), Duration.ofMillis(10)));
    become(BEYOND, new Nic(2, "eth7", true), true);
    await(State.READY);
    assertThat(host.changes).startsWith("ready eth7@2").doesNotContain("zero eth0@2");
  }

  @Test
  void anInterfaceThatVanishesIsForgotten() {
    bringUp();
    become(null, null, true);
    await(State.GONE);
    assertThat(host.changes).containsExactly("detach eth0", "zero eth0@2", "forget eth0");
    assertThat(host.elements).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"elements", "ready", "attach", "prepare-host"})
  void aStepThatFailsIsTriedAgain(String step) {
    host.failures.put(step, 2);
    become(BEYOND, NIC, true);
    await(State.READY);
    assertThat(host.changes).containsExactly("ready eth0@2", "attach eth0", "prepare-host eth0");
  }

  @ParameterizedTest
  @ValueSource(strings = {"detach", "zero", "restore"})
  @Tag("INV-AG-4")
  void aWayDownThatIsInterruptedIsFinished(String step) {
    bringUp();
    host.failures.put(step, 2);
    become(null, NIC, true);
    await(State.GONE);
    assertThat(host.changes).containsSubsequence("detach eth0", "zero eth0@2", "restore eth0");
  }
}
