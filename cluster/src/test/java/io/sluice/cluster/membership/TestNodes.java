// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.typesafe.config.Config;
import io.sluice.config.settings.ClusterKeys;
import io.sluice.config.settings.ClusterKeys.Formation;
import io.sluice.config.settings.ClusterKeys.Seed;
import io.sluice.config.settings.ClusterKeys.Store;
import io.sluice.config.settings.ClusterKeys.Tls;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Nodes of one JVM, each at a loopback address of its own, all at one port. */
final class TestNodes implements AutoCloseable {
  static final Duration PATIENCE = Duration.ofSeconds(40);

  private final Map<String, ClusterNode> nodes = new LinkedHashMap<>();
  private final String network;
  private final int port;

  /**
   * @param network the first three bytes of the addresses
   */
  TestNodes(String network) {
    this.network = network;
    this.port = freePort();
  }

  /** Free on the first addresses of the network. */
  private int freePort() {
    List<ServerSocket> taken = new ArrayList<>();
    try {
      int found = 0;
      for (int i = 1; i <= 4; i++) {
        ServerSocket socket = new ServerSocket(found, 1, InetAddress.getByName(host(i)));
        taken.add(socket);
        found = socket.getLocalPort();
      }
      return found;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      taken.forEach(
          socket -> {
            try {
              socket.close();
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
    }
  }

  String host(int i) {
    return network + "." + i;
  }

  int port() {
    return port;
  }

  List<Seed> seeds(int count) {
    List<Seed> seeds = new ArrayList<>();
    for (int i = 1; i <= count; i++) {
      seeds.add(new Seed(host(i), port));
    }
    return seeds;
  }

  /** Of node i of three that know each other by their addresses. */
  ClusterKeys bySeeds(int i, Optional<Tls> tls) {
    return new ClusterKeys(
        host(i), port, seeds(3), Formation.SEEDS, "sluice", 2, tls, Store.REPLICATED);
  }

  /** Of node i of three that look each other up. */
  ClusterKeys byName(int i, Formation formation, String name) {
    return new ClusterKeys(
        host(i), port, List.of(), formation, name, 2, Optional.empty(), Store.REPLICATED);
  }

  ClusterNode start(String name, ClusterKeys keys, Config state, Part... parts) {
    ClusterNode node = new ClusterNode(keys, name, state, List.of(parts));
    node.start();
    nodes.put(name, node);
    return node;
  }

  private static Set<String> up(ClusterNode node) {
    return node.view().members().stream()
        .filter(member -> member.status().equals("Up") && member.reachable())
        .map(MembershipView.Member::node)
        .collect(Collectors.toSet());
  }

  void awaitOneCluster(String... names) {
    for (String name : names) {
      await()
          .atMost(PATIENCE)
          .untilAsserted(
              () -> {
                assertThat(up(nodes.get(name))).containsExactlyInAnyOrder(names);
                assertThat(nodes.get(name).view().decides()).isTrue();
              });
    }
  }

  void awaitReason(String name, String... parts) {
    await()
        .atMost(PATIENCE)
        .untilAsserted(
            () -> {
              assertThat(nodes.get(name).view().reasons()).hasSize(1);
              assertThat(nodes.get(name).view().reasons().get(0)).contains(parts);
            });
    assertThat(nodes.get(name).view().decides()).isFalse();
  }

  @Override
  public void close() {
    nodes.values().forEach(ClusterNode::close);
  }
}
