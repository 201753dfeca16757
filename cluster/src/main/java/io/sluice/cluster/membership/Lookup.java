// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.membership;

import akka.actor.typed.ActorSystem;
import akka.discovery.Discovery;
import akka.discovery.ServiceDiscovery;
import akka.discovery.ServiceDiscovery.ResolvedTarget;
import io.sluice.config.settings.ClusterKeys;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * Where the nodes are that a new one asks: named in the file, or found by Akka Discovery in DNS or
 * by Kubernetes' API.
 */
final class Lookup {
  private static final Duration PATIENCE = Duration.ofSeconds(3);

  private final ActorSystem<?> system;
  private final ClusterKeys keys;

  Lookup(ActorSystem<?> system, ClusterKeys keys) {
    this.system = system;
    this.keys = keys;
  }

  /** Those that the file names. */
  List<String> named() {
    return keys.seeds().stream()
        .map(seed -> ClusterConfig.bracketed(seed.host()) + ":" + seed.port())
        .toList();
  }

  /** Whether they change in the course of time. */
  boolean isDynamic() {
    return keys.formation() != ClusterKeys.Formation.SEEDS;
  }

  /** HOST:PORT of each, as of now. */
  CompletionStage<List<String>> found() {
    return switch (keys.formation()) {
      case SEEDS -> CompletableFuture.completedFuture(named());
      case DNS -> ask("akka-dns", name());
      case KUBERNETES -> ask("kubernetes-api", akka.discovery.Lookup.create(keys.serviceName()));
    };
  }

  /** A name that begins with an underscore is one of SRV records, which have ports of their own. */
  private akka.discovery.Lookup name() {
    return keys.serviceName().startsWith("_")
        ? akka.discovery.Lookup.parseSrv(keys.serviceName())
        : akka.discovery.Lookup.create(keys.serviceName());
  }

  private CompletionStage<List<String>> ask(String method, akka.discovery.Lookup lookup) {
    ServiceDiscovery discovery = Discovery.get(system).loadServiceDiscovery(method);
    return discovery
        .lookup(lookup, PATIENCE)
        .thenApply(
            resolved -> {
              List<String> found = new ArrayList<>();
              for (ResolvedTarget target : resolved.getAddresses()) {
                found.add(address(target));
              }
              return found.stream().distinct().sorted().toList();
            });
  }

  private String address(ResolvedTarget target) {
    String host =
        keys.formation() == ClusterKeys.Formation.KUBERNETES
            ? target.getAddress().map(InetAddress::getHostAddress).orElse(target.host())
            : target.host();
    int port = target.getPort().map(Integer.class::cast).orElse(keys.port());
    return ClusterConfig.bracketed(host) + ":" + port;
  }
}
