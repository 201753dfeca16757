// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import io.sluice.cluster.resources.ResourceApi.Reply;
import io.sluice.config.model.Kind;
import io.sluice.config.model.Manifest;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.source.Snapshot;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/** Answers from what this node has. */
final class ResourceReader {
  private final Supplier<Snapshot> view;

  ResourceReader(Supplier<Snapshot> view) {
    this.view = view;
  }

  Reply get(Kind kind, String namespace, String name) {
    ResourceKey key = new ResourceKey(kind, namespace, name);
    Manifest manifest = view.get().manifests().get(key);
    return manifest == null
        ? Reply.error(404, List.of(key + " is not there"))
        : new Reply(200, manifest.json().getBytes(StandardCharsets.UTF_8));
  }

  Reply list(Kind kind, Optional<String> namespace) {
    Snapshot now = view.get();
    ByteArrayOutputStream json = new ByteArrayOutputStream();
    write(json, "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"");
    write(json, now.revision() + "\"},\"items\":[");
    String[] separator = {""};
    now.manifests().entrySet().stream()
        .filter(entry -> entry.getKey().kind() == kind)
        .filter(entry -> namespace.map(entry.getKey().namespace()::equals).orElse(true))
        .sorted(Map.Entry.comparingByKey())
        .forEach(
            entry -> {
              write(json, separator[0] + entry.getValue().json());
              separator[0] = ",";
            });
    write(json, "]}");
    return new Reply(200, json.toByteArray());
  }

  private static void write(ByteArrayOutputStream to, String text) {
    to.writeBytes(text.getBytes(StandardCharsets.UTF_8));
  }
}
