// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.interfaces;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.LoggingTestKit;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import io.sluice.actors.host.HostNet.Nic;
import io.sluice.actors.interfaces.InterfaceActor.State;
import io.sluice.actors.interfaces.InterfaceActor.StateChanged;
import io.sluice.actors.interfaces.InterfaceActor.Target;
import io.sluice.actors.limits.Limits;
import io.sluice.config.model.Kind;
import io.sluice.config.model.QosControls;
import io.sluice.config.model.ResourceKey;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InterfaceActorTest {
  private static final Nic NIC = new Nic(7, "cali1", true);
  private static final List<String> BRING_UP =
      List.of(
          "policy 1",
          "element cali1@7",
          "attach cali1",
          "prepare cali1",
          "kernel-routes cali1",
          "routes cali1",
          "admit cali1",
          "ready cali1@7",
          "epoch");

  private final ActorTestKit kit = ActorTestKit.create();
  private final FakeInterfaceHost host = new FakeInterfaceHost();
  private final TestProbe<StateChanged> states = kit.createTestProbe();
  private ActorRef<InterfaceActor.Command> actor = start();

  private ActorRef<InterfaceActor.Command> start() {
    return kit.spawn(
        InterfaceActor.create(
            "cali1", host, states.getRef(), Duration.ofMillis(1), Duration.ofMillis(10)));
  }

  @AfterEach
  void tearDown() {
    kit.shutdownTestKit();
  }

  private static Workload workload(String... addresses) {
    return new Workload(
        new ResourceKey(Kind.POD, "default", "web"),
        "cali1",
        List.of(addresses).stream().map(Ip::parse).toList(),
        false);
  }

  private static final Workload WEB = workload("10.244.1.2", "fd00:244:1::2");

  private void become(Workload workload, Nic nic, boolean mayRemove) {
    actor.tell(new Target(Optional.ofNullable(workload), Optional.ofNullable(nic), mayRemove));
  }

  private StateChanged await(State state) {
    StateChanged last = states.receiveMessage();
    while (last.state() != state) {
      last = states.receiveMessage();
    }
    return last;
  }

  private void bringUp() {
    become(WEB, NIC, true);
    await(State.READY);
    host.changes.clear();
  }

  @Test
  @Tag("INV-GAP-1")
  @Tag("INV-POL-1")
  void readyIsTheLastOfAllAndTablesOpenOnlyWhenProgramsGuard() {
    become(WEB, NIC, true);
    await(State.READY);
    assertThat(host.changes).containsExactlyElementsOf(BRING_UP);
    Iface element = host.elements.get(7);
    assertThat(element.flags())
        .isEqualTo(
            IfaceFlags.IFACE_CONFIGURED
                | IfaceFlags.IFACE_WORKLOAD
                | IfaceFlags.IFACE_READY4
                | IfaceFlags.IFACE_READY6);
    assertThat(element.addr4()).isEqualTo(Ip.parse("10.244.1.2"));
    assertThat(element.addr6()).isEqualTo(Ip.parse("fd00:244:1::2"));
    assertThat(element.policySlot0()).isEqualTo(1);
    assertThat(element.name()).isEqualTo("cali1");
  }

  @Test
  @Tag("INV-QOS-1")
  @Tag("INV-RPF-1")
  void limitsAreThereBeforeTheElementSaysSoAndGoAfterwards() {
    bringUp();
    Limits limits =
        new Limits(
            Set.of(new Limits.Network(Ip.parse("10.9.0.0"), 16)),
            new QosControls(
                QosControls.Limits.NONE,
                new QosControls.Limits(0, 0, 10, 5, 0),
                OptionalInt.empty()));
    int flags = IfaceFlags.IFACE_SOURCES | IfaceFlags.IFACE_QOS;
    become(new Workload(WEB.owner(), "cali1", WEB.addresses(), false, limits), NIC, true);
    await(State.READY);
    assertThat(host.changes)
        .startsWith("limits cali1@7 " + flags, "ready cali1@7")
        .endsWith("epoch");
    assertThat(host.elements.get(7).flags() & flags).isEqualTo(flags);
    host.changes.clear();
    become(WEB, NIC, true);
    await(State.READY);
    assertThat(host.changes).containsSubsequence("ready cali1@7", "trim cali1@7", "epoch");
    assertThat(host.elements.get(7).flags() & flags).isZero();
  }

  @Test
  void aWorkloadOfOneFamilyIsReadyInThatOne() {
    become(workload("10.244.1.2"), NIC, true);
    await(State.READY);
    assertThat(host.elements.get(7).flags() & IfaceFlags.IFACE_READY6).isZero();
    assertThat(host.elements.get(7).addr6()).isEqualTo(Ip.ANY6);
  }

  @Test
  @Tag("INV-AG-1")
  @Tag("INV-PROG-6")
  void anAgentThatStartsAgainWritesNothingOfWhatIsReady() {
    bringUp();
    kit.stop(actor);
    actor = start();
    become(null, NIC, false);
    await(State.READY);
    become(WEB, NIC, true);
    await(State.READY);
    assertThat(host.changes).isEmpty();
  }

  @Test
  @Tag("INV-AG-3")
  void nothingIsRemovedBeforeTheSourceIsInSyncAndEverythingAfter() {
    bringUp();
    become(null, NIC, false);
    await(State.READY);
    assertThat(host.changes).isEmpty();
    become(null, NIC, true);
    await(State.GONE);
    assertThat(host.changes)
        .containsExactly(
            "no-routes cali1",
            "zero cali1@7",
            "epoch",
            "no-policy 1",
            "expel cali1",
            "no-kernel-routes cali1",
            "restore cali1",
            "detach cali1",
            "flows",
            "release cali1");
    assertThat(host.gone).contains(Ip.parse("10.244.1.2"), Ip.parse("fd00:244:1::2"));
  }

  @Test
  void anInterfaceThatVanishesIsForgottenAndComesBackWithAnotherIndex() {
    bringUp();
    become(WEB, null, true);
    assertThat(await(State.DISCOVERED).detail()).contains("does not exist");
    assertThat(host.changes)
        .containsSubsequence("no-routes cali1", "zero cali1@7", "epoch", "forget cali1")
        .doesNotContain("release cali1");
    host.changes.clear();
    become(WEB, new Nic(9, "cali1", true), true);
    await(State.READY);
    assertThat(host.changes)
        .containsSubsequence("element cali1@9", "attach cali1", "ready cali1@9");
  }

  @Test
  void anInterfaceThatIsReplacedIsTakenDownByItsOldIndexFirst() {
    bringUp();
    become(WEB, new Nic(9, "cali1", true), true);
    await(State.READY);
    assertThat(host.changes)
        .containsSubsequence("zero cali1@7", "element cali1@9", "ready cali1@9");
  }

  @Test
  void anIndexThatWasAnothersIsCleanedBeforeItIsUsed() {
    host.elements.put(
        7,
        new Iface(
            IfaceFlags.IFACE_CONFIGURED | IfaceFlags.IFACE_READY4,
            5,
            5,
            0,
            0,
            Ip.parse("10.244.1.99"),
            Ip.ANY6,
            "cali-old",
            0));
    become(WEB, NIC, true);
    await(State.READY);
    assertThat(host.changes).startsWith("zero cali-old@7", "policy 1", "element cali1@7");
    assertThat(host.changes).endsWith("ready cali1@7", "epoch");
  }

  @Test
  void aLinkThatIsDownIsWaitedFor() {
    become(WEB, new Nic(7, "cali1", false), true);
    assertThat(await(State.DISCOVERED).detail()).contains("is down");
    assertThat(host.changes).isEmpty();
    become(WEB, NIC, true);
    await(State.READY);
  }

  @Test
  void newAddressesReachAReadyInterfaceWithoutAGap() {
    bringUp();
    become(workload("10.244.1.7", "fd00:244:1::7"), NIC, true);
    await(State.READY);
    assertThat(host.changes)
        .containsExactly(
            "ready cali1@7", "kernel-routes cali1", "routes cali1", "ready cali1@7", "epoch");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "elements",
        "slots",
        "policy",
        "element",
        "attach",
        "prepare",
        "kernel-routes",
        "routes",
        "admit",
        "ready",
        "epoch"
      })
  void aStepThatFailsIsTriedAgainFromWhatIsThere(String step) {
    host.failures.put(step, 2);
    LoggingTestKit.warn("no " + step + " today")
        .withOccurrences(1)
        .expect(
            kit.system(),
            () -> {
              become(WEB, NIC, true);
              await(State.READY);
              return null;
            });
    assertThat(host.changes).contains("policy 1", "attach cali1", "ready cali1@7", "epoch");
    assertThat(host.elements.get(7).flags() & IfaceFlags.IFACE_READY4).isNotZero();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "no-routes",
        "zero",
        "epoch",
        "no-policy",
        "expel",
        "no-kernel-routes",
        "restore",
        "detach",
        "flows",
        "release"
      })
  @Tag("INV-AG-4")
  void aWayDownThatIsInterruptedIsFinished(String step) {
    bringUp();
    host.failures.put(step, 2);
    become(null, NIC, true);
    await(State.GONE);
    assertThat(host.changes)
        .contains(
            "no-routes cali1",
            "zero cali1@7",
            "epoch",
            "no-policy 1",
            "expel cali1",
            "no-kernel-routes cali1",
            "restore cali1",
            "detach cali1",
            "flows",
            "release cali1");
  }

  @Test
  void aFailureThatANewTargetExplainsIsNoFailure() {
    host.failures.put("attach", 1_000_000);
    become(WEB, NIC, true);
    assertThat(await(State.DISCOVERED).detail()).contains("no attach today");
    become(null, null, true);
    await(State.GONE);
    assertThat(host.elements).isEmpty();
    assertThat(host.slots).isEmpty();
  }

  @Test
  void programsOfOthersAreToldOnce() {
    host.foreign = List.of("cil_from_container");
    LoggingTestKit.warn("cil_from_container")
        .withOccurrences(1)
        .expect(
            kit.system(),
            () -> {
              become(WEB, NIC, true);
              await(State.READY);
              become(workload("10.244.1.7"), NIC, true);
              await(State.READY);
              return null;
            });
  }
}
