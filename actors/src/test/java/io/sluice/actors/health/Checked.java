// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.health;

import io.sluice.actors.testing.Resources;
import io.sluice.config.model.Resource;
import io.sluice.config.parse.Limits;
import io.sluice.config.parse.ManifestParser;
import io.sluice.config.source.Snapshot;
import java.nio.charset.StandardCharsets;

/** Services with health checks, as a source would deliver them. */
final class Checked {
  private Checked() {}

  static Snapshot snapshot(String... manifests) {
    Resource[] resources =
        new ManifestParser(Limits.DEFAULT)
                .parse("test", String.join("\n---\n", manifests).getBytes(StandardCharsets.UTF_8))
                .stream()
                .map(document -> document.resource().orElseThrow())
                .toArray(Resource[]::new);
    return Resources.snapshot(true, resources);
  }

  static String service(String name, String type, String policy, int port) {
    return """
    apiVersion: v1
    kind: Service
    metadata: {name: %s, namespace: default}
    spec:
      type: %s
      clusterIP: 10.96.0.10
      externalTrafficPolicy: %s
      %s
      ports: [{name: http, port: 80, targetPort: 8080, nodePort: 30080}]
    """
        .formatted(name, type, policy, port == 0 ? "" : "healthCheckNodePort: " + port);
  }

  static String local(String name, int port) {
    return service(name, "LoadBalancer", "Local", port);
  }

  /**
   * @param endpoints as in a list of YAML
   */
  static String slice(String service, String suffix, String family, String... endpoints) {
    return """
    apiVersion: discovery.k8s.io/v1
    kind: EndpointSlice
    metadata:
      name: %1$s-%2$s
      namespace: default
      labels: {kubernetes.io/service-name: %1$s}
    addressType: %3$s
    ports: [{name: http, port: 8080}]
    endpoints: [%4$s]
    """
        .formatted(service, suffix, family, String.join(", ", endpoints));
  }

  static String slices(String service, String... endpoints) {
    return slice(service, "a", "IPv4", endpoints);
  }

  static String endpoint(String address, String node) {
    return "{addresses: [\"%s\"], nodeName: %s}".formatted(address, node);
  }

  static String endpoint(String address, String node, String conditions) {
    return "{addresses: [\"%s\"], nodeName: %s, conditions: {%s}}"
        .formatted(address, node, conditions);
  }

  static String node(String name, String metadata, String spec) {
    return "{apiVersion: v1, kind: Node, metadata: {name: %s%s}, spec: {%s}}"
        .formatted(name, metadata, spec);
  }
}
