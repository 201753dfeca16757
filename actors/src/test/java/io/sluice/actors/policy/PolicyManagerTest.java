// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import static org.assertj.core.api.Assertions.assertThat;

import akka.Done;
import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.ManualTime;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import akka.pattern.StatusReply;
import io.sluice.actors.conntrack.ConntrackKeeper;
import io.sluice.actors.interfaces.HostPolicies;
import io.sluice.actors.interfaces.InterfaceHost.Slots;
import io.sluice.actors.interfaces.Workload;
import io.sluice.actors.interfaces.Workloads;
import io.sluice.actors.testing.AllowAll;
import io.sluice.actors.testing.FakeDataplane;
import io.sluice.actors.testing.Resources;
import io.sluice.config.model.Kind;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.source.Snapshot;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.IpSetKey;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.policy.Action;
import io.sluice.kernel.policy.Chain;
import io.sluice.kernel.policy.IpSet;
import io.sluice.kernel.policy.Match;
import io.sluice.kernel.policy.Net;
import io.sluice.kernel.policy.Place;
import io.sluice.kernel.policy.Plan;
import io.sluice.kernel.policy.Policy;
import io.sluice.kernel.policy.PolicyProgram;
import io.sluice.kernel.policy.Rule;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class PolicyManagerTest {
  private static final int IN = SluiceHook.HOOK_IN;
  private static final int OUT = SluiceHook.HOOK_OUT;
  private static final Slots ONE = new Slots(1, 1);
  private static final Slots TWO = new Slots(2, 2);
  private static final Workload POD1 = pod("one", "cali1", "10.0.0.1");
  private static final Workload POD2 = pod("two", "cali2", "10.0.0.2");
  private static final PolicyManager.Options OPTIONS =
      new PolicyManager.Options(
          Duration.ofMillis(500), Duration.ofSeconds(30), Duration.ofSeconds(20));

  private final ActorTestKit kit = ActorTestKit.create(ManualTime.config());
  private final ManualTime time = ManualTime.get(kit.system());
  private final TestProbe<ConntrackKeeper.Command> conntrack = kit.createTestProbe();
  private final TestProbe<PolicyManager.Status> statuses = kit.createTestProbe();
  private final TestProbe<HostPolicies> hosts = kit.createTestProbe();
  private FakeDataplane dataplane = new FakeDataplane(10);
  private volatile NodePolicy policy = NodePolicy.NONE;
  private volatile RuntimeException generatorFailure;
  private ActorRef<PolicyManager.Command> manager;

  private static Workload pod(String name, String nic, String address) {
    return new Workload(
        new ResourceKey(Kind.POD, "default", name), nic, List.of(Ip.parse(address)), false);
  }

  @BeforeEach
  void setUp() {
    record();
    manager = start();
  }

  @AfterEach
  void tearDown() {
    kit.shutdownTestKit();
  }

  private void record() {
    for (Family family : Family.values()) {
      dataplane.ipSets(family).batches = dataplane.calls::add;
    }
  }

  private ActorRef<PolicyManager.Command> start() {
    return kit.spawn(
        PolicyManager.create(
            new PolicyManager.Configure(AllowAll.SETTINGS.settings(), true),
            new PolicyManager.Parts(
                dataplane,
                settings -> (snapshot, workloads, hosts) -> policy,
                this::generate,
                conntrack.getRef()),
            OPTIONS));
  }

  private PolicyProgram generate(Plan plan) {
    if (generatorFailure != null) {
      throw generatorFailure;
    }
    return PolicyProgram.of("p_" + plan.hashCode(), new byte[8]);
  }

  // What is wanted.

  private static IpSet set(long id, String... nets) {
    Set<IpSet.Member> members = new HashSet<>();
    for (String net : nets) {
      members.add(new IpSet.NetMember(new Net(Ip.parse(net), 32)));
    }
    return new IpSet(id, "selector " + id, members);
  }

  /** Allows what comes from a set. */
  private static Plan from(long set, long rule) {
    Place place = Place.of(List.of(), List.of(set), List.of());
    Match match = Match.of(OptionalInt.empty(), place, Place.ANY);
    Policy only = new Policy("only", List.of(new Rule(Action.ALLOW, match, rule)));
    return Plan.of(new Chain(List.of(), List.of(only), Action.DENY, 0));
  }

  private static EndpointPolicy endpoint(Workload workload, Plan in, Plan out) {
    return new EndpointPolicy(
        workload.owner(), Optional.of(in), Optional.of(out), Optional.empty());
  }

  private static NodePolicy node(Map<String, EndpointPolicy> byNic, IpSet... sets) {
    SortedMap<Long, IpSet> byId = new TreeMap<>();
    for (IpSet set : sets) {
      byId.put(set.id(), set);
    }
    return new NodePolicy(new TreeMap<>(byNic), byId, new TreeMap<>(), List.of());
  }

  private void view(boolean inSync, NodePolicy wanted, Workload... workloads) {
    view(inSync, wanted, new TreeMap<>(), workloads);
  }

  private void view(
      boolean inSync, NodePolicy wanted, SortedMap<String, Set<Ip>> nics, Workload... workloads) {
    policy = wanted;
    SortedMap<String, Workload> byNic = new TreeMap<>();
    for (Workload workload : workloads) {
      byNic.put(workload.nic(), workload);
    }
    manager.tell(
        new PolicyManager.View(Resources.snapshot(inSync), new Workloads(byNic, List.of()), nics));
  }

  private TestProbe<StatusReply<Done>> load(Workload workload, Slots slots) {
    TestProbe<StatusReply<Done>> reply = kit.createTestProbe();
    manager.tell(
        new PolicyManager.Load(workload.nic(), Optional.of(workload), slots, reply.getRef()));
    return reply;
  }

  private void loaded(Workload workload, Slots slots) {
    assertThat(load(workload, slots).receiveMessage().isSuccess()).isTrue();
  }

  private PolicyManager.Status status() {
    manager.tell(new PolicyManager.GetStatus(statuses.getRef()));
    return statuses.receiveMessage();
  }

  private PolicyManager.Running running() {
    TestProbe<PolicyManager.Running> probe = kit.createTestProbe();
    manager.tell(new PolicyManager.GetRunning(probe.getRef()));
    return probe.receiveMessage();
  }

  /** Waits until a round has been made of the latest view. */
  private void settle() {
    long end = System.nanoTime() + Duration.ofSeconds(10).toNanos();
    PolicyManager.Running now = running();
    while (now.policy() != policy || now.applied().equals(Instant.EPOCH)) {
      assertThat(System.nanoTime()).as("time to settle").isLessThan(end);
      now = running();
    }
  }

  private List<String> changes() {
    List<String> calls = List.copyOf(dataplane.calls);
    dataplane.calls.clear();
    return calls;
  }

  private Plan planOf(String nic) {
    return policy.byNic().get(nic).in().orElseThrow();
  }

  // Tests.

  @Test
  @Tag("INV-POL-1")
  @Tag("INV-AG-3")
  void nothingIsLoadedBeforeTheSourceIsInSyncAndKnowsTheWorkload() {
    TestProbe<StatusReply<Done>> reply = load(POD1, ONE);
    NodePolicy wanted =
        node(Map.of("cali1", endpoint(POD1, from(7, 0), Plan.of(Chain.ALLOW_ALL))), set(7));
    view(false, wanted, POD1);
    reply.expectNoMessage(Duration.ofMillis(100));
    assertThat(status().applied()).isFalse();
    assertThat(changes()).isEmpty();
    // A view that does not know it yet is none either.
    view(true, NodePolicy.NONE);
    reply.expectNoMessage(Duration.ofMillis(100));
    view(true, wanted, POD1);
    assertThat(reply.receiveMessage().isSuccess()).isTrue();
    assertThat(changes()).containsExactly("policy 0/1", "policy 1/1");
    assertThat(status().applied()).isTrue();
  }

  @Test
  @Tag("INV-POL-1")
  void whoWaitsForLongIsToldWhatIsMissing() {
    TestProbe<StatusReply<Done>> reply = load(POD1, ONE);
    settleTime(Duration.ofSeconds(20));
    assertThat(reply.receiveMessage().getError().getMessage()).contains("not in sync");
    view(true, NodePolicy.NONE);
    TestProbe<StatusReply<Done>> again = load(POD1, ONE);
    again.expectNoMessage(Duration.ofMillis(100));
    settleTime(Duration.ofSeconds(20));
    assertThat(again.receiveMessage().getError().getMessage()).contains("no view of the source");
  }

  private void settleTime(Duration duration) {
    status(); // all messages before are done
    time.timePasses(duration);
  }

  @Test
  @Tag("INV-POL-2")
  void setsAreWrittenBeforeTheProgramsThatUseThemAndRemovedAfter() {
    view(
        true,
        node(
            Map.of("cali1", endpoint(POD1, from(7, 0), from(8, 0))),
            set(7, "10.1.0.1", "10.1.0.2"),
            set(8, "10.2.0.1")),
        POD1);
    loaded(POD1, ONE);
    assertThat(changes()).containsExactly("+ip_sets4 3", "policy 0/1", "policy 1/1");
    // 7 changes, 8 goes, 9 comes.
    view(
        true,
        node(
            Map.of("cali1", endpoint(POD1, from(7, 0), from(9, 0))),
            set(7, "10.1.0.2", "10.1.0.3"),
            set(9, "10.3.0.1", "10.3.0.2")),
        POD1);
    loaded(POD1, ONE);
    assertThat(changes()).startsWith("+ip_sets4 3", "-ip_sets4 1");
    settle();
    assertThat(dataplane.ipSets(Family.IPV4).entries.keySet())
        .extracting(key -> key.set1() + " " + key.addr())
        .containsExactlyInAnyOrder("7 10.1.0.2", "7 10.1.0.3", "9 10.3.0.1", "9 10.3.0.2");
  }

  @Test
  @Tag("INV-PROG-3")
  void aChangeOfOneEndpointIsOneSwapOfOneSlot() {
    Plan same = from(7, 0);
    EndpointPolicy other = endpoint(POD2, same, same);
    view(
        true,
        node(Map.of("cali1", endpoint(POD1, same, same), "cali2", other), set(7)),
        POD1,
        POD2);
    loaded(POD1, ONE);
    loaded(POD2, TWO);
    changes();
    view(
        true,
        node(
            Map.of("cali1", endpoint(POD1, same, Plan.of(Chain.DENY_ALL)), "cali2", other), set(7)),
        POD1,
        POD2);
    loaded(POD1, ONE);
    assertThat(changes()).containsExactly("policy 1/1");
  }

  @Test
  @Tag("INV-AG-1")
  void anAgentThatStartsAgainWritesOnlyWhatDiffers() {
    Map<String, EndpointPolicy> byNic = Map.of("cali1", endpoint(POD1, from(7, 5), from(8, 6)));
    view(true, node(byNic, set(7, "10.1.0.1"), set(8, "10.2.0.1")), POD1);
    loaded(POD1, ONE);
    kit.stop(manager);
    dataplane.ifaces().put(11, TestIface.of("cali1", 1, 1));
    changes();
    manager = start();
    Map<String, EndpointPolicy> same = Map.of("cali1", endpoint(POD1, from(7, 5), from(8, 6)));
    view(true, node(same, set(7, "10.1.0.1"), set(8, "10.2.0.1", "10.2.0.2")), POD1);
    settle();
    assertThat(changes()).as("nothing goes yet").containsExactly("+ip_sets4 1");
    loaded(POD1, ONE);
    assertThat(changes()).isEmpty();
  }

  @Test
  @Tag("INV-AG-3")
  void whatAnEarlierAgentsProgramsUseStaysUntilTheyAreKnown() {
    view(
        true,
        node(Map.of("cali1", endpoint(POD1, from(7, 5), from(7, 5))), set(7, "10.1.0.1")),
        POD1);
    loaded(POD1, ONE);
    kit.stop(manager);
    dataplane.ifaces().put(11, TestIface.of("cali1", 1, 1));
    changes();
    manager = start();
    NodePolicy now = node(Map.of("cali1", endpoint(POD1, from(8, 0), from(8, 0))), set(8));
    view(true, now, POD1);
    settle();
    assertThat(changes()).as("its program looks in set 7").isEmpty();
    loaded(POD1, ONE);
    assertThat(changes()).containsExactly("policy 0/1", "policy 1/1", "-ip_sets4 1");
  }

  @Test
  @Tag("INV-AG-3")
  void aProgramThatNoInterfaceCanReachGoes() {
    dataplane.setPolicy(IN, 5, PolicyProgram.of("p_old", new byte[8]));
    changes();
    view(true, NodePolicy.NONE);
    settle();
    assertThat(changes()).containsExactly("no policy 0/5");
  }

  @Test
  void aProgramThatIsRefusedLeavesTheLastOneAndIsTriedAgain() {
    view(true, node(Map.of("cali1", endpoint(POD1, from(7, 0), from(7, 0))), set(7)), POD1);
    loaded(POD1, ONE);
    final String before = dataplane.policies(IN).get(1);
    changes();
    dataplane.refuse = program -> new IllegalStateException("the verifier says no");
    NodePolicy next =
        node(Map.of("cali1", endpoint(POD1, Plan.of(Chain.DENY_ALL), from(7, 0))), set(7));
    view(true, next, POD1);
    assertThat(load(POD1, ONE).receiveMessage().getError().getMessage())
        .contains("the verifier says no");
    assertThat(dataplane.policies(IN).get(1)).isEqualTo(before);
    assertThat(status().failures()).containsEntry("cali1", "the verifier says no");
    assertThat(status().figures().failures()).isEqualTo(1);
    dataplane.refuse = program -> null;
    changes();
    settleTime(Duration.ofMillis(500));
    loaded(POD1, ONE);
    assertThat(changes()).containsExactly("policy 0/1");
    assertThat(status().failures()).isEmpty();
  }

  @Test
  @Tag("INV-POL-1")
  void aNewEndpointWhoseProgramCannotBeMadeIsNotReadyAndSaysWhy() {
    generatorFailure = new IllegalStateException("too large");
    view(true, node(Map.of("cali1", endpoint(POD1, from(7, 0), from(7, 0))), set(7)), POD1);
    assertThat(load(POD1, ONE).receiveMessage().getError().getMessage()).isEqualTo("too large");
    assertThat(dataplane.policies(IN)).isEmpty();
  }

  @Test
  void aSetThatDoesNotFitIsNotBegunAndSaysSo() {
    kit.stop(manager);
    dataplane = new FakeDataplane(10, 4);
    record();
    manager = start();
    view(
        true,
        node(
            Map.of("cali1", endpoint(POD1, from(7, 0), from(7, 0))),
            set(7, "10.1.0.1", "10.1.0.2")),
        POD1);
    loaded(POD1, ONE);
    changes();
    NodePolicy tooLarge =
        node(
            Map.of(
                "cali1", endpoint(POD1, from(8, 0), from(7, 0)),
                "cali2", endpoint(POD2, from(7, 0), from(7, 0))),
            set(7, "10.1.0.1", "10.1.0.3"),
            set(8, "10.2.0.1", "10.2.0.2", "10.2.0.3"));
    view(true, tooLarge, POD1, POD2);
    loaded(POD2, TWO);
    assertThat(changes())
        .as("others go on")
        .containsExactly("+ip_sets4 1", "-ip_sets4 1", "policy 0/2", "policy 1/2");
    assertThat(status().problems())
        .containsExactly(
            "the set selector 8 with 3 members does not fit into ip_sets4 of 4 entries:"
                + " raise bpfMapSizeIPSets");
    assertThat(status().failures()).containsOnlyKeys("cali1");
    view(
        true,
        node(
            Map.of(
                "cali1", endpoint(POD1, from(8, 0), from(8, 0)),
                "cali2", endpoint(POD2, from(8, 0), from(8, 0))),
            set(8, "10.2.0.1", "10.2.0.2")),
        POD1,
        POD2);
    loaded(POD1, ONE);
    loaded(POD2, TWO);
    assertThat(status().problems()).isEmpty();
    assertThat(status().failures()).isEmpty();
  }

  @Test
  void aMapThatCannotBeWrittenIsTriedAgainAndReadBefore() {
    dataplane.ipSets(Family.IPV4).batches =
        batch -> {
          throw new IllegalStateException("no memory");
        };
    view(
        true,
        node(Map.of("cali1", endpoint(POD1, from(7, 0), from(7, 0))), set(7, "10.1.0.1")),
        POD1);
    TestProbe<StatusReply<Done>> reply = load(POD1, ONE);
    reply.expectNoMessage(Duration.ofMillis(200));
    assertThat(status().problems()).containsExactly("policies cannot be applied: no memory");
    assertThat(status().applied()).isFalse();
    record();
    settleTime(Duration.ofMillis(500));
    assertThat(reply.receiveMessage().isSuccess()).isTrue();
    assertThat(changes()).containsExactly("+ip_sets4 1", "policy 0/1", "policy 1/1");
    assertThat(status().problems()).isEmpty();
  }

  @Test
  void slotsThatAreClearedStayEmpty() {
    view(true, node(Map.of("cali1", endpoint(POD1, from(7, 0), from(7, 0))), set(7)), POD1);
    loaded(POD1, ONE);
    changes();
    TestProbe<StatusReply<Done>> reply = kit.createTestProbe();
    manager.tell(new PolicyManager.Clear(ONE, reply.getRef()));
    assertThat(reply.receiveMessage().isSuccess()).isTrue();
    view(true, node(Map.of("cali1", endpoint(POD1, from(8, 0), from(8, 0))), set(8)), POD1);
    settle();
    assertThat(changes()).containsExactly("no policy 0/1", "no policy 1/1");
  }

  @Test
  void flowsOfEndpointsThatEnforceSomethingElseAreReviewed() {
    view(
        true,
        node(Map.of("cali1", endpoint(POD1, from(7, 0), from(7, 0))), set(7, "10.1.0.1")),
        POD1);
    loaded(POD1, ONE);
    conntrack.expectNoMessage(Duration.ofMillis(100));
    // Another member.
    view(true, node(Map.of("cali1", policy.byNic().get("cali1")), set(7, "10.1.0.2")), POD1);
    ConntrackKeeper.Review review = (ConntrackKeeper.Review) conntrack.receiveMessage();
    assertThat(review.byNic()).containsOnlyKeys("cali1");
    assertThat(review.byNic().get("cali1").in()).contains(planOf("cali1"));
    assertThat(review.sets().get(7L).members()).hasSize(1);
    // Another program.
    view(
        true,
        node(
            Map.of("cali1", endpoint(POD1, from(7, 0), Plan.of(Chain.DENY_ALL))),
            policy.sets().get(7L)),
        POD1);
    assertThat(((ConntrackKeeper.Review) conntrack.receiveMessage()).byNic())
        .containsOnlyKeys("cali1");
  }

  /** Once the sets are as the new owner's labels are, and not before, whatever fails meanwhile. */
  @Test
  @Tag("INV-POL-1")
  @Tag("INV-POL-2")
  @Tag("INV-AG-3")
  void addressesThatChangeHandsAreToldWhenPolicyKnowsIt() {
    ownerIs("a", true);
    settle();
    ownerIs("a", false);
    conntrack.expectNoMessage(Duration.ofMillis(100));
    dataplane.ipSets(Family.IPV4).batches =
        batch -> {
          throw new IllegalStateException("no memory");
        };
    policy = node(Map.of("cali1", endpoint(POD1, from(7, 0), from(7, 0))), set(7, "10.1.0.1"));
    ownerIs("b", true);
    TestProbe<StatusReply<Done>> reply = load(POD1, ONE);
    conntrack.expectNoMessage(Duration.ofMillis(200));
    record();
    dataplane.jiffies += 500;
    settleTime(Duration.ofMillis(500));
    assertThat(conntrack.receiveMessage())
        .isEqualTo(
            new ConntrackKeeper.OwnersChanged(
                Set.of(), Set.of(Ip.parse("10.1.0.1")), dataplane.jiffies));
    assertThat(reply.receiveMessage().isSuccess()).isTrue();
    assertThat(changes()).startsWith("+ip_sets4 1");
  }

  private void ownerIs(String pod, boolean inSync) {
    Snapshot snapshot = Resources.snapshot(inSync, Resources.pod(pod, "node2", "10.1.0.1"));
    SortedMap<String, Workload> byNic = new TreeMap<>(Map.of(POD1.nic(), POD1));
    manager.tell(
        new PolicyManager.View(snapshot, new Workloads(byNic, List.of()), new TreeMap<>()));
  }

  @Test
  void hostInterfacesWithPolicyAreTold() {
    manager.tell(new PolicyManager.Subscribe(hosts.getRef()));
    SortedMap<String, Set<Ip>> nics = new TreeMap<>(Map.of("eth0", Set.of(), "eth1", Set.of()));
    view(true, NodePolicy.NONE, nics);
    assertThat(hosts.receiveMessage())
        .isEqualTo(new HostPolicies(Set.of("eth0", "eth1"), Set.of(), Set.of()));
    EndpointPolicy inOnly =
        new EndpointPolicy(
            POD1.owner(), Optional.of(from(7, 0)), Optional.empty(), Optional.empty());
    view(true, node(Map.of("eth0", inOnly), set(7)), nics);
    assertThat(hosts.receiveMessage())
        .isEqualTo(new HostPolicies(Set.of("eth0", "eth1"), Set.of("eth0"), Set.of()));
    TestProbe<StatusReply<Done>> reply = kit.createTestProbe();
    manager.tell(new PolicyManager.Load("eth0", Optional.empty(), new Slots(3, 0), reply.getRef()));
    assertThat(reply.receiveMessage().isSuccess()).isTrue();
    assertThat(changes()).containsExactly("policy 0/3");
    // Its policy goes: the program stays until the element names it no more.
    view(true, NodePolicy.NONE, nics);
    assertThat(hosts.receiveMessage().in()).isEmpty();
    assertThat(dataplane.policies(IN)).containsOnlyKeys(3);
    assertThat(dataplane.policies(OUT)).isEmpty();
  }

  @Test
  @Tag("INV-POL-1")
  void aHostInterfaceWithoutPolicyGetsNoSlotThatHoldsNothing() {
    SortedMap<String, Set<Ip>> nics = new TreeMap<>(Map.of("eth0", Set.of()));
    EndpointPolicy inOnly =
        new EndpointPolicy(
            POD1.owner(), Optional.of(from(7, 0)), Optional.empty(), Optional.empty());
    view(true, node(Map.of("eth0", inOnly), set(7)), nics);
    TestProbe<StatusReply<Done>> reply = kit.createTestProbe();
    manager.tell(new PolicyManager.Load("eth0", Optional.empty(), new Slots(3, 3), reply.getRef()));
    assertThat(reply.receiveMessage().getError().getMessage()).contains("no policy any more");
    view(true, NodePolicy.NONE, nics);
    manager.tell(new PolicyManager.Load("eth0", Optional.empty(), new Slots(3, 0), reply.getRef()));
    assertThat(reply.receiveMessage().getError().getMessage()).contains("no policy any more");
  }

  @Test
  void whatIsEnforcedCanBeAskedFor() {
    NodePolicy wanted = node(Map.of("cali1", endpoint(POD1, from(7, 0), from(7, 0))), set(7));
    view(true, wanted, POD1);
    loaded(POD1, ONE);
    PolicyManager.Running now = running();
    assertThat(now.policy()).isSameAs(wanted);
    assertThat(now.slots()).isEqualTo(Map.of("cali1", ONE));
    assertThat(now.applied()).isAfter(Instant.EPOCH);
  }

  @Test
  void membersAreKeysOfBothFamilies() {
    IpSet set =
        new IpSet(
            0x1234_5678_9abc_def0L,
            "x",
            Set.of(
                new IpSet.NetMember(new Net(Ip.parse("10.0.0.0"), 8)),
                new IpSet.PortMember(Ip.parse("fd00::1"), 6, 80)));
    assertThat(SetKeys.all(set))
        .containsExactlyInAnyOrder(
            new IpSetKey(72, 0x1234_5678, 0x9abc_def0, Ip.parse("10.0.0.0"), 0, 0),
            new IpSetKey(216, 0x1234_5678, 0x9abc_def0, Ip.parse("fd00::1"), 80, 6));
    assertThat(SetKeys.all(set)).allMatch(key -> SetKeys.set(key) == set.id());
  }
}
