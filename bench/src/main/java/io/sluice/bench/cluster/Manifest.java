// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.cluster;

/** What is applied: services of ten endpoints each, of nobody's pods. */
final class Manifest {
  private Manifest() {}

  /** The address of service i. */
  static String address(int i) {
    return "10.%d.%d.%d".formatted(96 + i / 62_500, i / 250 % 250, i % 250 + 1);
  }

  /** Services and their slices, one document after the other. */
  static String services(int from, int to) {
    StringBuilder text = new StringBuilder();
    for (int i = from; i < to; i++) {
      text.append(service(i, "")).append(slice(i, 10, 0));
    }
    return text.toString();
  }

  static String service(int i, String annotations) {
    return """
        ---
        {apiVersion: v1, kind: Service, metadata: {name: s%1$d, namespace: bench%3$s}, spec: {clusterIP: %2$s, clusterIPs: [%2$s], ports: [{port: 80, targetPort: 8080}]}}
        """
        .formatted(i, address(i), annotations);
  }

  static String maglev(int i) {
    return service(i, ", annotations: {lb.projectcalico.org/external-traffic-strategy: maglev}");
  }

  /**
   * @param shift moves all addresses, so that the set is another
   */
  static String slice(int i, int endpoints, int shift) {
    StringBuilder addresses = new StringBuilder();
    for (int j = 0; j < endpoints; j++) {
      int n = i * 10 + j + shift;
      addresses.append(j == 0 ? "" : ", ");
      addresses.append(
          "{addresses: [\"10.%d.%d.%d\"]}".formatted(200 + n / 62_500, n / 250 % 250, n % 250 + 1));
    }
    return """
        ---
        {apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4, metadata: {name: s%1$d-1, namespace: bench, labels: {kubernetes.io/service-name: s%1$d}}, ports: [{port: 8080, protocol: TCP}], endpoints: [%2$s]}
        """
        .formatted(i, addresses);
  }
}
