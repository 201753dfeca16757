// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.config.model.NetworkPolicy;
import io.sluice.config.model.Service;
import io.sluice.config.source.Snapshot;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a node makes of what the store sends, and what it remembers. */
class ClusterSourceTest {
  private static final Duration SOON = Duration.ofSeconds(10);

  @TempDir Path folder;

  private final StoreState state = new StoreState(Clock.systemUTC());
  private final List<Snapshot> told = new CopyOnWriteArrayList<>();

  private List<Commit> apply(String yaml) {
    Reading reading =
        Reading.of(
            new ResourceApi.Manifests("t.yaml", yaml.getBytes(StandardCharsets.UTF_8)), false);
    assertThat(reading.refusal()).isEmpty();
    StoreState.Accepted accepted =
        (StoreState.Accepted)
            state.judge(new Submission("r" + state.version(), false, reading.items()));
    List<Commit> commits = new ArrayList<>();
    accepted.commit().ifPresent(commits::add);
    commits.forEach(state::apply);
    return commits;
  }

  private void send(ClusterSource source, List<Commit> commits) {
    source.told(state.store(), state.version());
    source.take(state.store(), false, state.version(), Codec.commits(commits));
  }

  private void sendAll(ClusterSource source) {
    source.take(state.store(), true, state.version(), Codec.snapshot(state.snapshot()));
    source.told(state.store(), state.version());
  }

  private Snapshot last() {
    return told.isEmpty() ? Snapshot.EMPTY : told.get(told.size() - 1);
  }

  private void awaitVersion(long version) {
    await().atMost(SOON).until(() -> last().inSync() && last().revision() >= version);
  }

  @Test
  @Tag("INV-AG-3")
  void itIsInSyncOnceItHasWhatTheStoreHas() {
    try (ClusterSource source = new ClusterSource(folder)) {
      source.start(told::add);
      await().atMost(SOON).until(() -> told.size() == 1);
      assertThat(last().inSync()).isFalse();
      assertThat(last().problems().get(0).reason()).contains("has not been heard yet");

      apply(StoreClusterTest.service("web", "10.96.0.1", 80));
      source.told(state.store(), state.version() + 1); // it is ahead of what is sent
      source.take(state.store(), true, state.version(), Codec.snapshot(state.snapshot()));
      await().atMost(SOON).until(() -> last().revision() == 1);
      assertThat(last().inSync()).isFalse();
      List<Commit> more = apply(StoreClusterTest.slice("web", 2));
      send(source, more);
      awaitVersion(2);
      assertThat(last().resources()).hasSize(2);
      assertThat(last().problems()).isEmpty();

      source.told("another store", 700);
      sendAll(source);
      assertThat(told).filteredOn(s -> s.revision() >= 2).allMatch(Snapshot::inSync);
    }
  }

  @Test
  @Tag("INV-AG-3")
  void aRestartedNodeKnowsItsResourcesBeforeItHearsOfOthers() {
    try (ClusterSource source = new ClusterSource(folder)) {
      source.start(told::add);
      apply(StoreClusterTest.service("web", "10.96.0.1", 80));
      apply(StoreClusterTest.service("db", "10.96.0.2", 80));
      sendAll(source);
      awaitVersion(2);
    }
    told.clear();
    try (ClusterSource source = new ClusterSource(folder)) {
      source.start(told::add);
      await().atMost(SOON).until(() -> told.size() == 1);
      assertThat(last().inSync()).isFalse();
      assertThat(last().all(Service.class)).hasSize(2);
      assertThat(source.position()).isEqualTo(new ClusterSource.Position(state.store(), 2));

      // Of what it is sent whole, what it knows already stays the same object.
      Snapshot recalled = last();
      apply(StoreClusterTest.service("db", "10.96.0.3", 80));
      sendAll(source);
      awaitVersion(3);
      var web = recalled.all(Service.class).get(1);
      assertThat(web.meta().name()).isEqualTo("web");
      assertThat(last().all(Service.class).get(1)).isSameAs(web);
    }
  }

  private static String policy(String tier, int order) {
    return """
        ---
        apiVersion: projectcalico.org/v3
        kind: GlobalNetworkPolicy
        metadata: {name: p}
        spec: {tier: %s, order: %d, types: [Ingress]}
        """
        .formatted(tier, order);
  }

  private List<Double> orders() {
    return last().all(NetworkPolicy.class).stream().map(p -> p.order().orElseThrow()).toList();
  }

  /** Whether the node was there when the tier was misspelt, or hears of it when it starts. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  @Tag("INV-CL-3")
  @Tag("INV-AG-3")
  void aRestartBesideAPolicyWithoutItsTierKeepsWhatWasInForce(boolean heardBefore) {
    try (ClusterSource source = new ClusterSource(folder)) {
      source.start(told::add);
      apply("{apiVersion: projectcalico.org/v3, kind: Tier, metadata: {name: secure}}\n");
      apply(policy("secure", 1));
      sendAll(source);
      awaitVersion(2);
      List<Commit> more = apply(policy("secvre", 2));
      if (heardBefore) {
        send(source, more);
        awaitVersion(3);
        assertThat(orders()).containsExactly(1.0);
      }
    }
    for (int i = 0; i < 2; i++) {
      told.clear();
      try (ClusterSource source = new ClusterSource(folder)) {
        source.start(told::add);
        sendAll(source);
        awaitVersion(3);
        assertThat(told)
            .filteredOn(Snapshot::inSync)
            .allMatch(view -> view.all(NetworkPolicy.class).size() == 1);
        assertThat(orders()).containsExactly(1.0);
      }
    }
  }

  @Test
  @Tag("INV-AG-2")
  void aDamagedCopyIsNotHalfRead() throws Exception {
    try (ClusterSource source = new ClusterSource(folder)) {
      source.start(told::add);
      apply(StoreClusterTest.service("web", "10.96.0.1", 80));
      sendAll(source);
      awaitVersion(1);
    }
    Path file = folder.resolve("resources");
    byte[] bytes = Files.readAllBytes(file);
    for (int at = 0; at < bytes.length; at += 7) {
      byte[] damaged = bytes.clone();
      damaged[at] ^= 4;
      Files.write(file, damaged);
      assertThat(new ViewFile(folder).read()).isEmpty();
    }
    Files.write(file, java.util.Arrays.copyOf(bytes, bytes.length - 1));
    assertThat(new ViewFile(folder).read()).isEmpty();
    Files.write(file, bytes);
    assertThat(new ViewFile(folder).read()).isPresent();
  }

  @Test
  void oneWhoCannotReadWhatIsSentAsksForAllOfIt() {
    try (ClusterSource source = new ClusterSource(folder)) {
      source.start(told::add);
      apply(StoreClusterTest.service("web", "10.96.0.1", 80));
      sendAll(source);
      awaitVersion(1);
      source.take(state.store(), false, 2, new byte[] {99});
      await().atMost(SOON).until(() -> source.position().version() == 0);
      assertThat(source.status().trouble()).contains("upgrade this node");
      assertThat(last().all(Service.class)).hasSize(1);
      apply(StoreClusterTest.service("db", "10.96.0.2", 80));
      sendAll(source);
      awaitVersion(2);
    }
  }

  @Test
  void twoGroupsHaveAKindOfOneName() {
    String policy =
        "{apiVersion: %s, kind: NetworkPolicy, metadata: {name: web}, spec: {%s: %s}}\n---\n";
    try (ClusterSource source = new ClusterSource(folder)) {
      source.start(told::add);
      apply(
          policy.formatted("networking.k8s.io/v1", "podSelector", "{}")
              + policy.formatted("projectcalico.org/v3", "selector", "all()"));
      sendAll(source);
      awaitVersion(1);
      assertThat(last().problems()).isEmpty();
      assertThat(last().resources().keySet())
          .extracting(Object::toString)
          .containsExactly(
              "NetworkPolicy default/web", "NetworkPolicy.projectcalico.org default/web");
    }
  }

  @Test
  void aPolicyOfTenThousandRulesIsStored() {
    String rule =
        "  - {action: Allow, protocol: TCP, source: {nets: [10.0.0.0/8]}, destination: {ports:"
            + " [80]}}\n";
    try (ClusterSource source = new ClusterSource(folder)) {
      source.start(told::add);
      apply(
          "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: long}\n"
              + "spec:\n  ingress:\n"
              + rule.repeat(10_000));
      sendAll(source);
      awaitVersion(1);
      assertThat(last().all(NetworkPolicy.class))
          .singleElement()
          .satisfies(policy -> assertThat(policy.ingress()).hasSize(10_000));
    }
  }
}
