// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.lab.Topology;
import io.sluice.lab.Traffic;
import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.IpVersion;
import io.sluice.multinode.harness.LabTest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Policy while everything changes: pods come and go and leave their addresses to others, labels,
 * policies and sets change ten times a second, and observers never see anything that policy denies,
 * nor miss what it allows.
 */
@LabTest(
    topology =
        """
        nodes: [{name: node1}, {name: node2}]
        pods:
        - {name: client, node: node1, labels: {observer: "1"}}
        - {name: far, node: node2, labels: {observer: "1"}}
        - {name: open, node: node1, labels: {role: open}}
        - {name: closed, node: node1, labels: {role: closed}}
        - {name: seat-1, node: node1}
        - {name: seat-2, node: node1}
        - {name: seat-3, node: node1}
        - {name: seat-4, node: node1}
        - {name: seat-5, node: node1}
        - {name: seat-6, node: node1}
        - {name: seat-7, node: node1}
        - {name: seat-8, node: node1}
        - {name: seat-9, node: node1}
        - {name: seat-10, node: node1}
        - {name: seat-11, node: node1}
        - {name: seat-12, node: node1}
        """,
    capture = false)
class PolicyChurnTest {
  private static final int PORT = 8080;
  private static final String OPEN = "open";
  private static final String CLOSED = "closed";

  /** Namespaces, and addresses, that one pod after the other has. */
  private static final int SEATS = 12;

  /** Seats of pods that somebody asks all their lives; the others' only come and go. */
  private static final int WATCHED = 6;

  /** Pods that come and go. */
  private static final int PODS = 500;

  /** Of pods that are on no node of this lab, in so many files. */
  private static final int CROWDS = 20;

  private static final int CROWD = 20;
  private static final Duration CHURN = Duration.ofSeconds(45);
  private static final Duration LONGEST = Duration.ofMinutes(5);
  private static final Duration OFTEN = Duration.ofMillis(100);
  private static final List<String> OBSERVERS = List.of("client", "far");

  /** What decides, and never changes. */
  private static final String DECIDES =
      """
      apiVersion: projectcalico.org/v3
      kind: GlobalNetworkPolicy
      metadata: {name: open}
      spec:
        order: 50
        selector: role == 'open'
        ingress: [{action: Allow, source: {selector: has(observer)}}]
      ---
      apiVersion: projectcalico.org/v3
      kind: GlobalNetworkPolicy
      metadata: {name: closed}
      spec:
        order: 50
        selector: role == 'closed'
        types: [Ingress]
        ingress: [{action: Deny}]
      """;

  private final Cluster cluster;
  private final AtomicInteger pods = new AtomicInteger();
  private final List<Traffic> watching = new ArrayList<>();

  PolicyChurnTest(Cluster cluster) {
    this.cluster = cluster;
  }

  @BeforeEach
  void freeSeats() {
    Topology topology = cluster.topology();
    cluster.apply("decides", DECIDES);
    // Seats are left to pods of other names: nobody has them at first.
    cluster
        .lab()
        .describe(
            topology.withPods(
                topology.pods().stream().filter(p -> !p.name().startsWith("seat")).toList()));
    for (int i = 1; i <= SEATS; i++) {
      cluster.lab().unplug(seat(i));
    }
    for (String observer : OBSERVERS) {
      String host = Cluster.host(observer);
      await()
          .atMost(Cluster.PATIENCE)
          .untilAsserted(
              () -> {
                String open = cluster.address(OPEN, IpVersion.V4);
                String closed = cluster.address(CLOSED, IpVersion.V4);
                assertThat(cluster.ask(host, "udp", open, PORT, 1).answers()).isEqualTo(1);
                assertThat(
                        cluster
                            .start(
                                host,
                                Traffic.Spec.newFlows("udp", closed, PORT, 100)
                                    .count(1)
                                    .timeout(100))
                            .await()
                            .answers())
                    .isZero();
              });
    }
  }

  @AfterEach
  void plugSeats() {
    cluster.delete("decides");
    for (int i = 1; i <= SEATS; i++) {
      cluster.delete("seat-" + i);
      if (cluster.lab().run(host(i), "ip", "link", "show", "eth0").code() != 0) {
        cluster.lab().plug(seat(i));
      }
    }
    cluster.lab().describe(cluster.topology());
  }

  private Topology.Pod seat(int i) {
    return cluster.pod("seat-" + i);
  }

  private static String host(int seat) {
    return Cluster.host("seat-" + seat);
  }

  private String address(int seat, IpVersion version) {
    return cluster.address("seat-" + seat, version);
  }

  // Pods of one seat, one after the other.

  /** A new pod takes a seat, with its address; returns its interface on the node. */
  private String come(int seat, String role) {
    String name = "pod-" + pods.incrementAndGet();
    String device = Seat.device(seat(seat), name);
    cluster.apply("seat-" + seat, Seat.manifest(cluster, seat(seat), name, role));
    cluster.lab().plug(seat(seat), device);
    return device;
  }

  private void go(int seat) {
    cluster.lab().unplug(seat(seat));
    cluster.delete("seat-" + seat);
  }

  private void awaitReady(String device) {
    Seat.awaitReady(cluster, "node1", device);
  }

  // Churn.

  @Test
  @Tag("INV-POL-1")
  @Tag("INV-POL-2")
  void observersSeeWhatPolicySaysAndNothingElse() throws Exception {
    watch(OPEN);
    watch(CLOSED);
    AtomicInteger step = new AtomicInteger();
    ScheduledExecutorService changes = Executors.newSingleThreadScheduledExecutor();
    Future<?> noise =
        changes.scheduleAtFixedRate(
            () -> change(step.getAndIncrement()), 0, OFTEN.toMillis(), TimeUnit.MILLISECONDS);
    ExecutorService seats = Executors.newCachedThreadPool();
    long end = System.nanoTime() + CHURN.toNanos();
    try {
      List<Future<?>> lives = new ArrayList<>();
      for (int i = 1; i <= WATCHED / 2; i++) {
        int mine = i;
        lives.add(seats.submit(() -> live(mine, end)));
      }
      for (int i = WATCHED + 1; i <= SEATS; i++) {
        int mine = i;
        lives.add(seats.submit(() -> passBy(mine)));
      }
      for (Future<?> life : lives) {
        life.get();
      }
      assertThat(noise.isDone()).as("changes went on").isFalse();
    } catch (ExecutionException e) {
      throw new AssertionError("after " + pods + " pods and " + step + " changes", e.getCause());
    } finally {
      seats.shutdownNow();
      changes.shutdownNow();
      assertThat(changes.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
    }
    assertThat(pods.get()).as("pods that came and went").isGreaterThanOrEqualTo(PODS);
    assertThat(step.get()).as("changes").isGreaterThan(200);
    // Each waits for what is still on its way, which for what is denied is the whole time-out.
    for (Traffic.Report report : watching.parallelStream().map(Traffic::stop).toList()) {
      boolean open =
          report.target().equals(cluster.address(OPEN, IpVersion.V4))
              || report.target().equals(cluster.address(OPEN, IpVersion.V6));
      assertThat(report.attempts()).isGreaterThan(100);
      if (open) {
        assertThat(report.failures()).as("of %s", report).isEmpty();
      } else {
        assertThat(report.answers()).as("of %s", report).isZero();
      }
    }
    for (int i = 0; i < CROWDS; i++) {
      cluster.delete("crowd-" + i);
    }
    cluster.delete("noise");
  }

  /** Both observers ask a pod all the time, by both protocols and families. */
  private void watch(String pod) {
    for (String observer : OBSERVERS) {
      for (IpVersion version : IpVersion.values()) {
        for (String protocol : List.of("tcp", "udp")) {
          Traffic.Spec flows =
              Traffic.Spec.newFlows(protocol, cluster.address(pod, version), PORT, 10);
          int timeout = pod.equals(OPEN) ? 5000 : 1000;
          watching.add(cluster.start(Cluster.host(observer), flows.timeout(timeout)));
        }
      }
    }
  }

  /** One pod after the other in two seats in turn, so that addresses are reused soon. */
  private void live(int first, long end) {
    for (int turn = 0; System.nanoTime() < end; turn++) {
      int seat = turn % 2 == 0 ? first : first + WATCHED / 2;
      if ((turn / 2 + first) % 2 == 0) {
        liveClosed(seat);
      } else {
        liveOpen(seat);
      }
      go(seat);
    }
  }

  /** Pods in one seat, as fast as it goes, until enough have been there. */
  private void passBy(int seat) {
    long end = System.nanoTime() + LONGEST.toNanos();
    for (int turn = seat; pods.get() < PODS && System.nanoTime() < end; turn++) {
      awaitReady(come(seat, turn % 2 == 0 ? OPEN : CLOSED));
      go(seat);
    }
  }

  /** Asked from before it comes until it goes, and never answers. */
  private void liveClosed(int seat) {
    List<Traffic> asking = new ArrayList<>();
    for (IpVersion version : IpVersion.values()) {
      String address = address(seat, version);
      asking.add(
          cluster.start(
              Cluster.host("client"),
              Traffic.Spec.newFlows("udp", address, PORT, 100).timeout(300)));
      asking.add(
          cluster.start(
              Cluster.host("far"), Traffic.Spec.newFlows("tcp", address, PORT, 50).timeout(300)));
    }
    awaitReady(come(seat, CLOSED));
    for (Traffic traffic : asking) {
      long soFar = traffic.progress().attempts();
      await().atMost(Cluster.PATIENCE).until(() -> traffic.progress().attempts() > soFar + 30);
      Traffic.Report report = traffic.stop();
      assertThat(report.answers()).as("of a closed pod: %s", report).isZero();
    }
  }

  /** Once it is ready, it answers everybody whom policy allows. */
  private void liveOpen(int seat) {
    awaitReady(come(seat, OPEN));
    for (IpVersion version : IpVersion.values()) {
      String address = address(seat, version);
      for (String protocol : List.of("tcp", "udp")) {
        Traffic.Report report =
            cluster
                .start(
                    Cluster.host("client"),
                    Traffic.Spec.newFlows(protocol, address, PORT, 200).count(20).timeout(5000))
                .await();
        assertThat(report.failures()).as("of an open pod: %s", report).isEmpty();
      }
    }
  }

  /** The crowd's labels, or the policies about it, or its sets. None of it is about observers. */
  private void change(int step) {
    if (step % 3 == 0) {
      cluster.apply("noise", noise(step));
    } else {
      int crowd = step % CROWDS;
      cluster.apply("crowd-" + crowd, crowd(crowd, step));
    }
  }

  private static String noise(int step) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 10; i++) {
      text.append(
          """
          ---
          apiVersion: projectcalico.org/v3
          kind: GlobalNetworkPolicy
          metadata: {name: noise-%1$d}
          spec:
            order: %2$d
            selector: has(role)
            types: [Ingress, Egress]
            ingress:
            - {action: %3$s, source: {selector: "group == '%4$d'"}}
            - {action: Deny, protocol: TCP, source: {selector: "zone == 'noise'"}, destination: {ports: [%5$d]}}
            egress:
            - {action: Deny, destination: {selector: "group == '%6$d'"}}
            - {action: Allow}
          """
              .formatted(
                  i,
                  i < 5 ? 10 + (step + i) % 7 : 60 + i,
                  i % 2 == 0 ? "Deny" : "Allow",
                  (step + i) % 5,
                  1 + step % 60000,
                  step % 4));
    }
    return text.append(
            """
            ---
            apiVersion: projectcalico.org/v3
            kind: GlobalNetworkSet
            metadata: {name: noise, labels: {zone: noise}}
            spec: {nets: [100.64.%1$d.0/24, "fd00:64:%1$d::/64"]}
            """
                .formatted(step % 250))
        .toString();
  }

  /** Pods of a node that is not there. */
  private static String crowd(int crowd, int step) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < CROWD; i++) {
      text.append(
          """
          ---
          apiVersion: v1
          kind: Pod
          metadata: {name: crowd-%1$d-%2$d, namespace: default, labels: {group: "%3$d"}}
          spec: {nodeName: elsewhere}
          status: {phase: Running, podIP: 10.245.%1$d.%2$d, podIPs: [{ip: 10.245.%1$d.%2$d}]}
          """
              .formatted(crowd, i + 1, (step + i) % 6));
    }
    return text.toString();
  }

  // An address that becomes another's.

  @Test
  @Tag("INV-POL-1")
  @Tag("INV-CT-4")
  void anAddressThatIsReusedInheritsNothing() {
    for (IpVersion version : IpVersion.values()) {
      String address = address(1, version);
      String device = come(1, OPEN);
      awaitReady(device);
      // These flows stay: what was approved for the pod before is no approval for the next.
      Traffic datagrams =
          cluster.start(
              Cluster.host("client"),
              Traffic.Spec.lasting("udp", address, PORT, 5, 50).sourcePort(41000));
      Traffic connections =
          cluster.start(
              Cluster.host("far"),
              Traffic.Spec.lasting("tcp", address, PORT, 5, 50).sourcePort(42000));
      for (Traffic traffic : List.of(datagrams, connections)) {
        await().atMost(Cluster.PATIENCE).until(() -> traffic.progress().answers() > 50);
      }
      cluster.lab().unplug(seat(1));
      long answered = datagrams.progress().answers();
      await()
          .atMost(Cluster.PATIENCE)
          .until(() -> datagrams.progress().attempts() > answered + 100);
      long before = datagrams.progress().answers();
      awaitReady(come(1, CLOSED));
      long sent = datagrams.progress().attempts();
      await().atMost(Cluster.PATIENCE).until(() -> datagrams.progress().attempts() > sent + 100);
      assertThat(datagrams.stop().answers()).isEqualTo(before);
      connections.stop();
      // The same ports again, as new connections.
      Traffic.Report again =
          cluster
              .start(
                  Cluster.host("far"),
                  Traffic.Spec.lasting("tcp", address, PORT, 5, 50)
                      .sourcePort(42000)
                      .timeout(1000)
                      .duration(1500))
              .await();
      assertThat(again.answers()).isZero();
      go(1);
    }
  }
}
