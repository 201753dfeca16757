// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.config.model.EndpointSlice;
import io.sluice.config.model.Frontend;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.Resource;
import io.sluice.config.model.Service;
import io.sluice.config.parse.Limits;
import io.sluice.config.parse.ManifestParser;
import io.sluice.kernel.layout.FrontendFlags;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A service and its slices as manifests, and in words what the rules make of them. */
final class ServiceRulesRig {
  /** What a service's cluster IPs are, and what the words in its manifest stand for. */
  enum Stack {
    IPV4(4, "10.96.0.10"),
    IPV6(6, "fd00:96::10"),
    DUAL(4, "10.96.0.10, \"fd00:96::10\""),
    NONE(4, "None");

    final int number;
    private final String clusterIps;

    Stack(int number, String clusterIps) {
      this.number = number;
      this.clusterIps = clusterIps;
    }

    String of(String word) {
      return switch (word) {
        case "CLUSTER" -> number == 4 ? "10.96.0.10" : "fd00:96::10";
        case "EXTERNAL" -> number == 4 ? "192.0.2.10" : "2001:db8::10";
        case "INGRESS" -> number == 4 ? "192.0.2.20" : "2001:db8::20";
        case "PROXIED" -> number == 4 ? "192.0.2.30" : "2001:db8::30";
        case "ANY" -> number == 4 ? "0.0.0.0" : "::";
        default -> throw new IllegalArgumentException(word);
      };
    }

    private String in(String text) {
      String replaced = text;
      for (String word : List.of("EXTERNAL", "INGRESS", "PROXIED")) {
        replaced = replaced.replaceAll("\\b" + word + "\\b", '"' + of(word) + '"');
      }
      return replaced;
    }
  }

  private final Stack stack;
  private final List<String> annotations = new ArrayList<>();
  private final List<EndpointSlice> slices = new ArrayList<>();
  private String name = "web";
  private String labels = "{}";
  private String spec = "";
  private String ingress = "[]";
  private Set<Frontend> taken = Set.of();
  private Here here = new Here("node1", "a", Set.of());

  ServiceRulesRig(Stack stack) {
    this.stack = stack;
  }

  ServiceRulesRig spec(String lines) {
    spec = lines;
    return this;
  }

  ServiceRulesRig ingress(String list) {
    ingress = list;
    return this;
  }

  ServiceRulesRig name(String other) {
    name = other;
    return this;
  }

  ServiceRulesRig labels(String map) {
    labels = map;
    return this;
  }

  ServiceRulesRig annotation(String line) {
    annotations.add(line);
    return this;
  }

  ServiceRulesRig maglev() {
    return annotation("lb.projectcalico.org/external-traffic-strategy: maglev");
  }

  ServiceRulesRig taken(Set<Frontend> frontends) {
    taken = frontends;
    return this;
  }

  ServiceRulesRig at(String node, String zone, String... addresses) {
    here =
        new Here(
            node, zone, Stream.of(addresses).map(IpAddress::parse).collect(Collectors.toSet()));
    return this;
  }

  ServiceRulesRig slice(String family, String ports, String... endpoints) {
    slices.add(
        (EndpointSlice)
            parse(
                """
                apiVersion: discovery.k8s.io/v1
                kind: EndpointSlice
                metadata: {name: s%d, labels: {kubernetes.io/service-name: web}}
                addressType: %s
                ports: %s
                endpoints: [%s]
                """
                    .formatted(slices.size(), family, ports, String.join(", ", endpoints))));
    return this;
  }

  private static Resource parse(String text) {
    var documents =
        new ManifestParser(Limits.DEFAULT).parse("m.yaml", text.getBytes(StandardCharsets.UTF_8));
    return documents.get(0).resource().orElseThrow(() -> new AssertionError(text + documents));
  }

  Service service() {
    String text =
        """
        apiVersion: v1
        kind: Service
        metadata:
          name: %s
          labels: %s
          annotations: {%s}
        status: {loadBalancer: {ingress: %s}}
        spec:
        """
            .formatted(name, labels, String.join(", ", annotations), stack.in(ingress));
    StringBuilder whole = new StringBuilder(text);
    if (!spec.contains("ExternalName")) {
      whole.append("  clusterIPs: [").append(stack.clusterIps).append("]\n");
    }
    stack.in(spec).lines().forEach(line -> whole.append("  ").append(line).append('\n'));
    return (Service) parse(whole.toString());
  }

  ServiceRules.Computed computed() {
    return ServiceRules.compute(service(), slices, taken, here);
  }

  List<String> notices() {
    return computed().notices();
  }

  /** The one service port. */
  WantedService only() {
    List<WantedService> services = computed().services();
    if (services.size() != 1) {
      throw new AssertionError(services.toString());
    }
    return services.get(0);
  }

  /** Flags in words, by "address:port/protocol", of all ports and families. */
  Map<String, String> frontends() {
    Map<Integer, String> words = new TreeMap<>();
    words.put(FrontendFlags.FRONTEND_CLUSTER_IP, "CLUSTER_IP");
    words.put(FrontendFlags.FRONTEND_EXTERNAL_IP, "EXTERNAL_IP");
    words.put(FrontendFlags.FRONTEND_LOAD_BALANCER, "LOAD_BALANCER");
    words.put(FrontendFlags.FRONTEND_NODE_PORT, "NODE_PORT");
    words.put(FrontendFlags.FRONTEND_LOCAL, "LOCAL");
    words.put(FrontendFlags.FRONTEND_SOURCE_RANGES, "SOURCE_RANGES");
    Map<String, String> found = new LinkedHashMap<>();
    for (WantedService service : computed().services()) {
      service
          .frontends()
          .forEach(
              (key, flags) ->
                  found.put(
                      key.addr() + ":" + key.port() + "/" + key.proto(),
                      words.entrySet().stream()
                          .filter(word -> (flags & word.getKey()) != 0)
                          .map(Map.Entry::getValue)
                          .collect(Collectors.joining(" "))));
    }
    return found;
  }

  /** The cluster's backends of a service port. */
  String backends(String serviceName) {
    return computed().services().stream()
        .filter(service -> service.name().text().equals(serviceName))
        .map(service -> words(service.cluster()))
        .findFirst()
        .orElseThrow();
  }

  /** "cluster's | this node's", of the one service port; what is on this node with a star. */
  String windows() {
    return words(only().cluster()) + " | " + words(only().local());
  }

  private static String words(List<Endpoint> endpoints) {
    return endpoints.stream()
        .map(e -> e.ip() + ":" + e.port() + (e.local() ? "*" : ""))
        .collect(Collectors.joining(" "));
  }
}
