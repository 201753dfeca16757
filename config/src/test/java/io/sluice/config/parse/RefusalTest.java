// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What is refused, and in which words. */
@Tag("INV-CL-3")
class RefusalTest {
  /** A good manifest, what is replaced in it by what, and the line that this gives. */
  record Case(String manifest, String good, String bad, String... problems) {
    @Override
    public String toString() {
      return bad;
    }
  }

  private static Case service(String good, String bad, String... problems) {
    return new Case(Manifests.SERVICE, good, bad, problems);
  }

  private static Case slice(String good, String bad, String... problems) {
    return new Case(Manifests.SLICE, good, bad, problems);
  }

  private static Case qos(String control, String problem) {
    return new Case(
        Manifests.ENDPOINT,
        "  node: node1",
        "  qosControls: {" + control + "}\n  node: node1",
        "m.yaml:6: " + WEP + "spec.qosControls:" + (problem.startsWith(" ") ? "" : " ") + problem);
  }

  private static final String SVC = "Service default/web: ";
  private static final String SLI = "EndpointSlice default/web-1: ";
  private static final String WEP = "WorkloadEndpoint default/node1-k8s-web--a-eth0: ";
  private static final String FELIX = "FelixConfiguration default: ";

  static Stream<Case> documents() {
    return Stream.of(
        service(
            "kind: Service",
            "kind: Servce",
            "m.yaml:2: kind: \"Servce\" of \"v1\" is not known, did you mean Service?"),
        service(
            "kind: Service",
            "kind: 7",
            "m.yaml:2: kind: is a number, not a text, put it in quotes"),
        service("kind: Service\n", "", "m.yaml:1: kind: is missing"),
        service("apiVersion: v1\n", "", "m.yaml:1: apiVersion: is missing"),
        service(
            "apiVersion: v1",
            "apiVersion: v2",
            "m.yaml:1: apiVersion: \"v2\" has no Service, write v1"),
        new Case(
            Manifests.POOL,
            "crd.projectcalico.org/v1",
            "projectcalico.org/v1",
            "m.yaml:1: apiVersion: \"projectcalico.org/v1\" has no IPPool, write projectcalico.org/v3 or crd.projectcalico.org/v1"),
        service(
            "kind: Service",
            "kind: ConfigMap",
            "m.yaml:2: kind: \"ConfigMap\" of \"v1\" is not for Sluice"),
        service(
            "apiVersion: v1\nkind: Service",
            "apiVersion: apps/v1\nkind: Deployment",
            "m.yaml:2: kind: \"Deployment\" of \"apps/v1\" is not for Sluice"),
        service(
            "apiVersion: v1\nkind: Service",
            "apiVersion: policy.networking.k8s.io/v1alpha1\nkind: AdminNetworkPolicy",
            "m.yaml:2: kind: AdminNetworkPolicy is not supported by this version: nothing would enforce it"),
        service(
            "metadata:\n  name: web\n  labels: {app: web}\n", "", "m.yaml:1: metadata: is missing"),
        service("name: web\n", "nam: web\n", "m.yaml:4: metadata.name: is missing"),
        service(
            "name: web\n",
            "name: Web_1\n",
            "m.yaml:4: metadata.name: \"Web_1\" is not a name: lower-case letters, digits, - and ., at most 253 characters"),
        service(
            "{app: web}",
            "{app: 7}",
            "m.yaml:5: " + SVC + "metadata.labels.app: is a number, not a text, put it in quotes"),
        service(
            "{app: web}",
            "{app: 'a b'}",
            "m.yaml:5: " + SVC + "metadata.labels: \"a b\" is not a value for the label app"),
        service(
            "name: web\n",
            "name: web\n  creationTimestamp: yesterday\n",
            "m.yaml:5: "
                + SVC
                + "metadata.creationTimestamp: \"yesterday\" is not a time, write 2026-01-31T12:00:00Z"),
        service(
            "  name: web",
            "\tname: web",
            "m.yaml:4: is not YAML: found character '\\t(TAB)' that cannot start any token. (Do not use \\t(TAB) for indentation)"),
        service(
            "ports:",
            "clusterIP: 10.96.0.11\n  ports:",
            "m.yaml:8: has the field \"clusterIP\" twice"),
        service(
            "port: 80\n",
            "port: 70000\n",
            "m.yaml:10: " + SVC + "spec.ports[0].port: 70000 is not in 1..65535"),
        service(
            "port: 80\n",
            "port: 0\n",
            "m.yaml:10: " + SVC + "spec.ports[0].port: 0 is not in 1..65535"),
        service(
            "port: 80\n",
            "port: http\n",
            "m.yaml:10: " + SVC + "spec.ports[0].port: is a text, not a whole number"),
        service(
            "port: 80\n",
            "port: 80.5\n",
            "m.yaml:10: "
                + SVC
                + "spec.ports[0].port: is a number with a fraction, not a whole number"),
        service(
            "port: 80\n",
            "port: 99999999999999999999\n",
            "m.yaml:10: " + SVC + "spec.ports[0].port: 99999999999999999999 is not in 1..65535"),
        service(
            "port: 80\n", "protocol: TCP\n", "m.yaml:9: " + SVC + "spec.ports[0].port: is missing"),
        service(
            "port: 80\n",
            "port: 80\n    protocol: tcp\n",
            "m.yaml:11: " + SVC + "spec.ports[0].protocol: \"tcp\" is none of TCP, UDP, SCTP"),
        service(
            "8080",
            "HTTP!",
            "m.yaml:11: "
                + SVC
                + "spec.ports[0].targetPort: \"HTTP!\" is not a port name: lower-case letters, digits and -"),
        service(
            "8080",
            "8080\n    nodePort: 30080",
            "m.yaml:12: " + SVC + "spec.ports[0].nodePort: cannot be set with type ClusterIP"),
        service(
            "8080",
            "8080\n  - port: 81",
            "m.yaml:12: "
                + SVC
                + "spec.ports[1].name: is missing, it is needed where there are several ports"),
        service(
            "8080",
            "8080\n  - {name: http, port: 81}",
            "m.yaml:12: " + SVC + "spec.ports[1].name: \"http\" is another port's name already"),
        service(
            "8080",
            "8080\n  - {name: b, port: 80}",
            "m.yaml:12: " + SVC + "spec.ports[1].port: 80/TCP is there already"),
        service(
            "10.96.0.10",
            "10.96.0.256",
            "m.yaml:7: " + SVC + "spec.clusterIP: \"10.96.0.256\" is not an IP address"),
        service(
            "10.96.0.10",
            "10.96.0.010",
            "m.yaml:7: " + SVC + "spec.clusterIP: \"10.96.0.010\" is not an IP address"),
        service(
            "10.96.0.10",
            "127.0.0.1",
            "m.yaml:7: "
                + SVC
                + "spec.clusterIP: 127.0.0.1 is a loopback address, which cannot be used here"),
        service(
            "10.96.0.10",
            "10.96.0.10\n  clusterIPs: [10.96.0.11]",
            "m.yaml:8: " + SVC + "spec.clusterIPs: does not begin with clusterIP, \"10.96.0.10\""),
        service(
            "clusterIP: 10.96.0.10",
            "clusterIPs: [10.96.0.10, 10.96.0.11]",
            "m.yaml:7: " + SVC + "spec.clusterIPs: has more than one address of a family"),
        service(
            "clusterIP: 10.96.0.10\n",
            "clusterIP: ''\n",
            "m.yaml:7: "
                + SVC
                + "spec.clusterIP: is missing and nobody assigns one here: write an address or None"),
        service(
            "clusterIP:",
            "ipFamilies: [IPv6]\n  clusterIP:",
            "m.yaml:7: "
                + SVC
                + "spec.ipFamilies: does not agree with the cluster IPs, which are [IPv4]"),
        service(
            "clusterIP:",
            "ipFamilies: [IPv5]\n  clusterIP:",
            "m.yaml:7: " + SVC + "spec.ipFamilies[0]: \"IPv5\" is none of IPv4, IPv6"),
        service(
            "clusterIP:",
            "type: Loadbalancer\n  clusterIP:",
            "m.yaml:7: "
                + SVC
                + "spec.type: \"Loadbalancer\" is none of ClusterIP, NodePort, LoadBalancer, ExternalName"),
        service(
            "clusterIP:",
            "type: LoadBalancer\n  loadBalancerSourceRanges: [10.0.0.1]\n  clusterIP:",
            "m.yaml:8: "
                + SVC
                + "spec.loadBalancerSourceRanges[0]: \"10.0.0.1\" is not a CIDR, write address/prefix length"),
        service(
            "clusterIP:",
            "sessionAffinity: ClientIP\n  sessionAffinityConfig: {clientIP: {timeoutSeconds: 0}}\n  clusterIP:",
            "m.yaml:8: "
                + SVC
                + "spec.sessionAffinityConfig.clientIP.timeoutSeconds: 0 is not in 1..86400"),
        service(
            "clusterIP:",
            "type: LoadBalancer\n  loadBalancerSourceRanges: [10.0.0.1/8]\n  clusterIP:",
            "m.yaml:8: "
                + SVC
                + "spec.loadBalancerSourceRanges[0]: 10.0.0.1/8 has host bits set, write 10.0.0.0/8"),
        service(
            "clusterIP:",
            "publishNotReadyAddresses: maybe\n  clusterIP:",
            "m.yaml:7: " + SVC + "spec.publishNotReadyAddresses: is a text, not true or false"),
        service(
            "clusterIP:",
            "selector: [a]\n  clusterIP:",
            "m.yaml:7: " + SVC + "spec.selector: is a list, not a map"),
        service(
            "ports:\n",
            "ports: {}\n  x:\n",
            "m.yaml:8: " + SVC + "spec.ports: is a map, not a list",
            "m.yaml:10: " + SVC + "spec.x: is not a field that Sluice knows, it has no effect"),
        service(
            "targetPort:",
            "targetPrt:",
            "m.yaml:11: "
                + SVC
                + "spec.ports[0].targetPrt: is not a field, did you mean targetPort? It has no effect"),
        service(
            "clusterIP:",
            "color: red\n  clusterIP:",
            "m.yaml:7: " + SVC + "spec.color: is not a field that Sluice knows, it has no effect"),
        slice("addressType: IPv4\n", "", "m.yaml:1: " + SLI + "addressType: is missing"),
        slice(
            "addressType: IPv4",
            "addressType: IP",
            "m.yaml:7: " + SLI + "addressType: \"IP\" is none of IPv4, IPv6"),
        slice(
            "addressType: IPv4",
            "addressType: IPv6",
            "m.yaml:12: "
                + SLI
                + "endpoints[0].addresses[0]: 10.244.1.2 is not IPv6, the addressType"),
        slice("[10.244.1.2]", "[]", "m.yaml:12: " + SLI + "endpoints[0].addresses: is empty"),
        slice(
            "[10.244.1.2]",
            "[10.244.1]",
            "m.yaml:12: " + SLI + "endpoints[0].addresses[0]: \"10.244.1\" is not an IP address"),
        slice(
            "ready: true",
            "redy: true",
            "m.yaml:13: "
                + SLI
                + "endpoints[0].conditions.redy: is not a field, did you mean ready? It has no effect"),
        slice(
            "port: 8080", "port: -1", "m.yaml:10: " + SLI + "ports[0].port: -1 is not in 1..65535"),
        new Case(
            Manifests.POD,
            "  nodeName",
            "  hostNetwrok: true\n  nodeName",
            "m.yaml:6: Pod default/web-a: spec.hostNetwrok: is not a field, did you mean hostNetwork? It has no effect"),
        new Case(
            Manifests.POD,
            "10.244.1.2",
            "10.244.1",
            "m.yaml:14: Pod default/web-a: status.podIPs[0].ip: \"10.244.1\" is not an IP address"),
        new Case(
            Manifests.POD,
            "  name: web-a",
            "  name: web-a\n  annotations: {cni.projectcalico.org/allowedSourcePrefixes: '[\"10.0.0.1/8\"]'}",
            "m.yaml:5: Pod default/web-a: metadata.annotations: cni.projectcalico.org/allowedSourcePrefixes: 10.0.0.1/8 has host bits set, write 10.0.0.0/8"),
        qos(
            "ingressPacketRate: 10k1",
            "ingressPacketRate: \"10k1\" is not a quantity such as 500, 10M or 1Gi"),
        qos("egressPacketRate: 10001", "egressPacketRate: 10001 is not in 1..10000"),
        qos("ingressBandwidth: '999'", "ingressBandwidth: 999 is not in 1000..1000000000000000"),
        qos("egressBurst: 1M", "egressBurst: needs egressBandwidth"),
        qos("egressPacketBurst: '7'", "egressPacketBurst: needs egressPacketRate"),
        qos("egressMaxConnections: '0'", "egressMaxConnections: 0 is not in 1..4294967295"),
        qos(
            "dscp: AF50",
            "dscp: \"AF50\" is neither in 0..63 nor one of DF, EF, VA, CS0..CS7, AF11..AF43"),
        qos(
            "dscp: 64",
            "dscp: \"64\" is neither in 0..63 nor one of DF, EF, VA, CS0..CS7, AF11..AF43"),
        qos(
            "ingresPacketRate: 10",
            " ingresPacketRate is not a limit, did you mean ingressPacketRate? It has no effect"),
        qos("egressPeakrate: 10M", " egressPeakrate has no effect in this version"),
        new Case(
            Manifests.NODE,
            "10.244.1.0/24",
            "10.244.1.1/24",
            "m.yaml:6: Node node1: spec.podCIDRs[0]: 10.244.1.1/24 has host bits set, write 10.244.1.0/24"),
        new Case(
            Manifests.ENDPOINT,
            "  node: node1\n",
            "",
            "m.yaml:6: " + WEP + "spec.node: is missing"),
        new Case(
            Manifests.ENDPOINT,
            "cali0123456789a",
            "cali0123456789abcdef",
            "m.yaml:10: "
                + WEP
                + "spec.interfaceName: \"cali0123456789abcdef\" is not the name of an interface: at most 15 characters"),
        new Case(
            Manifests.ENDPOINT,
            "10.244.1.2/32",
            "10.244.1.0/24",
            "m.yaml:11: "
                + WEP
                + "spec.ipNetworks[0]: 10.244.1.0/24 is more than one address, write 10.244.1.0/32"),
        new Case(
            Manifests.ENDPOINT,
            "ee:ee:ee:ee:ee:ee",
            "ee:ee",
            "m.yaml:12: "
                + WEP
                + "spec.mac: \"ee:ee\" is not a MAC address, write ee:ee:ee:ee:ee:ee"),
        new Case(
            Manifests.POOL,
            "10.244.0.0/16",
            "10.244.0.0",
            "m.yaml:6: IPPool pods: spec.cidr: \"10.244.0.0\" is not a CIDR, write address/prefix length"),
        new Case(
            Manifests.POOL,
            "vxlanMode: Never",
            "ipipMode: Always",
            "m.yaml:7: IPPool pods: spec.ipipMode: \"Always\" is not supported, write Never"),
        new Case(
            Manifests.FELIX,
            "\"Off\"",
            "Loud",
            "m.yaml:6: " + FELIX + "spec.bpfLogLevel: \"Loud\" is none of Off, Info, Debug"),
        new Case(
            Manifests.FELIX,
            "30000:30999",
            "3:2",
            "m.yaml:7: " + FELIX + "spec.bpfPSNATPorts: 3:2 is not a port range in 0..65535"),
        new Case(
            Manifests.FELIX,
            "2h",
            "2x",
            "m.yaml:9: "
                + FELIX
                + "spec.bpfConntrackTimeouts: tcpEstablished: \"2x\" is not a duration, write 90s, 5m or 1h30m"),
        new Case(
            Manifests.FELIX,
            "bpfLogLevel",
            "bpfLogLvel",
            "m.yaml:6: "
                + FELIX
                + "spec.bpfLogLvel: is not a field, did you mean bpfLogLevel? It has no effect"),
        new Case(
            Manifests.FELIX,
            "bpfLogLevel: \"Off\"",
            "iptablesMarkMask: 0xffff0000",
            "m.yaml:6: "
                + FELIX
                + "spec.iptablesMarkMask: 0xffff0000 overlaps 0x1ff00000, the marks of the dataplane, write 0xe00f0000"),
        new Case(
            Manifests.FELIX,
            "bpfLogLevel: \"Off\"",
            "istioDSCPMark: 24",
            "m.yaml:6: " + FELIX + "spec.istioDSCPMark: has no effect in this version"),
        new Case(
            Manifests.FELIX,
            "bpfLogLevel: \"Off\"",
            "failsafeInboundHostPorts: [{protocol: tcp, net: '10.0.0.0/8', port: 22}]"),
        new Case(
            Manifests.FELIX,
            "bpfLogLevel: \"Off\"",
            "failsafeInboundHostPorts: [{protocol: tcp, port: 0}]",
            "m.yaml:6: " + FELIX + "spec.failsafeInboundHostPorts: 0 is not in 1..65535"),
        new Case(
            Manifests.FELIX,
            "bpfLogLevel: \"Off\"",
            "logSeverityScreen: Info",
            "m.yaml:6: " + FELIX + "spec.logSeverityScreen: has no effect in Sluice"));
  }

  @ParameterizedTest
  @MethodSource("documents")
  void saysWhatIsWrong(Case c) {
    assertThat(c.manifest()).contains(c.good());
    String text = c.manifest().replace(c.good(), c.bad());

    assertThat(Manifests.problems(text)).containsExactly(c.problems());
  }

  @ParameterizedTest
  @MethodSource("documents")
  void leavesTheOtherDocumentsAlone(Case c) {
    String bad = c.manifest().replace(c.good(), c.bad());
    String before = Manifests.SERVICE.replace("name: web\n", "name: before\n");
    String after = Manifests.SERVICE.replace("name: web\n", "name: after\n");

    List<String> names =
        Manifests.parse(before + "---\n" + bad + "---\n" + after).stream()
            .flatMap(d -> d.resource().stream())
            .map(r -> r.meta().name())
            .toList();

    assertThat(names).contains("before", "after");
  }

  @ParameterizedTest
  @MethodSource("goodManifests")
  void findsNothingWrongWithGoodOnes(String manifest) {
    assertThat(Manifests.problems(manifest)).isEmpty();
    assertThat(Manifests.parse(manifest)).singleElement().matches(d -> d.resource().isPresent());
  }

  static List<String> goodManifests() {
    return Manifests.ALL;
  }
}
