// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.Weights;
import io.sluice.config.text.Text;
import java.util.HashMap;
import java.util.Map;

/** Reads the annotations that say how a service chooses among its backends. */
final class BalancingAnnotations {
  /** Calico's; the one strategy there is is "maglev". */
  static final String STRATEGY = "lb.projectcalico.org/external-traffic-strategy";

  /** Ours: JSON, from addresses of backends to their weights. */
  static final String WEIGHTS = "sluice.io/weights";

  private static final String FIELD = "annotations";
  private static final ObjectMapper JSON = new ObjectMapper();

  private BalancingAnnotations() {}

  /** Whether a service wants a Maglev table. */
  static boolean maglev(MetaBinder.Bound meta) {
    String strategy = meta.meta().annotations().get(STRATEGY);
    boolean maglev = strategy != null && strategy.strip().equalsIgnoreCase("maglev");
    if (strategy != null && !maglev) {
      meta.fields()
          .warning(
              FIELD,
              STRATEGY
                  + ": there is no strategy "
                  + Text.quote(strategy)
                  + ", only maglev: backends are chosen at random");
    }
    return maglev;
  }

  /** The weights of backends. */
  static Weights weights(MetaBinder.Bound meta) {
    String text = meta.meta().annotations().get(WEIGHTS);
    if (text == null) {
      return Weights.NONE;
    }
    try {
      return new Weights(weights(text));
    } catch (IllegalArgumentException e) {
      meta.fields().error(FIELD, WEIGHTS + ": " + e.getMessage());
      return Weights.NONE;
    }
  }

  private static Map<IpAddress, Integer> weights(String text) {
    JsonNode json;
    try {
      json = JSON.readTree(text);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(notJson(text), e);
    }
    if (json == null || !json.isObject()) {
      throw new IllegalArgumentException(notJson(text));
    }
    Map<IpAddress, Integer> weights = new HashMap<>();
    for (Map.Entry<String, JsonNode> entry : json.properties()) {
      JsonNode weight = entry.getValue();
      if (!weight.isInt() || weight.intValue() < 1 || weight.intValue() > Weights.MAX) {
        throw new IllegalArgumentException(
            "the weight of %s is %s, want 1 to %d".formatted(entry.getKey(), weight, Weights.MAX));
      }
      weights.put(IpAddress.parse(entry.getKey()), weight.intValue());
    }
    return weights;
  }

  private static String notJson(String text) {
    return Text.quote(text) + " is not JSON of the form {\"10.0.0.1\": 2}";
  }
}
