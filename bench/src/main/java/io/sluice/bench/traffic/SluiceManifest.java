// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.traffic;

import io.sluice.kernel.layout.Family;
import java.util.stream.Collectors;

/** Services and their slices, as Kubernetes has them. */
final class SluiceManifest {
  private SluiceManifest() {}

  /**
   * @param node the name of the node whose pods are behind the service that is measured
   */
  static String of(Services services, String node) {
    StringBuilder text = new StringBuilder();
    text.append("{apiVersion: v1, kind: Namespace, metadata: {name: bench}}\n");
    for (int i = 0; i < services.count(); i++) {
      text.append(service(services, i)).append(slice(services, i, node));
    }
    return text.toString();
  }

  /** One service with one backend, of both protocols and families, on another node. */
  static String bulk(Site site) {
    StringBuilder text =
        new StringBuilder(
            """
            {apiVersion: v1, kind: Namespace, metadata: {name: bench}}
            ---
            {apiVersion: v1, kind: Service, metadata: {name: bulk, namespace: bench}, spec: {type: NodePort, ipFamilyPolicy: RequireDualStack, ipFamilies: [IPv4, IPv6], clusterIP: 10.111.255.1, clusterIPs: [10.111.255.1, "fd00:96::b1"], ports: [{name: tcp, protocol: TCP, port: %1$d, targetPort: %2$d, nodePort: %3$d}, {name: udp, protocol: UDP, port: %1$d, targetPort: %2$d, nodePort: %3$d}]}}
            """
                .formatted(Services.PORT, Services.TARGET_PORT, Services.NODE_PORT));
    for (Family family : Family.values()) {
      text.append(
          """
          ---
          {apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv%1$d, metadata: {name: bulk-%1$d, namespace: bench, labels: {kubernetes.io/service-name: bulk}}, ports: [{name: tcp, port: %2$d, protocol: TCP}, {name: udp, port: %2$d, protocol: UDP}], endpoints: [{addresses: ["%3$s"], conditions: {ready: true}, nodeName: %4$s}]}
          """
              .formatted(
                  family.number(),
                  Services.TARGET_PORT,
                  site.remoteBackend(family),
                  site.otherNodeName()));
    }
    return text.toString();
  }

  private static String service(Services services, int i) {
    String nodePort =
        services.nodePort(i).stream().mapToObj(p -> ", nodePort: " + p).findFirst().orElse("");
    return """
        ---
        {apiVersion: v1, kind: Service, metadata: {name: %s, namespace: bench}, spec: {type: %s, clusterIP: %s, clusterIPs: [%3$s], ports: [{name: http, port: %d, targetPort: %d%s}]}}
        """
        .formatted(
            services.name(i),
            nodePort.isEmpty() ? "ClusterIP" : "NodePort",
            services.address(i),
            Services.PORT,
            Services.TARGET_PORT,
            nodePort);
  }

  private static String slice(Services services, int i, String node) {
    String where = i == services.measured() ? ", nodeName: " + node : "";
    String endpoints =
        services.backends(i).stream()
            .map(a -> "{addresses: [" + a + "], conditions: {ready: true}" + where + "}")
            .collect(Collectors.joining(", "));
    return """
        ---
        {apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4, metadata: {name: %s-1, namespace: bench, labels: {kubernetes.io/service-name: %1$s}}, ports: [{name: http, port: %d, protocol: TCP}], endpoints: [%s]}
        """
        .formatted(services.name(i), Services.TARGET_PORT, endpoints);
  }
}
