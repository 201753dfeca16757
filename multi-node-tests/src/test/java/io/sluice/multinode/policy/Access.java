// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.policy;

import static org.awaitility.Awaitility.await;

import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.IpVersion;
import io.sluice.multinode.harness.Node;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Who may speak to the standard topology's web pods, as policies. */
final class Access {
  static final String NAME = "access";

  private Access() {}

  private static String policy(String kind, String spec) {
    return """
        apiVersion: %s
        kind: NetworkPolicy
        metadata: {name: web, namespace: default}
        spec:
        %s
        """
        .formatted(kind, spec.stripTrailing().indent(2));
  }

  private static String kubernetes(String ingress) {
    return policy(
        "networking.k8s.io/v1",
        """
        podSelector: {matchLabels: {app: web}}
        policyTypes: [Ingress]
        ingress: %s
        """
            .formatted(ingress));
  }

  /** Nobody may. */
  static String nobody() {
    return kubernetes("[]");
  }

  /** Clients may, by their labels. */
  static String clients() {
    return kubernetes("[{from: [{podSelector: {matchLabels: {app: client}}}]}]");
  }

  /** Clients may, by their addresses. */
  static String clientsByAddress(Cluster cluster) {
    String blocks =
        Stream.of("client", "client-2")
            .flatMap(pod -> Stream.of(IpVersion.values()).map(v -> cluster.address(pod, v)))
            .map(address -> "{ipBlock: {cidr: " + host(address) + "}}")
            .collect(Collectors.joining(", "));
    return kubernetes("[{from: [" + blocks + "]}]");
  }

  private static String host(String address) {
    return "'" + address + (address.contains(":") ? "/128" : "/32") + "'";
  }

  /** Clients may, by rules for each protocol, after a few that are about nobody. */
  static String clientsByProtocol() {
    return policy(
        "projectcalico.org/v3",
        """
        selector: app == 'web'
        types: [Ingress]
        ingress:
        - {action: Allow, protocol: TCP, source: {selector: app == 'nobody'}}
        - {action: Deny, source: {selector: app == 'web'}}
        - {action: Allow, protocol: TCP, source: {selector: app == 'client'}}
        - {action: Allow, protocol: UDP, source: {selector: has(app) && app != 'web'}}
        """);
  }

  /** Applies, and waits until all nodes enforce it. */
  static void enforce(Cluster cluster, String yaml) {
    enforce(cluster, NAME, yaml);
  }

  /** Likewise, of any manifest. */
  static void enforce(Cluster cluster, String name, String yaml) {
    Map<String, Double> before = new HashMap<>();
    for (Node node : cluster.nodes()) {
      before.put(node.name(), node.metric("sluice_source_version"));
    }
    cluster.apply(name, yaml);
    await()
        .atMost(Cluster.PATIENCE)
        .pollInterval(Duration.ofMillis(20))
        .until(
            () ->
                cluster.nodes().stream()
                    .allMatch(
                        node -> node.metric("sluice_policy_version") > before.get(node.name())));
  }
}
