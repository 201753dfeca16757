// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.settings;

import io.sluice.config.model.IpAddress;
import io.sluice.config.settings.AgentKeys.Management;
import io.sluice.config.settings.AgentKeys.ManagementTls;
import io.sluice.config.settings.AgentKeys.SourceType;
import io.sluice.config.settings.ClusterKeys.Formation;
import io.sluice.config.settings.ClusterKeys.Seed;
import io.sluice.config.settings.ClusterKeys.Store;
import io.sluice.config.settings.ClusterKeys.StoreType;
import io.sluice.config.settings.ClusterKeys.Tls;
import io.sluice.config.text.Text;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Makes the agent's own keys of what its file says. */
final class AgentKeysReader {
  static final Set<String> KEYS =
      Set.of(
          "node-name",
          "source.type",
          "source.path",
          "source.recursive",
          "bpffs",
          "data-dir",
          "log-level",
          "management.host",
          "management.port",
          "management.token-file",
          "management.tls.certificate",
          "management.tls.key",
          "management.tls.client-ca",
          "cluster.host",
          "cluster.port",
          "cluster.seeds",
          "cluster.formation",
          "cluster.service-name",
          "cluster.quorum",
          "cluster.tls.certificate",
          "cluster.tls.key",
          "cluster.tls.ca",
          "cluster.store.type",
          "cluster.store.url",
          "cluster.store.user",
          "cluster.store.password-file");

  private static final String CLUSTER = "cluster";

  private final OwnKeys own;

  AgentKeysReader(OwnKeys own) {
    this.own = own;
  }

  /** Whether a key has others below it. */
  static boolean isSection(String key) {
    return KEYS.stream().anyMatch(k -> k.startsWith(key + "."));
  }

  /**
   * @param fromFile whether there is a file, which then must say where resources come from
   */
  AgentKeys read(boolean fromFile) {
    SourceType type = choice("source.type", SourceType.FILE);
    Optional<Path> path = own.optionalPath("source.path");
    if (type == SourceType.FILE && path.isEmpty() && fromFile) {
      own.error("source.path", "is missing, name the folder of manifests");
    }
    if (type == SourceType.CLUSTER && path.isPresent()) {
      own.error("source.path", "is of the source file alone, remove it");
    }
    return new AgentKeys(
        nodeName(),
        type,
        path,
        own.flag("source.recursive"),
        own.path("bpffs", "/sys/fs/bpf"),
        own.path("data-dir", "/var/lib/sluice"),
        choice("log-level", AgentKeys.LogLevel.INFO),
        management(),
        own.hasSection(CLUSTER) ? cluster() : ClusterKeys.ALONE);
  }

  /** One of an enum's names, in any case. */
  private <E extends Enum<E>> E choice(String key, E defaultChoice) {
    Optional<String> name = own.optionalText(key);
    if (name.isEmpty()) {
      return defaultChoice;
    }
    List<E> all = List.of(defaultChoice.getDeclaringClass().getEnumConstants());
    for (E one : all) {
      if (one.name().equalsIgnoreCase(name.get())) {
        return one;
      }
    }
    String names =
        all.stream().map(e -> e.name().toLowerCase(Locale.ROOT)).collect(Collectors.joining(", "));
    own.error(key, Text.quote(name.get()) + " is none of " + names);
    return defaultChoice;
  }

  // HTTP.

  private Management management() {
    String host = own.text("management.host", "127.0.0.1");
    Optional<ManagementTls> tls = Optional.empty();
    if (allOrNone("management.tls.certificate", "management.tls.key")) {
      tls =
          Optional.of(
              new ManagementTls(
                  own.path("management.tls.certificate", "/"),
                  own.path("management.tls.key", "/"),
                  own.optionalPath("management.tls.client-ca")));
    } else if (own.has("management.tls.client-ca")) {
      own.error("management.tls.client-ca", "needs management.tls.certificate and .key beside it");
    }
    Optional<Path> token = own.optionalPath("management.token-file");
    boolean knowsClients = token.isPresent() || tls.flatMap(ManagementTls::clientCa).isPresent();
    if (!isLoopback(host) && (tls.isEmpty() || !knowsClients)) {
      own.error(
          "management.host",
          Text.quote(host)
              + " is open to other hosts: give management.tls.certificate and .key, and"
              + " management.token-file or management.tls.client-ca, or listen on 127.0.0.1");
    }
    return new Management(host, own.number("management.port", 8558, 0, 65535), tls, token);
  }

  private static boolean isLoopback(String host) {
    if (host.equalsIgnoreCase("localhost")) {
      return true;
    }
    try {
      return InetAddress.getByAddress(IpAddress.parse(host).bytes()).isLoopbackAddress();
    } catch (IllegalArgumentException | UnknownHostException e) {
      return false;
    }
  }

  /** Whether all of these are given; some without the others are an error. */
  private boolean allOrNone(String... keys) {
    List<String> missing = Stream.of(keys).filter(key -> !own.has(key)).toList();
    if (!missing.isEmpty() && missing.size() < keys.length) {
      own.error(missing.get(0), "is missing");
    }
    return missing.isEmpty();
  }

  // The other nodes.

  private ClusterKeys cluster() {
    Formation formation = choice("cluster.formation", Formation.SEEDS);
    List<Seed> seeds = seeds();
    if (formation != Formation.SEEDS && !seeds.isEmpty()) {
      own.error("cluster.seeds", "are of the formation seeds alone, remove them");
    }
    int port = own.number("cluster.port", ClusterKeys.DEFAULT_PORT, 0, 65535);
    if (port == 0 && !seeds.isEmpty()) {
      own.error("cluster.port", "must not be 0 where there are seeds: other nodes look for it");
    }
    Optional<String> host = own.optionalText("cluster.host");
    if (host.isEmpty()) {
      own.error("cluster.host", "is missing, name this node's address for other nodes");
    }
    int quorum =
        own.number("cluster.quorum", formation == Formation.SEEDS ? majority(seeds) : 1, 1, 1000);
    if (formation != Formation.SEEDS && !own.has("cluster.quorum")) {
      own.error("cluster.quorum", "is missing, write more than half of the number of nodes");
    }
    if (formation == Formation.SEEDS && quorum > Math.max(1, seeds.size())) {
      own.error("cluster.quorum", quorum + " is more than there are seeds");
    }
    if (formation == Formation.SEEDS && quorum < majority(seeds)) {
      own.error(
          "cluster.quorum",
          quorum + " is less than a majority of the seeds: two halves could decide");
    }
    Optional<Tls> tls =
        allOrNone("cluster.tls.certificate", "cluster.tls.key", "cluster.tls.ca")
            ? Optional.of(
                new Tls(
                    own.path("cluster.tls.certificate", "/"),
                    own.path("cluster.tls.key", "/"),
                    own.path("cluster.tls.ca", "/")))
            : Optional.empty();
    return new ClusterKeys(
        host.orElse("127.0.0.1"),
        port,
        seeds,
        formation,
        own.text("cluster.service-name", "sluice"),
        quorum,
        tls,
        store());
  }

  private static int majority(List<Seed> seeds) {
    return seeds.size() / 2 + 1;
  }

  private List<Seed> seeds() {
    Set<Seed> seeds = new LinkedHashSet<>();
    for (String text : own.texts("cluster.seeds")) {
      Optional<Seed> seed = seed(text);
      if (seed.isEmpty()) {
        own.error("cluster.seeds", Text.quote(text) + " is not HOST:PORT");
      } else if (!seeds.add(seed.get())) {
        own.error("cluster.seeds", Text.quote(text) + " is given twice");
      }
    }
    return new ArrayList<>(seeds);
  }

  private static Optional<Seed> seed(String text) {
    int colon = text.lastIndexOf(':');
    String host = colon < 0 || text.endsWith("]") ? text : text.substring(0, colon);
    String port = host.length() == text.length() ? "" : text.substring(colon + 1);
    if (host.startsWith("[") && host.endsWith("]")) {
      host = host.substring(1, host.length() - 1);
    }
    try {
      int number = port.isEmpty() ? ClusterKeys.DEFAULT_PORT : (int) Values.number(port, 1, 65535);
      return host.isBlank() || host.contains(" ")
          ? Optional.empty()
          : Optional.of(new Seed(host, number));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private Store store() {
    StoreType type = choice("cluster.store.type", StoreType.REPLICATED);
    if (type == StoreType.REPLICATED) {
      for (String key : List.of("url", "user", "password-file")) {
        if (own.has("cluster.store." + key)) {
          own.error("cluster.store." + key, "is of the store postgresql alone, remove it");
        }
      }
      return Store.REPLICATED;
    }
    Optional<String> url = own.optionalText("cluster.store.url");
    if (url.isEmpty() || !url.get().startsWith("jdbc:postgresql:")) {
      own.error("cluster.store.url", "is missing, write jdbc:postgresql://HOST:PORT/DATABASE");
    }
    return new Store(
        type,
        url.orElse(""),
        own.text("cluster.store.user", "sluice"),
        own.optionalPath("cluster.store.password-file"));
  }

  // The node's name.

  /** Kubernetes' node names are lower case; a host's may not be. */
  private String nodeName() {
    String name = own.text("node-name", "");
    if (name.isEmpty() && own.has("node-name")) {
      return name; // reported: empty or of a wrong type
    }
    if (name.isEmpty()) {
      name = hostName().toLowerCase(Locale.ROOT);
    }
    if (!name.matches("[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")) {
      own.error(
          "node-name",
          Text.quote(name) + " is not a node name: lower-case letters, digits, - and .");
    }
    return name;
  }

  private static String hostName() {
    try {
      String name = Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
      return name.isEmpty() ? "localhost" : name;
    } catch (IOException e) {
      try {
        return InetAddress.getLocalHost().getHostName();
      } catch (UnknownHostException unknown) {
        return "localhost";
      }
    }
  }
}
