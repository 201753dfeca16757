// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.config.model.Manifest;
import io.sluice.config.model.ResourceKey;
import java.util.List;

/**
 * Manifests in the one form in which they are stored: JSON without white space, apiVersion, kind
 * and metadata first, of which name and namespace come first and what the store sets is left out.
 * All else is in the author's order.
 */
final class Documents {
  static final String METADATA = "\"metadata\":{";

  /** What a server sets, whatever a manifest says; a manifest that was exported has them. */
  private static final List<String> SERVERS =
      List.of(
          "uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink");

  private static final ObjectMapper JSON = new ObjectMapper();

  private Documents() {}

  static String body(ResourceKey key, Manifest manifest) {
    ObjectNode from = (ObjectNode) manifest.tree();
    ObjectNode to = JSON.createObjectNode();
    to.set("apiVersion", from.get("apiVersion"));
    to.set("kind", from.get("kind"));
    ObjectNode metadata = to.putObject("metadata");
    metadata.put("name", key.name());
    if (!key.namespace().isEmpty()) {
      metadata.put("namespace", key.namespace());
    }
    for (var field : from.get("metadata").properties()) {
      boolean named = field.getKey().equals("name") || field.getKey().equals("namespace");
      if (!named && !SERVERS.contains(field.getKey())) {
        metadata.set(field.getKey(), field.getValue());
      }
    }
    for (var field : from.properties()) {
      if (!to.has(field.getKey())) {
        to.set(field.getKey(), field.getValue());
      }
    }
    return to.toString();
  }

  /** How the metadata begins; names need no escapes. */
  static String names(String namespace, String name) {
    return "\"name\":\""
        + name
        + (namespace.isEmpty() ? "\"" : "\",\"namespace\":\"" + namespace + "\"");
  }

  /** Whether two say the same, in whatever order. */
  static boolean same(String a, String b) {
    return a.equals(b) || read(a).equals(read(b));
  }

  private static JsonNode read(String json) {
    try {
      return JSON.readTree(json);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("the store holds what is not JSON", e);
    }
  }
}
