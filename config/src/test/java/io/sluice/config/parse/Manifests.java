// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import io.sluice.config.model.Problem;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Manifests for tests, and a short way to read them. */
final class Manifests {
  static final String SERVICE =
      """
      apiVersion: v1
      kind: Service
      metadata:
        name: web
        labels: {app: web}
      spec:
        clusterIP: 10.96.0.10
        ports:
        - name: http
          port: 80
          targetPort: 8080
      """;

  static final String SLICE =
      """
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata:
        name: web-1
        labels:
          kubernetes.io/service-name: web
      addressType: IPv4
      ports:
      - name: http
        port: 8080
      endpoints:
      - addresses: [10.244.1.2]
        conditions: {ready: true}
        nodeName: node1
      """;

  static final String POD =
      """
      apiVersion: v1
      kind: Pod
      metadata:
        name: web-a
      spec:
        nodeName: node1
        containers:
        - name: web
          image: web
          ports:
          - containerPort: 8080
      status:
        podIPs:
        - ip: 10.244.1.2
        - ip: fd00:244:1::2
      """;

  static final String NODE =
      """
      apiVersion: v1
      kind: Node
      metadata:
        name: node1
      spec:
        podCIDRs: [10.244.1.0/24, "fd00:244:1::/64"]
      status:
        addresses:
        - type: InternalIP
          address: 192.168.101.2
        - type: Hostname
          address: node1
      """;

  static final String ENDPOINT =
      """
      apiVersion: projectcalico.org/v3
      kind: WorkloadEndpoint
      metadata:
        name: node1-k8s-web--a-eth0
      spec:
        node: node1
        orchestrator: k8s
        pod: web-a
        endpoint: eth0
        interfaceName: cali0123456789a
        ipNetworks: [10.244.1.2/32]
        mac: ee:ee:ee:ee:ee:ee
        ports:
        - name: http
          protocol: TCP
          port: 8080
      """;

  static final String POOL =
      """
      apiVersion: crd.projectcalico.org/v1
      kind: IPPool
      metadata:
        name: pods
      spec:
        cidr: 10.244.0.0/16
        vxlanMode: Never
        nodeSelector: all()
      """;

  static final String FELIX =
      """
      apiVersion: projectcalico.org/v3
      kind: FelixConfiguration
      metadata:
        name: default
      spec:
        bpfLogLevel: "Off"
        bpfPSNATPorts: 30000:30999
        bpfConntrackTimeouts:
          tcpEstablished: 2h
        workloadSourceSpoofing: Any
      """;

  static final List<String> ALL = List.of(SERVICE, SLICE, POD, NODE, ENDPOINT, POOL, FELIX);

  private Manifests() {}

  static List<ParsedDocument> parse(String text) {
    return parse("m.yaml", text);
  }

  static List<ParsedDocument> parse(String file, String text) {
    return new ManifestParser(Limits.DEFAULT).parse(file, text.getBytes(StandardCharsets.UTF_8));
  }

  /** All problems of a text, each as the line that people see. */
  static List<String> problems(String text) {
    return parse(text).stream().flatMap(d -> d.problems().stream()).map(Problem::toString).toList();
  }
}
