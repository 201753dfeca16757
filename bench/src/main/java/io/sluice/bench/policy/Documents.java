// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.policy;

/** Manifests of what is measured. */
final class Documents {
  /** How many policies each endpoint has. */
  static final int POLICIES = 50;

  /** Where the one network is that comes and goes. */
  static final String NETWORK = "198.51.100.7/32";

  private Documents() {}

  /** The host side of an endpoint's link. */
  static String device(int i) {
    return "cali%05d".formatted(i);
  }

  private static String address(int i) {
    return "10.244." + (1 + i / 250) + "." + (2 + i % 250);
  }

  /** Endpoints 0 to {@code count} - 1. */
  static String endpoints(String node, int count) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < count; i++) {
      text.append(endpoint(node, i, "off"));
    }
    return text.toString();
  }

  /**
   * @param mark {@code on}: one policy more is for it
   */
  static String endpoint(String node, int i, String mark) {
    return """
        ---
        apiVersion: projectcalico.org/v3
        kind: WorkloadEndpoint
        metadata:
          name: endpoint-%1$d
          namespace: default
          labels: {app: app-%2$d, mark: "%3$s"}
        spec:
          node: %4$s
          orchestrator: k8s
          pod: pod-%1$d
          endpoint: eth0
          interfaceName: %5$s
          ipNetworks: [%6$s/32]
        """
        .formatted(i, i % POLICIES, mark, node, device(i), address(i));
  }

  /** Policies of every endpoint: by labels, networks, ports. */
  static String policies() {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < POLICIES; i++) {
      text.append(policy(i, 8000 + i));
    }
    return text.append(marked(9000)).append(networks(false)).toString();
  }

  static String policy(int i, int port) {
    return """
        ---
        apiVersion: projectcalico.org/v3
        kind: GlobalNetworkPolicy
        metadata: {name: policy-%1$d}
        spec:
          order: %1$d
          selector: has(app)
          types: [Ingress, Egress]
          ingress:
          - {action: Allow, protocol: TCP, source: {selector: "app == 'app-%1$d'"}, destination: {ports: [%2$d, 443]}}
          - {action: Deny, source: {nets: [192.0.2.%1$d/32, "2001:db8::%1$d/128"]}}
          egress:
          - {action: Allow, protocol: TCP, destination: {selector: "zone == 'far'", ports: [%2$d]}}
        """
        .formatted(i, port);
  }

  /** A policy of the endpoints with the mark alone. */
  static String marked(int port) {
    return """
        ---
        apiVersion: projectcalico.org/v3
        kind: GlobalNetworkPolicy
        metadata: {name: marked}
        spec:
          order: 1
          selector: mark == 'on'
          ingress: [{action: Allow, protocol: TCP, destination: {ports: [%d]}}]
        """
        .formatted(port);
  }

  static String networks(boolean one) {
    return """
        ---
        apiVersion: projectcalico.org/v3
        kind: GlobalNetworkSet
        metadata: {name: far, labels: {zone: far}}
        spec: {nets: [203.0.113.0/24%s]}
        """
        .formatted(one ? ", " + NETWORK : "");
  }
}
