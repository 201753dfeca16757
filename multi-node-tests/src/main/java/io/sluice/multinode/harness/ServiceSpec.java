// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.harness;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.lab.Addresses;
import io.sluice.lab.Topology;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * A dual-stack service and its EndpointSlices, with TCP port 80 to its pods' 8080 and UDP port 53
 * to their 5353 unless said otherwise; a ClusterIP service, unless it is given more.
 *
 * @param number the last part of its addresses, 10.96.0.N and fd00:96::N
 * @param ports what it offers
 * @param pods names of pods in {@code default}; their addresses are its endpoints
 * @param others further endpoints: addresses of both families that are no pods'
 * @param annotations of the Service
 * @param fields of the Service's spec besides, or instead
 * @param ingress addresses of its load balancer
 */
public record ServiceSpec(
    String name,
    int number,
    List<Port> ports,
    List<String> pods,
    List<String> others,
    Map<String, String> annotations,
    Map<String, Object> fields,
    List<String> ingress) {
  /**
   * A port of a service, and the port of its pods.
   *
   * @param nodePort 0: none
   */
  public record Port(String name, String protocol, int port, int target, int nodePort) {
    public Port(String name, String protocol, int port, int target) {
      this(name, protocol, port, target, 0);
    }
  }

  /** What {@code dump nat} shows of one backend of one frontend. */
  public record Row(String protocol, String frontend, String backend) {}

  public static final int TCP_PORT = 80;
  public static final int UDP_PORT = 53;

  private static final String EXTERNAL_STRATEGY = "lb.projectcalico.org/external-traffic-strategy";

  private static final List<Port> USUAL =
      List.of(new Port("http", "TCP", TCP_PORT, 8080), new Port("dns", "UDP", UDP_PORT, 5353));

  private static final ObjectMapper JSON = new ObjectMapper();

  public ServiceSpec {
    ports = List.copyOf(ports);
    pods = List.copyOf(pods);
    others = List.copyOf(others);
    annotations = Map.copyOf(annotations);
    fields = Map.copyOf(fields);
    ingress = List.copyOf(ingress);
  }

  public static ServiceSpec of(String name, int number, String... pods) {
    return new ServiceSpec(
        name, number, USUAL, List.of(pods), List.of(), Map.of(), Map.of(), List.of());
  }

  /** The same service with these pods behind it. */
  public ServiceSpec with(String... otherPods) {
    return new ServiceSpec(
        name, number, ports, List.of(otherPods), others, annotations, fields, ingress);
  }

  /** The same service with these ports instead. */
  public ServiceSpec offering(Port... otherPorts) {
    return new ServiceSpec(
        name, number, List.of(otherPorts), pods, others, annotations, fields, ingress);
  }

  /** The same service with these addresses behind it, besides pods. */
  public ServiceSpec at(String... addresses) {
    return new ServiceSpec(
        name, number, ports, pods, List.of(addresses), annotations, fields, ingress);
  }

  /** The same service with tables that are the same on all nodes. */
  public ServiceSpec withMaglev() {
    return annotated(EXTERNAL_STRATEGY, "maglev");
  }

  /** The same service with an annotation more. */
  public ServiceSpec annotated(String key, String value) {
    Map<String, String> more = new TreeMap<>(annotations);
    more.put(key, value);
    return new ServiceSpec(name, number, ports, pods, others, more, fields, ingress);
  }

  /** The same service with a field of its spec more, such as externalTrafficPolicy. */
  public ServiceSpec having(String field, Object value) {
    Map<String, Object> more = new TreeMap<>(fields);
    more.put(field, value);
    return new ServiceSpec(name, number, ports, pods, others, annotations, more, ingress);
  }

  /** The same service with a node port for each of its ports, the first with this number. */
  public ServiceSpec onNodePorts(int first) {
    List<Port> numbered = new ArrayList<>();
    for (Port p : ports) {
      int nodePort = first + numbered.size();
      numbered.add(new Port(p.name(), p.protocol(), p.port(), p.target(), nodePort));
    }
    ServiceSpec typed = fields.containsKey("type") ? this : having("type", "NodePort");
    return typed.offering(numbered.toArray(Port[]::new));
  }

  /**
   * The same service behind a load balancer with an address of both families, of those that the
   * lab's router spreads over the nodes: 203.0.113.N and fd00:203::N.
   */
  public ServiceSpec balancedAt(int last) {
    ServiceSpec typed = having("type", "LoadBalancer");
    List<String> addresses = List.of("203.0.113." + last, "fd00:203::" + Integer.toString(last));
    return new ServiceSpec(
        name, number, typed.ports, pods, others, annotations, typed.fields, addresses);
  }

  public String address(IpVersion version) {
    return version.of("10.96.0." + number, "fd00:96::" + Integer.toString(number));
  }

  /** The address of its load balancer. */
  public String balancer(IpVersion version) {
    return ingress.stream()
        .filter(a -> a.contains(":") == (version == IpVersion.V6))
        .findFirst()
        .orElseThrow();
  }

  /** Its port for a protocol, {@code tcp} or {@code udp}. */
  public int port(String protocol) {
    return portOf(protocol).port();
  }

  /** The node port of its port for a protocol. */
  public int nodePort(String protocol) {
    return portOf(protocol).nodePort();
  }

  private Port portOf(String protocol) {
    return ports.stream()
        .filter(p -> p.protocol().equalsIgnoreCase(protocol))
        .findFirst()
        .orElseThrow();
  }

  /**
   * What one can ask it by from outside, as dumps show frontends, but for node ports' addresses.
   */
  boolean isFrontend(String frontend) {
    return ports.stream()
        .anyMatch(
            p ->
                Stream.concat(Stream.of(IpVersion.values()).map(this::address), addressesOutside())
                        .anyMatch(a -> frontend.equals(IpVersion.endpoint(a, p.port())))
                    || (p.nodePort() != 0 && frontend.endsWith(":" + p.nodePort())));
  }

  /** How many different frontends it has: addresses, node ports of both families. */
  int frontends() {
    int outside = (int) addressesOutside().count();
    return ports.stream().mapToInt(p -> 2 + outside + (p.nodePort() == 0 ? 0 : 2)).sum();
  }

  private Stream<String> addressesOutside() {
    List<String> all = new ArrayList<>(ingress);
    if (fields.get("externalIPs") instanceof List<?> more) {
      more.forEach(address -> all.add((String) address));
    }
    return all.stream();
  }

  /** The rows of {@code dump nat} that it should have; without pods, each with an empty backend. */
  public Set<Row> rows(Topology topology) {
    Set<Row> rows = new HashSet<>();
    for (IpVersion version : IpVersion.values()) {
      for (Port port : ports) {
        String protocol = port.protocol().toLowerCase(Locale.ROOT);
        String frontend = IpVersion.endpoint(address(version), port.port());
        if (pods.isEmpty() && others.isEmpty()) {
          rows.add(new Row(protocol, frontend, ""));
        }
        for (String address : endpoints(topology, version)) {
          rows.add(new Row(protocol, frontend, IpVersion.endpoint(address, port.target())));
        }
      }
    }
    return rows;
  }

  private List<String> endpoints(Topology topology, IpVersion version) {
    Stream<String> ofPods =
        pods.stream()
            .map(pod -> pod(topology, pod))
            .map(p -> version.of(Addresses.pod4(topology, p), Addresses.pod6(topology, p)));
    boolean v6 = version == IpVersion.V6;
    return Stream.concat(ofPods, others.stream().filter(a -> a.contains(":") == v6)).toList();
  }

  private static Topology.Pod pod(Topology topology, String name) {
    return topology.pods().stream()
        .filter(p -> p.id().equals("default/" + name))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no pod default/" + name));
  }

  /** Its manifests: a Service and an EndpointSlice for each family. */
  public String yaml(Topology topology) {
    List<String> lines = new ArrayList<>();
    lines.add("apiVersion: v1");
    lines.add("kind: Service");
    lines.add(
        "metadata: {name: "
            + name
            + ", namespace: default, annotations: "
            + json(annotations)
            + "}");
    lines.add("spec: " + json(spec()));
    if (!ingress.isEmpty()) {
      List<Map<String, String>> addresses = ingress.stream().map(a -> Map.of("ip", a)).toList();
      lines.add("status: " + json(Map.of("loadBalancer", Map.of("ingress", addresses))));
    }
    for (IpVersion version : IpVersion.values()) {
      slice(lines, topology, version);
    }
    return String.join("\n", lines) + "\n";
  }

  private Map<String, Object> spec() {
    Map<String, Object> spec = new TreeMap<>();
    List<String> addresses = Stream.of(IpVersion.values()).map(this::address).toList();
    spec.put("type", "ClusterIP");
    spec.put("clusterIP", addresses.get(0));
    spec.put("clusterIPs", addresses);
    spec.put("ipFamilies", List.of("IPv4", "IPv6"));
    spec.put("ipFamilyPolicy", "RequireDualStack");
    List<Map<String, Object>> all = new ArrayList<>();
    for (Port p : ports) {
      Map<String, Object> port = new TreeMap<>();
      port.put("name", p.name());
      port.put("protocol", p.protocol());
      port.put("port", p.port());
      port.put("targetPort", p.target());
      if (p.nodePort() != 0) {
        port.put("nodePort", p.nodePort());
      }
      all.add(port);
    }
    spec.put("ports", all);
    spec.putAll(fields);
    return spec;
  }

  /** JSON is YAML, too. */
  private static String json(Object value) {
    try {
      return JSON.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(e);
    }
  }

  private void slice(List<String> lines, Topology topology, IpVersion version) {
    lines.add("---");
    lines.add("apiVersion: discovery.k8s.io/v1");
    lines.add("kind: EndpointSlice");
    lines.add("metadata:");
    lines.add("  name: " + name + "-" + version.of("ipv4", "ipv6"));
    lines.add("  namespace: default");
    lines.add("  labels: {kubernetes.io/service-name: " + name + "}");
    lines.add("addressType: " + version.of("IPv4", "IPv6"));
    lines.add("ports:");
    for (Port p : ports) {
      lines.add(
          String.format(
              "- {name: %s, protocol: %s, port: %d}", p.name(), p.protocol(), p.target()));
    }
    List<String> addresses = endpoints(topology, version);
    lines.add(addresses.isEmpty() ? "endpoints: []" : "endpoints:");
    for (String address : addresses) {
      lines.add("- {addresses: [\"" + address + "\"], conditions: {ready: true}}");
    }
  }
}
