// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.config.cli.Table;
import io.sluice.config.model.EndpointSlice;
import io.sluice.config.model.Kind;
import java.io.PrintWriter;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/** Columns for each kind of resource, out of its manifest. */
final class ResourceTable {
  /** Kinds whose labels selectors look at. */
  private static final Set<Kind> WITH_LABELS =
      EnumSet.of(
          Kind.NAMESPACE,
          Kind.POD,
          Kind.WORKLOAD_ENDPOINT,
          Kind.SERVICE_ACCOUNT,
          Kind.NETWORK_SET,
          Kind.GLOBAL_NETWORK_SET,
          Kind.HOST_ENDPOINT);

  private final Map<String, Function<JsonNode, String>> columns = new LinkedHashMap<>();
  private final Map<String, Map<String, int[]>> backends = new HashMap<>();

  /**
   * @param slices for the number of a service's backends
   */
  ResourceTable(Kind kind, boolean wide, boolean namespaces, List<JsonNode> slices) {
    slices.forEach(this::count);
    if (namespaces && kind.namespaced()) {
      column("NAMESPACE", "/metadata/namespace");
    }
    column("NAME", "/metadata/name");
    switch (kind) {
      case SERVICE -> service(wide);
      case ENDPOINT_SLICE -> slice(wide);
      case NODE -> {
        columns.put("ADDRESSES", node -> each(node.at("/status/addresses"), "address"));
        columns.put(
            "POD-CIDRS", node -> either(node.at("/spec/podCIDRs"), node.at("/spec/podCIDR")));
      }
      case POD -> {
        column("NODE", "/spec/nodeName");
        columns.put(
            "IPS", pod -> either(each(pod.at("/status/podIPs"), "ip"), pod.at("/status/podIP")));
      }
      case WORKLOAD_ENDPOINT -> {
        column("NODE", "/spec/node");
        column("POD", "/spec/pod");
        column("INTERFACE", "/spec/interfaceName");
        column("NETWORKS", "/spec/ipNetworks");
      }
      case IP_POOL -> {
        column("CIDR", "/spec/cidr");
        column("VXLAN", "/spec/vxlanMode");
        column("NAT-OUTGOING", "/spec/natOutgoing");
        column("DISABLED", "/spec/disabled");
      }
      case FELIX_CONFIGURATION ->
          columns.put(
              "SETTINGS", one -> wide ? settings(one.path("spec")) : one.path("spec").size() + "");
      case NETWORK_POLICY, CALICO_NETWORK_POLICY, GLOBAL_NETWORK_POLICY -> policy(wide);
      case TIER -> {
        columns.put("ORDER", one -> PolicyColumns.number(one.at("/spec/order")));
        columns.put("DEFAULT-ACTION", one -> one.at("/spec/defaultAction").asText("Deny"));
      }
      case NETWORK_SET, GLOBAL_NETWORK_SET ->
          columns.put("NETS", one -> Integer.toString(one.at("/spec/nets").size()));
      case HOST_ENDPOINT -> {
        column("NODE", "/spec/node");
        column("INTERFACE", "/spec/interfaceName");
        column("EXPECTED-IPS", "/spec/expectedIPs");
        if (wide) {
          column("PROFILES", "/spec/profiles");
        }
      }
      case PROFILE -> columns.put("RULES", PolicyColumns::rules);
      case NAMESPACE, SERVICE_ACCOUNT -> {}
    }
    if (wide && WITH_LABELS.contains(kind)) {
      columns.put("LABELS", one -> settings(one.at("/metadata/labels")));
    }
    if (wide) {
      column("VERSION", "/metadata/resourceVersion");
    }
    columns.put("AGE", one -> age(one.at("/metadata/creationTimestamp").asText()));
  }

  private void policy(boolean wide) {
    columns.put("TIER", PolicyColumns::tier);
    columns.put("ORDER", PolicyColumns::order);
    columns.put("SELECTOR", PolicyColumns::selector);
    columns.put("TYPES", PolicyColumns::types);
    if (wide) {
      columns.put("RULES", PolicyColumns::rules);
    }
  }

  private void service(boolean wide) {
    columns.put("TYPE", s -> s.at("/spec/type").asText("ClusterIP"));
    columns.put("CLUSTER-IPS", s -> either(s.at("/spec/clusterIPs"), s.at("/spec/clusterIP")));
    columns.put(
        "EXTERNAL-IPS",
        s ->
            join(
                text(s.at("/spec/externalIPs")), each(s.at("/status/loadBalancer/ingress"), "ip")));
    columns.put("PORTS", s -> ports(s.at("/spec/ports")));
    columns.put("BACKENDS", this::backends);
    if (wide) {
      columns.put("SELECTOR", s -> settings(s.at("/spec/selector")));
    }
  }

  private void slice(boolean wide) {
    columns.put(
        "SERVICE",
        s -> s.path("metadata").path("labels").path(EndpointSlice.SERVICE_LABEL).asText());
    column("TYPE", "/addressType");
    columns.put("PORTS", s -> ports(s.path("ports")));
    columns.put(
        "READY",
        s -> {
          int[] count = ready(s.path("endpoints"));
          return count[0] + "/" + count[1];
        });
    if (wide) {
      columns.put("ADDRESSES", s -> each(s.path("endpoints"), "addresses"));
    }
  }

  void print(List<JsonNode> items, PrintWriter out) {
    Table table = new Table(columns.keySet().toArray(String[]::new));
    for (JsonNode item : items) {
      table.add(columns.values().stream().map(column -> column.apply(item)).toArray());
    }
    table.print(out);
  }

  private void column(String heading, String path) {
    columns.put(heading, item -> text(item.at(path)));
  }

  private void count(JsonNode slice) {
    String service =
        slice.path("metadata").path("labels").path(EndpointSlice.SERVICE_LABEL).asText();
    String key = slice.at("/metadata/namespace").asText("default") + "/" + service;
    int[] more = ready(slice.path("endpoints"));
    int[] sum =
        backends
            .computeIfAbsent(key, any -> new HashMap<>())
            .computeIfAbsent(slice.path("addressType").asText(), any -> new int[2]);
    sum[0] += more[0];
    sum[1] += more[1];
  }

  /** How many are ready, of how many; what does not say counts as ready. */
  private static int[] ready(JsonNode endpoints) {
    int[] count = new int[2];
    for (JsonNode endpoint : endpoints) {
      count[0] += endpoint.at("/conditions/ready").asBoolean(true) ? 1 : 0;
      count[1]++;
    }
    return count;
  }

  /** A backend of two families is one: the family with more of them counts. */
  private String backends(JsonNode service) {
    String key =
        service.at("/metadata/namespace").asText("default")
            + "/"
            + service.at("/metadata/name").asText();
    int ready = 0;
    int all = 0;
    for (int[] family : backends.getOrDefault(key, Map.of()).values()) {
      ready = Math.max(ready, family[0]);
      all = Math.max(all, family[1]);
    }
    return ready + "/" + all;
  }

  private static String ports(JsonNode ports) {
    List<String> texts = new ArrayList<>();
    for (JsonNode port : ports) {
      String nodePort = port.has("nodePort") ? ":" + port.path("nodePort").asText() : "";
      texts.add(port.path("port").asText() + nodePort + "/" + port.path("protocol").asText("TCP"));
    }
    return String.join(",", texts);
  }

  private static String text(JsonNode value) {
    if (!value.isArray()) {
      return value.isMissingNode() || value.isNull() ? "" : value.asText();
    }
    List<String> texts = new ArrayList<>();
    value.forEach(one -> texts.add(text(one)));
    return String.join(",", texts);
  }

  private static String each(JsonNode objects, String field) {
    List<String> texts = new ArrayList<>();
    for (JsonNode object : objects) {
      String text = text(object.path(field));
      if (!text.isEmpty()) {
        texts.add(text);
      }
    }
    return String.join(",", texts);
  }

  private static String either(JsonNode list, JsonNode one) {
    return either(text(list), one);
  }

  private static String either(String list, JsonNode one) {
    return list.isEmpty() ? text(one) : list;
  }

  private static String join(String a, String b) {
    return a.isEmpty() || b.isEmpty() ? a + b : a + "," + b;
  }

  private static String settings(JsonNode map) {
    List<String> texts = new ArrayList<>();
    map.properties()
        .forEach(
            entry ->
                texts.add(
                    entry.getKey()
                        + "="
                        + (entry.getValue().isContainerNode()
                            ? entry.getValue().toString()
                            : entry.getValue().asText())));
    return String.join(",", texts);
  }

  private static String age(String created) {
    try {
      Duration age = Duration.between(Instant.parse(created), Instant.now());
      return age.toDays() > 1
          ? age.toDays() + "d"
          : DumpCommand.duration(Math.max(0, age.toMillis() / 1000.0));
    } catch (DateTimeException e) {
      return "";
    }
  }
}
