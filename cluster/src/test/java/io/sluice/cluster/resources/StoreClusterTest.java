// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.cluster.resources.ResourceApi.Changes;
import io.sluice.cluster.resources.ResourceApi.Reply;
import io.sluice.config.model.Kind;
import io.sluice.config.model.Service;
import io.sluice.config.source.Snapshot;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Three nodes in one process, with the replicated state on their disks. */
class StoreClusterTest {
  @TempDir Path folder;

  static String service(String name, String address, int port) {
    return """
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: %s}
    spec: {clusterIP: %s, ports: [{port: %d}]}
    """
        .formatted(name, address, port);
  }

  static String slice(String service, int endpoints) {
    StringBuilder text =
        new StringBuilder(
            """
            ---
            apiVersion: discovery.k8s.io/v1
            kind: EndpointSlice
            metadata: {name: %s-1, labels: {kubernetes.io/service-name: %s}}
            addressType: IPv4
            ports: [{port: 8080}]
            endpoints:
            """
                .formatted(service, service));
    for (int i = 1; i <= endpoints; i++) {
      text.append("- {addresses: [10.244.1.").append(i).append("]}\n");
    }
    return text.toString();
  }

  private static Changes changes(Reply reply) {
    assertThat(reply.status()).as("%s", reply.body()).isEqualTo(200);
    return (Changes) reply.body();
  }

  private static List<String> reasons(Reply reply) {
    return ((ResourceApi.Errors) reply.body()).reasons();
  }

  @Test
  @Tag("INV-AG-2")
  @Tag("INV-CL-3")
  void allNodesDeliverTheSameWhoeverIsAskedAndWhoeverIsLost() throws Exception {
    try (StoreNodes nodes = new StoreNodes(folder, 2).start(0, 1, 2)) {
      Changes first =
          changes(nodes.node(1).apply(service("web", "10.96.0.1", 80) + slice("web", 3)));
      assertThat(first.results())
          .extracting(ResourceApi.Change::result)
          .containsExactly("created", "created");
      // Who asks a node after its answer sees what was stored.
      assertThat(nodes.node(1).view().revision()).isEqualTo(first.version());
      nodes.awaitVersion(first.version());

      assertThat(changes(nodes.node(2).apply(service("web", "10.96.0.1", 80))).results())
          .extracting(ResourceApi.Change::result)
          .containsExactly("unchanged");

      Reply taken = nodes.node(0).apply(service("other", "10.96.0.1", 80));
      assertThat(taken.status()).isEqualTo(409);
      assertThat(reasons(taken))
          .containsExactly(
              "Service default/other: 10.96.0.1:80/TCP belongs to Service default/web already");

      String got =
          new String(
              (byte[]) nodes.node(0).resources.get(Kind.SERVICE, "default", "web").body(),
              StandardCharsets.UTF_8);
      assertThat(got).contains("\"resourceVersion\":\"1\"").contains("\"uid\":\"");
      Reply stale = nodes.node(0).apply(got.replace("\"1\"", "\"77\""));
      assertThat(stale.status()).isEqualTo(409);
      assertThat(reasons(stale).get(0)).contains("yours is 77, the store's is 1");

      // The home is lost while others write.
      int home = nodes.home();
      int other = (home + 1) % 3;
      CompletableFuture<Reply> during =
          CompletableFuture.supplyAsync(
              () -> nodes.node(other).apply(service("late", "10.96.0.2", 80)));
      nodes.crash(home);
      Reply late = during.get();
      assertThat(late.status()).isIn(200, 503, 504);
      await()
          .atMost(StoreNodes.SOON)
          .until(() -> nodes.node(other).apply(service("late", "10.96.0.2", 80)).status() == 200);
      Changes last = changes(nodes.node(other).apply(service("last", "10.96.0.3", 80)));
      nodes.awaitVersion(last.version());
      assertThat(last.version()).isEqualTo(3); // whatever was tried twice was done once

      // And all come back, from their disks.
      nodes.assertOrder();
      nodes.stopAll();
      nodes.start(0, 1, 2);
      nodes.awaitVersion(last.version());
      for (StoreNodes.Node node : nodes.all()) {
        Snapshot view = node.view();
        assertThat(view.all(Service.class))
            .extracting(s -> s.meta().name())
            .containsExactly("last", "late", "web");
        assertThat(view.problems()).isEmpty();
      }
      nodes.assertOrder();
    }
  }

  @Test
  @Tag("INV-AG-3")
  void aNodeThatIsAloneKnowsItsResourcesAndDecidesNothing() {
    try (StoreNodes nodes = new StoreNodes(folder, 2).start(0, 1)) {
      Changes first = changes(nodes.node(0).apply(service("web", "10.96.0.1", 80)));
      nodes.awaitVersion(first.version());
      nodes.stopAll();

      nodes.start(0);
      StoreNodes.Node alone = nodes.node(0);
      await().atMost(StoreNodes.SOON).until(() -> !alone.told.isEmpty());
      assertThat(alone.view().all(Service.class)).hasSize(1);
      assertThat(alone.view().inSync()).isFalse();
      Reply reply = alone.apply(service("new", "10.96.0.9", 80));
      assertThat(reply.status()).isEqualTo(503);
      assertThat(reasons(reply).get(0)).contains("not decided, nothing is stored");
      assertThat(alone.view().inSync()).isFalse();

      nodes.start(1);
      nodes.awaitVersion(first.version());
      assertThat(changes(alone.apply(service("new", "10.96.0.9", 80))).version()).isEqualTo(2);
    }
  }

  @Test
  void tenThousandServicesAreStoredAndDelivered() {
    try (StoreNodes nodes = new StoreNodes(folder, 2).start(0, 1, 2)) {
      changes(nodes.node(0).apply(service("first", "10.95.0.1", 80)));
      int count = Integer.getInteger("sluice.test.services", 1_000);
      StringBuilder all = new StringBuilder();
      for (int i = 0; i < count; i++) {
        String name = "web-" + i;
        all.append(service(name, "10.96." + (i >> 8) + "." + (i & 255), 80));
        all.append(slice(name, 10));
      }
      String yaml = all.toString();
      long begin = System.nanoTime();
      Changes done = changes(nodes.node(1).apply(yaml));
      long stored = System.nanoTime();
      nodes.awaitVersion(done.version());
      long delivered = System.nanoTime();
      long[] one = new long[30];
      long version = done.version();
      for (int i = 0; i < one.length; i++) {
        long from = System.nanoTime();
        version = changes(nodes.node(1).apply(slice("web-7", 11 + i))).version();
        one[i] = System.nanoTime() - from;
      }
      nodes.awaitVersion(version);
      java.util.Arrays.sort(one);
      System.out.printf(
          "%d services of %d KiB: stored in %d ms, delivered after %d ms; one change: median %d ms,"
              + " slowest %d ms%n",
          count,
          yaml.length() >> 10,
          (stored - begin) / 1_000_000,
          (delivered - begin) / 1_000_000,
          one[one.length / 2] / 1_000_000,
          one[one.length - 1] / 1_000_000);
      for (StoreNodes.Node node : nodes.all()) {
        assertThat(node.view().resources()).hasSize(2 * count + 1);
        assertThat(node.source.status().lag()).isZero();
      }
      assertThat(changes(nodes.node(2).delete(yaml)).results())
          .allMatch(change -> change.result().equals("deleted"));
      nodes.awaitVersion(version + 1);
      assertThat(nodes.node(0).view().resources()).hasSize(1);
      nodes.assertOrder();
    }
  }
}
