// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/** What a table shows of a policy, out of its manifest: what is left out there is filled in. */
final class PolicyColumns {
  private PolicyColumns() {}

  static String tier(JsonNode policy) {
    String tier = policy.at("/spec/tier").asText();
    return tier.isEmpty() ? "default" : tier;
  }

  /** Kubernetes' policies have none of their own: they are asked as if they had this one. */
  static String order(JsonNode policy) {
    return isKubernetes(policy) ? "1000" : number(policy.at("/spec/order"));
  }

  static String number(JsonNode order) {
    return order.isMissingNode() || order.isNull() ? "-" : order.asText();
  }

  private static boolean isKubernetes(JsonNode policy) {
    return policy.path("apiVersion").asText().startsWith("networking.k8s.io/");
  }

  static String selector(JsonNode policy) {
    String selector =
        isKubernetes(policy)
            ? labels(policy.at("/spec/podSelector"))
            : policy.at("/spec/selector").asText();
    return selector.isBlank() ? "all()" : selector;
  }

  /** As Calico would write it. */
  private static String labels(JsonNode selector) {
    List<String> parts = new ArrayList<>();
    selector
        .path("matchLabels")
        .properties()
        .forEach(label -> parts.add(label.getKey() + " == '" + label.getValue().asText() + "'"));
    for (JsonNode one : selector.path("matchExpressions")) {
      String key = one.path("key").asText();
      List<String> values = new ArrayList<>();
      one.path("values").forEach(value -> values.add("'" + value.asText() + "'"));
      String set = " {" + String.join(", ", values) + "}";
      parts.add(
          switch (one.path("operator").asText()) {
            case "In" -> key + " in" + set;
            case "NotIn" -> key + " not in" + set;
            case "DoesNotExist" -> "!has(" + key + ")";
            default -> "has(" + key + ")";
          });
    }
    return String.join(" && ", parts);
  }

  static String types(JsonNode policy) {
    JsonNode given = policy.at(isKubernetes(policy) ? "/spec/policyTypes" : "/spec/types");
    List<String> types = new ArrayList<>();
    given.forEach(type -> types.add(type.asText()));
    if (types.isEmpty()) {
      boolean out = !policy.at("/spec/egress").isEmpty();
      if (!out || isKubernetes(policy) || !policy.at("/spec/ingress").isEmpty()) {
        types.add("Ingress");
      }
      if (out) {
        types.add("Egress");
      }
    }
    return String.join(",", types);
  }

  /** How many rules there are for each direction. */
  static String rules(JsonNode one) {
    return one.at("/spec/ingress").size() + " in, " + one.at("/spec/egress").size() + " out";
  }
}
