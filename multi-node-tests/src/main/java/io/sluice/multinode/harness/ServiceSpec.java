// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.harness;

import io.sluice.lab.Addresses;
import io.sluice.lab.Topology;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;

/**
 * A dual-stack ClusterIP service and its EndpointSlices, with TCP port 80 to its pods' 8080 and UDP
 * port 53 to their 5353 unless said otherwise.
 *
 * @param number the last part of its addresses, 10.96.0.N and fd00:96::N
 * @param ports what it offers
 * @param pods names of pods in {@code default}; their addresses are its endpoints
 * @param others further endpoints: addresses of both families that are no pods'
 * @param maglev whether it asks for tables that are the same on all nodes
 */
public record ServiceSpec(
    String name,
    int number,
    List<Port> ports,
    List<String> pods,
    List<String> others,
    boolean maglev) {
  /** A port of a service, and the port of its pods. */
  public record Port(String name, String protocol, int port, int target) {}

  /** What {@code dump nat} shows of one backend of one frontend. */
  public record Row(String protocol, String frontend, String backend) {}

  public static final int TCP_PORT = 80;
  public static final int UDP_PORT = 53;

  private static final List<Port> USUAL =
      List.of(new Port("http", "TCP", TCP_PORT, 8080), new Port("dns", "UDP", UDP_PORT, 5353));

  public ServiceSpec {
    ports = List.copyOf(ports);
    pods = List.copyOf(pods);
    others = List.copyOf(others);
  }

  public static ServiceSpec of(String name, int number, String... pods) {
    return new ServiceSpec(name, number, USUAL, List.of(pods), List.of(), false);
  }

  /** The same service with these pods behind it. */
  public ServiceSpec with(String... otherPods) {
    return new ServiceSpec(name, number, ports, List.of(otherPods), others, maglev);
  }

  /** The same service with these ports instead. */
  public ServiceSpec offering(Port... otherPorts) {
    return new ServiceSpec(name, number, List.of(otherPorts), pods, others, maglev);
  }

  /** The same service with these addresses behind it, besides pods. */
  public ServiceSpec at(String... addresses) {
    return new ServiceSpec(name, number, ports, pods, List.of(addresses), maglev);
  }

  /** The same service with tables that are the same on all nodes. */
  public ServiceSpec withMaglev() {
    return new ServiceSpec(name, number, ports, pods, others, true);
  }

  public String address(IpVersion version) {
    return version.of("10.96.0." + number, "fd00:96::" + Integer.toString(number));
  }

  /** Its port for a protocol, {@code tcp} or {@code udp}. */
  public int port(String protocol) {
    return ports.stream()
        .filter(p -> p.protocol().equalsIgnoreCase(protocol))
        .findFirst()
        .orElseThrow()
        .port();
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
    lines.add("metadata: {name: " + name + ", namespace: default" + annotations() + "}");
    lines.add("spec:");
    lines.add("  type: ClusterIP");
    lines.add("  clusterIP: " + address(IpVersion.V4));
    lines.add(
        "  clusterIPs: [\"" + address(IpVersion.V4) + "\", \"" + address(IpVersion.V6) + "\"]");
    lines.add("  ipFamilies: [IPv4, IPv6]");
    lines.add("  ipFamilyPolicy: RequireDualStack");
    lines.add("  ports:");
    for (Port p : ports) {
      lines.add(
          String.format(
              "  - {name: %s, protocol: %s, port: %d, targetPort: %d}",
              p.name(), p.protocol(), p.port(), p.target()));
    }
    for (IpVersion version : IpVersion.values()) {
      slice(lines, topology, version);
    }
    return String.join("\n", lines) + "\n";
  }

  private String annotations() {
    return maglev
        ? ", annotations: {lb.projectcalico.org/external-traffic-strategy: maglev}"
        : "";
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
