// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** The services among the manifests that were applied to a lab, as a client sees them. */
public final class LabServices {
  /**
   * A service's address and port.
   *
   * @param service namespace/name
   * @param protocol tcp or udp
   * @param pods namespace/name of those that serve it, on whatever node, as the manifests say
   * @param strangers whether others than the lab's pods serve it
   */
  public record Frontend(
      String service,
      String protocol,
      String address,
      int port,
      Set<String> pods,
      boolean strangers) {
    /** Whether a pod answers. */
    public boolean served() {
      return !pods.isEmpty();
    }

    /** Whether only others than the lab's pods answer, of whom nothing can be said. */
    public boolean unknown() {
      return pods.isEmpty() && strangers;
    }

    /** Address and port. */
    public String text() {
      return (address.contains(":") ? "[" + address + "]" : address) + ":" + port;
    }
  }

  private LabServices() {}

  /** All frontends with a cluster address, TCP and UDP, in the order of the manifests. */
  public static List<Frontend> of(Lab lab, Topology topology) {
    List<JsonNode> documents = Manifests.read(lab.names().manifests());
    Map<String, String> podByAddress = new TreeMap<>();
    for (Topology.Pod pod : topology.pods()) {
      podByAddress.put(Addresses.pod4(topology, pod), pod.id());
      podByAddress.put(Addresses.pod6(topology, pod), pod.id());
    }
    List<Frontend> frontends = new ArrayList<>();
    for (JsonNode service : documents) {
      if (service.path("kind").asText().equals("Service")) {
        add(service, documents, podByAddress, frontends);
      }
    }
    return frontends;
  }

  private static void add(
      JsonNode service,
      List<JsonNode> documents,
      Map<String, String> podByAddress,
      List<Frontend> frontends) {
    String name = idOf(service);
    for (JsonNode address : service.path("spec").path("clusterIPs")) {
      boolean v6 = address.asText().contains(":");
      for (JsonNode port : service.path("spec").path("ports")) {
        String protocol = port.path("protocol").asText("TCP").toLowerCase(Locale.ROOT);
        if (protocol.equals("sctp")) {
          // The traffic client does not speak it.
          continue;
        }
        Set<String> pods = pods(name, v6, port.path("name").asText(), documents, podByAddress);
        frontends.add(
            new Frontend(
                name,
                protocol,
                address.asText(),
                port.path("port").asInt(),
                pods.stream().filter(podByAddress::containsValue).collect(Collectors.toSet()),
                !podByAddress.values().containsAll(pods)));
      }
    }
  }

  private static Set<String> pods(
      String service,
      boolean v6,
      String portName,
      List<JsonNode> documents,
      Map<String, String> podByAddress) {
    Set<String> pods = new TreeSet<>();
    for (JsonNode slice : documents) {
      JsonNode meta = slice.path("metadata");
      String owner =
          meta.path("namespace").asText("default")
              + "/"
              + meta.path("labels").path("kubernetes.io/service-name").asText();
      boolean serves =
          slice.path("kind").asText().equals("EndpointSlice")
              && owner.equals(service)
              && slice.path("addressType").asText().equals(v6 ? "IPv6" : "IPv4")
              && slice.path("ports").findValuesAsText("name").contains(portName);
      if (!serves) {
        continue;
      }
      for (JsonNode endpoint : slice.path("endpoints")) {
        if (endpoint.path("conditions").path("ready").asBoolean(true)) {
          // Whose address is not known here is named by it.
          String address = endpoint.path("addresses").path(0).asText();
          pods.add(podByAddress.getOrDefault(address, address));
        }
      }
    }
    return pods;
  }

  private static String idOf(JsonNode document) {
    JsonNode meta = document.path("metadata");
    return meta.path("namespace").asText("default") + "/" + meta.path("name").asText();
  }
}
