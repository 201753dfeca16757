// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.lab.Topology;
import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.LabTest;
import io.sluice.multinode.harness.Node;
import io.sluice.multinode.harness.Reach;
import io.sluice.multinode.harness.Reach.Question;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Who reaches whom under which policies: nine pods, a client outside and a node ask all pods and
 * the client, with TCP, UDP and SCTP on two ports and by ping, over both families, and what comes
 * of it must be exactly what {@link World} works out.
 */
@LabTest(topology = Case.TOPOLOGY, capture = false)
class PolicyMatrixTest {
  private static final List<Integer> PORTS = List.of(80, 81);
  private static final String MANIFEST = "policy";
  private static final int SHOWN = 20;

  /** While it is awaited: silence is soon taken for one, for it is asked again. */
  private static final Duration LOOK = Duration.ofMillis(250);

  private static final Duration LOOK_RETRY = Duration.ofMillis(120);

  private static final Duration LOOK_PATIENCE = Duration.ofMillis(1000);

  /** When it must be. */
  private static final Duration PASS = Duration.ofMillis(700);

  private static final Duration PASS_RETRY = Duration.ofMillis(300);

  private static final Duration PASS_PATIENCE = Duration.ofSeconds(5);

  private static Reach reach;
  private static List<Question> questions;

  /** What pods are described as now. */
  private static Topology described;

  private final Cluster cluster;

  PolicyMatrixTest(Cluster cluster) {
    this.cluster = cluster;
  }

  @BeforeAll
  static void startProbers(Cluster cluster) {
    List<String> hosts = new ArrayList<>();
    List<String> names = new ArrayList<>();
    List<Reach.Target> targets = new ArrayList<>();
    for (World.Host host : Case.OPEN.hosts()) {
      names.add(host.name());
      hosts.add(
          host.isPod()
              ? "pod-" + host.name().replace('/', '-')
              : host.name().substring("host/".length()));
      if (!host.isNode()) {
        targets.add(new Reach.Target(host.name(), host.v4(), host.v6()));
      }
    }
    reach = Reach.start(cluster.lab(), hosts, names, targets, PORTS);
    questions = reach.questions();
    described = Case.OPEN.topology();
  }

  /** Pods have servers; those of others end with each test. */
  @BeforeEach
  void serveOutside() {
    PORTS.forEach(port -> cluster.serve("client", port));
  }

  @AfterAll
  static void stopProbers() {
    if (reach != null) {
      reach.close();
    }
  }

  static Stream<Case> kubernetes() {
    return chosen(KubernetesCases.all());
  }

  static Stream<Case> calico() {
    return chosen(CalicoCases.all());
  }

  /** Those whose names have what {@code -Dsluice.test.cases} says in them; else all. */
  private static Stream<Case> chosen(Stream<Case> cases) {
    String part = System.getProperty("sluice.test.cases", "");
    return cases.filter(c -> c.name().contains(part));
  }

  @ParameterizedTest(name = "{0}", allowZeroInvocations = true)
  @MethodSource
  @Tag("INV-POL-1")
  void kubernetes(Case asked) {
    holds(asked);
  }

  @ParameterizedTest(name = "{0}", allowZeroInvocations = true)
  @MethodSource
  @Tag("INV-POL-1")
  void calico(Case asked) {
    holds(asked);
  }

  /** Between two cases everything is open: whoever is not heard in one was heard just before. */
  private void holds(Case asked) {
    comesToBe(Case.OPEN);
    asked.steps().forEach(this::comesToBe);
  }

  private void comesToBe(World world) {
    ask(world);
    String expected = expected(world);
    await("the matrix")
        .atMost(Cluster.PATIENCE)
        .pollDelay(Duration.ZERO)
        .pollInterval(Duration.ofMillis(20))
        .untilAsserted(
            () ->
                assertSame(world, expected, reach.pass(LOOK, LOOK_RETRY, LOOK_PATIENCE, expected)));
    long before = denials();
    assertSame(world, expected, reach.pass(PASS, PASS_RETRY, PASS_PATIENCE, expected));
    // What was not answered was dropped by policy, and by nothing else.
    long silent = expected.chars().filter(c -> c == Reach.SILENCE).count();
    assertThat(denials() - before).isGreaterThanOrEqualTo(silent);
  }

  private void ask(World world) {
    if (!world.topology().equals(described)) {
      cluster.lab().describe(world.topology());
      described = world.topology();
    }
    String yaml = world.yaml();
    if (yaml.isEmpty()) {
      cluster.delete(MANIFEST);
    } else {
      cluster.apply(MANIFEST, yaml);
    }
  }

  private long denials() {
    return cluster.nodes().stream().mapToLong((Node node) -> node.counted("policy")).sum();
  }

  private String expected(World world) {
    StringBuilder all = new StringBuilder();
    for (Question q : questions) {
      Policy.Flow flow =
          new Policy.Flow(world.host(q.from()), world.host(q.to()), q.version(), q.way(), q.port());
      all.append(world.allows(flow) ? Reach.ANSWERED : Reach.SILENCE);
    }
    return all.toString();
  }

  private void assertSame(World world, String expected, String answers) {
    if (answers.equals(expected)) {
      return;
    }
    List<String> wrong = new ArrayList<>();
    for (int i = 0; i < questions.size(); i++) {
      if (answers.charAt(i) != expected.charAt(i)) {
        wrong.add(
            "%s: %s, want %s".formatted(questions.get(i), answers.charAt(i), expected.charAt(i)));
      }
    }
    throw new AssertionError(
        "%d of %d are wrong:\n%s\nunder\n%s"
            .formatted(
                wrong.size(),
                questions.size(),
                String.join("\n", wrong.subList(0, Math.min(SHOWN, wrong.size()))),
                world.yaml()));
  }
}
