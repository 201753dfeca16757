// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.harness;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.lab.Lab;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;

/**
 * Writes to the nodes' shared store without pause, one writer at each node, and remembers what was
 * acknowledged. Each writes one small resource after the other, a Namespace of a name of its own.
 */
public final class Writers implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(90);
  private static final ObjectMapper JSON = new ObjectMapper();

  private final String prefix;
  private final List<Thread> threads = new ArrayList<>();
  private final Set<String> acknowledged = new ConcurrentSkipListSet<>();
  private final AtomicInteger number = new AtomicInteger();
  private volatile boolean ended;
  private volatile String last = "";

  private Writers(String prefix) {
    this.prefix = prefix;
  }

  /**
   * Starts them.
   *
   * @param prefix of the resources' names
   */
  public static Writers start(Cluster cluster, String prefix) {
    Writers writers = new Writers(prefix);
    for (Node node : cluster.nodes()) {
      Thread thread = new Thread(() -> writers.write(node), "writer at " + node);
      thread.setDaemon(true);
      writers.threads.add(thread);
      thread.start();
    }
    return writers;
  }

  private void write(Node node) {
    while (!ended) {
      String name = prefix + "-" + number.incrementAndGet();
      Optional<Lab.Answer> answer = node.request("POST", "/api/v1/apply", manifest(name));
      if (answer.isPresent() && answer.get().ok()) {
        acknowledged.add(name);
      }
      last = node + ": " + answer;
    }
  }

  /** A manifest that is worth nothing to the dataplane. */
  public static String manifest(String name) {
    return """
        apiVersion: v1
        kind: Namespace
        metadata: {name: %s, labels: {edition: first}}
        """
        .formatted(name);
  }

  /** Names that were acknowledged so far. */
  public Set<String> acknowledged() {
    return new TreeSet<>(acknowledged);
  }

  /** Returns when so many more have been acknowledged. */
  public void awaitAcknowledged(int more) {
    int wanted = acknowledged.size() + more;
    Awaitility.await("writes that are acknowledged")
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(20))
        .untilAsserted(
            () ->
                assertThat(acknowledged.size())
                    .as("last: %s", last)
                    .isGreaterThanOrEqualTo(wanted));
  }

  /** The names of these writers that a node has. */
  public Set<String> stored(Node node) {
    String list =
        node.get("/api/v1/resources/namespace")
            .orElseThrow(() -> new AssertionError(node + " does not say what it has"));
    try {
      Set<String> names = new TreeSet<>();
      for (JsonNode item : JSON.readTree(list).path("items")) {
        String name = item.path("metadata").path("name").asText();
        if (name.startsWith(prefix + "-")) {
          names.add(name);
        }
      }
      return names;
    } catch (JsonProcessingException e) {
      throw new AssertionError("not JSON: " + list, e);
    }
  }

  /** Lets each writer have its last answer, and returns when all have ended. */
  public void stop() {
    ended = true;
    try {
      for (Thread thread : threads) {
        thread.join(PATIENCE.toMillis());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    stop();
  }
}
