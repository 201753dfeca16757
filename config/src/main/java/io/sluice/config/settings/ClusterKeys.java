// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.settings;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * How this node finds the others, and what they share. An agent that says nothing of it is a
 * cluster of itself, on its loopback address.
 *
 * @param host where other nodes reach this one: an address or a name
 * @param port likewise; 0: any free one
 * @param seeds where the nodes are that a new one asks; empty: this node is alone
 * @param formation how the others are found
 * @param serviceName for DNS the name to look up, for Kubernetes the value of the pods' label app
 * @param quorum how many members there must be at least for anything to be decided
 * @param tls if present, nodes talk by TLS alone, and each shows its certificate
 * @param store where what nodes share is kept
 */
public record ClusterKeys(
    String host,
    int port,
    List<Seed> seeds,
    Formation formation,
    String serviceName,
    int quorum,
    Optional<Tls> tls,
    Store store) {
  /** The port of a node whose file does not say another. */
  public static final int DEFAULT_PORT = 25520;

  /** An agent without a word about a cluster. */
  public static final ClusterKeys ALONE =
      new ClusterKeys(
          "127.0.0.1",
          0,
          List.of(),
          Formation.SEEDS,
          "sluice",
          1,
          Optional.empty(),
          Store.REPLICATED);

  /** One node that a new one asks. */
  public record Seed(String host, int port) {
    @Override
    public String toString() {
      return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port;
    }
  }

  /** How the others are found. */
  public enum Formation {
    SEEDS,
    DNS,
    KUBERNETES
  }

  /** Files in PEM: this node's certificate and key, and those whom it believes. */
  public record Tls(Path certificate, Path key, Path ca) {}

  /** Where what nodes share is kept. */
  public enum StoreType {
    /** On each node, replicated between them. */
    REPLICATED,
    POSTGRESQL
  }

  /**
   * @param url JDBC's, for PostgreSQL; empty otherwise, as are the others
   * @param passwordFile holds the password in its first line
   */
  public record Store(StoreType type, String url, String user, Optional<Path> passwordFile) {
    public static final Store REPLICATED =
        new Store(StoreType.REPLICATED, "", "", Optional.empty());
  }

  public ClusterKeys {
    seeds = List.copyOf(seeds);
  }

  /** Whether there are no others: no seed, or this node alone. */
  public boolean alone() {
    return formation == Formation.SEEDS && seeds.stream().allMatch(new Seed(host, port)::equals);
  }
}
