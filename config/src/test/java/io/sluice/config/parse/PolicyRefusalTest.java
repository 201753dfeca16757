// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What is refused of policies, and in which words. */
@Tag("INV-CL-3")
class PolicyRefusalTest {
  /** What comes after {@code spec: } of a policy, and the lines that this gives. */
  record Case(String head, String spec, String... problems) {
    @Override
    public String toString() {
      return spec;
    }
  }

  private static final String GNP = "GlobalNetworkPolicy p: spec.";
  private static final String CNP = "NetworkPolicy.projectcalico.org default/p: spec.";
  private static final String KNP = "NetworkPolicy default/p: spec.";
  private static final String RULE = "GlobalNetworkPolicy p: spec.ingress[0].";
  private static final String FROM = "NetworkPolicy default/p: spec.ingress[0].";

  private static Case of(String version, String kind, String spec, String... problems) {
    String head = "apiVersion: %s\nkind: %s\nmetadata: {name: p}\nspec: ".formatted(version, kind);
    return new Case(
        head, spec, Stream.of(problems).map(p -> "m.yaml:4: " + p).toArray(String[]::new));
  }

  private static Case global(String spec, String... problems) {
    return of("projectcalico.org/v3", "GlobalNetworkPolicy", spec, problems);
  }

  private static Case rule(String rule, String... problems) {
    return global("{ingress: [{" + rule + "}]}", problems);
  }

  private static Case calico(String spec, String... problems) {
    return of("projectcalico.org/v3", "NetworkPolicy", spec, problems);
  }

  private static Case kubernetes(String spec, String... problems) {
    return of("networking.k8s.io/v1", "NetworkPolicy", "{podSelector: {}, " + spec + "}", problems);
  }

  private static Case host(String spec, String... problems) {
    return of("projectcalico.org/v3", "HostEndpoint", spec, problems);
  }

  static Stream<Case> policies() {
    return Stream.of(
        global("", "GlobalNetworkPolicy p: spec: is missing"),
        calico("", "NetworkPolicy.projectcalico.org default/p: spec: is missing"),
        global(
            "{selector: \"app = 'web'\"}",
            GNP
                + "selector: at character 5: ==, !=, in, not in, contains, starts with or ends with"
                + " is expected, not \"= 'web'\""),
        global(
            "{selector: global()}",
            GNP
                + "selector: global() can only be in the namespaceSelector of a source or a"
                + " destination"),
        global(
            "{selecter: all()}",
            GNP + "selecter: is not a field that Sluice can enforce, did you mean selector?"),
        global("{stagedAction: Set}", GNP + "stagedAction: is not a field that Sluice can enforce"),
        global("{order: .nan}", GNP + "order: \".nan\" is not a number"),
        global("{order: NaN}", GNP + "order: \"NaN\" is not a number"),
        global("{order: 1e999}", GNP + "order: \"1e999\" is not a number"),
        global("{order: first}", GNP + "order: \"first\" is not a number"),
        global("{order: []}", GNP + "order: a list is not a number"),
        global("{types: [ingress]}", GNP + "types[0]: \"ingress\" is none of Ingress, Egress"),
        global(
            "{types: [Ingress], egress: [{action: Deny}]}",
            GNP + "egress: has no effect: types is without Egress"),
        global("{doNotTrack: true}", GNP + "applyOnForward: must be true with doNotTrack"),
        global(
            "{preDNAT: true, applyOnForward: false}",
            GNP + "applyOnForward: must be true with preDNAT"),
        global(
            "{preDNAT: true, doNotTrack: true, applyOnForward: true}",
            GNP + "preDNAT: cannot be beside doNotTrack: a policy is asked at one place"),
        global(
            "{preDNAT: true, applyOnForward: true, types: [Egress]}",
            GNP + "types: preDNAT is asked on the way in alone, no Egress"),
        global(
            "{preDNAT: true, applyOnForward: true, egress: [{action: Deny}]}",
            GNP + "egress: preDNAT is asked on the way in alone, no Egress"),
        global(
            "{preDNAT: true, applyOnForward: true, types: [Ingress], egress: [{action: Deny}]}",
            GNP + "egress: has no effect: types is without Egress",
            GNP + "egress: preDNAT is asked on the way in alone, no egress rules"),
        global(
            "{doNotTrack: true, applyOnForward: true, egress: [{action: Deny}]}",
            GNP
                + "egress: a Deny beside doNotTrack would not be enforced, put it into a policy of its own without doNotTrack"),
        calico(
            "{preDNAT: true}",
            CNP + "preDNAT: is for a GlobalNetworkPolicy alone: host endpoints have no namespace"),
        calico(
            "{namespaceSelector: all()}",
            CNP + "namespaceSelector: is for a GlobalNetworkPolicy alone"));
  }

  static Stream<Case> rules() {
    return Stream.of(
        rule("protocol: TCP", RULE + "action: is missing"),
        rule("action: allow", RULE + "action: \"allow\" is none of Allow, Deny, Log, Pass"),
        rule(
            "action: Allow, http: {methods: [GET]}",
            RULE + "http: is not supported: nothing would enforce it"),
        rule(
            "action: Allow, sorce: {}",
            RULE + "sorce: is not a field that Sluice can enforce, did you mean source?"),
        rule(
            "action: Allow, source: {domains: [example.com]}",
            RULE + "source.domains: is not a field that Sluice can enforce"),
        rule(
            "action: Allow, protocol: FOO",
            RULE
                + "protocol: \"FOO\" is none of TCP, UDP, ICMP, ICMPv6, SCTP, UDPLite, and not a"
                + " number in 1..255"),
        rule(
            "action: Allow, protocol: 256",
            RULE
                + "protocol: \"256\" is none of TCP, UDP, ICMP, ICMPv6, SCTP, UDPLite, and not a"
                + " number in 1..255"),
        rule(
            "action: Allow, protocol: [TCP]",
            RULE
                + "protocol: a list is none of TCP, UDP, ICMP, ICMPv6, SCTP, UDPLite, and not a"
                + " number in 1..255"),
        rule("action: Allow, ipVersion: 5", RULE + "ipVersion: 5 is neither 4 nor 6"),
        rule("action: Allow, ipVersion: 7", RULE + "ipVersion: 7 is not in 4..6"),
        rule(
            "action: Allow, ipVersion: 6, protocol: ICMP",
            RULE
                + "protocol: protocol ICMP is IPv4, ipVersion 6 is IPv6: one rule cannot match"
                + " both"),
        rule(
            "action: Allow, ipVersion: 4, source: {nets: ['fd00::/8']}",
            RULE
                + "source.nets: fd00::/8 is IPv6, ipVersion 4 is IPv4: one rule cannot match both"),
        rule(
            "action: Allow, source: {nets: [10.0.0.0/8]}, destination: {notNets: ['fd00::/8']}",
            RULE
                + "destination.notNets: fd00::/8 is IPv6, 10.0.0.0/8 is IPv4: one rule cannot match"
                + " both"),
        rule(
            "action: Allow, source: {nets: [10.0.0.1/8]}",
            RULE + "source.nets[0]: 10.0.0.1/8 has host bits set, write 10.0.0.0/8"),
        rule("action: Allow, icmp: {type: 8}", RULE + "icmp: needs protocol ICMP or ICMPv6"),
        rule(
            "action: Allow, protocol: TCP, notICMP: {type: 8}",
            RULE + "notICMP: needs protocol ICMP or ICMPv6"),
        rule(
            "action: Allow, protocol: ICMP, icmp: {code: 1}",
            RULE + "icmp.code: needs a type beside it"),
        rule(
            "action: Allow, protocol: ICMP, icmp: {type: 300}",
            RULE + "icmp.type: 300 is not in 0..255"),
        rule(
            "action: Allow, source: {namespaceSelector: 'has('}",
            RULE + "source.namespaceSelector: at character 5: a label is expected, not the end"),
        rule(
            "action: Allow, source: {serviceAccounts: {}}",
            RULE + "source.serviceAccounts: is empty: give names or a selector"),
        rule(
            "action: Allow, source: {services: {name: web}}",
            RULE + "source.services.namespace: is missing, and what it is in has none"),
        rule(
            "action: Allow, destination: {services: {name: web, namespace: shop}}",
            RULE
                + "destination.services: can only be in an ingress rule's source or an egress"
                + " rule's destination"),
        rule(
            "action: Allow, source: {services: {name: web, namespace: shop}, selector: all()}",
            RULE + "source.services: cannot stand beside selector"));
  }

  static Stream<Case> ports() {
    return Stream.of(
        rule(
            "action: Allow, destination: {ports: [80]}",
            RULE + "destination.ports: needs protocol TCP, UDP or SCTP in the rule"),
        rule(
            "action: Allow, protocol: ICMP, source: {notPorts: [80]}",
            RULE + "source.notPorts: protocol ICMP has none that can be matched"),
        rule(
            "action: Allow, protocol: 47, destination: {ports: [80]}",
            RULE + "destination.ports: protocol 47 has none that can be matched"),
        rule(
            "action: Allow, notProtocol: TCP, destination: {ports: [80]}",
            RULE + "destination.ports: needs protocol TCP, UDP or SCTP in the rule"),
        rule(
            "action: Allow, protocol: TCP, destination: {ports: [-1]}",
            RULE
                + "destination.ports[0]: \"-1\" is not a port: write a number, first:last, or a"
                + " name"),
        rule(
            "action: Allow, protocol: TCP, destination: {ports: [80-90]}",
            RULE
                + "destination.ports[0]: \"80-90\" is not a port: write a number, first:last, or a"
                + " name"),
        rule(
            "action: Allow, protocol: TCP, destination: {ports: [70000]}",
            RULE + "destination.ports[0]: 70000:70000 is not a port range in 0..65535"),
        rule(
            "action: Allow, protocol: TCP, destination: {ports: ['90:80']}",
            RULE + "destination.ports[0]: 90:80 is not a port range in 0..65535"),
        rule(
            "action: Allow, protocol: TCP, destination: {ports: [[80]]}",
            RULE + "destination.ports[0]: is a list, not a port"),
        rule(
            "action: Allow, protocol: TCP, destination: {ports: [80, '81:82'], notPorts: ['1:99']}",
            RULE + "destination.ports: are all among notPorts: the rule would never match"),
        global(
            "{doNotTrack: true, applyOnForward: true, ingress: [{action: Allow, protocol: UDP,"
                + " destination: {ports: [dns]}}]}",
            RULE
                + "destination.ports: a policy with doNotTrack cannot have ports by name, write"
                + " numbers"));
  }

  static Stream<Case> kubernetes() {
    return Stream.of(
        kubernetes("ingress: [{ports: [{port: 0}]}]", FROM + "ports[0].port: 0 is not in 1..65535"),
        kubernetes(
            "ingress: [{ports: [{port: -5}]}]", FROM + "ports[0].port: -5 is not in 1..65535"),
        kubernetes(
            "ingress: [{ports: [{port: '80'}]}]",
            FROM + "ports[0].port: \"80\" is a number, write it without quotes"),
        kubernetes(
            "ingress: [{ports: [{port: Web}]}]",
            FROM + "ports[0].port: \"Web\" is not a port name: lower-case letters, digits and -"),
        kubernetes(
            "ingress: [{ports: [{port: 80, endPort: 79}]}]",
            FROM + "ports[0].endPort: 79 is less than port, 80"),
        kubernetes(
            "ingress: [{ports: [{port: web, endPort: 79}]}]",
            FROM + "ports[0].endPort: needs a port with a number beside it"),
        kubernetes(
            "ingress: [{ports: [{endPort: 79}]}]",
            FROM + "ports[0].endPort: needs a port with a number beside it"),
        kubernetes(
            "ingress: [{ports: [{protocol: ICMP}]}]",
            FROM + "ports[0].protocol: \"ICMP\" is none of TCP, UDP, SCTP"),
        kubernetes(
            "ingress: [{from: [{}]}]",
            FROM
                + "from[0].podSelector: is missing: a peer has that, namespaceSelector or ipBlock"),
        kubernetes(
            "ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}, podSelector: {}}]}]",
            FROM + "from[0].ipBlock: cannot stand beside podSelector or namespaceSelector"),
        kubernetes("ingress: [{from: [{ipBlock: {}}]}]", FROM + "from[0].ipBlock.cidr: is missing"),
        kubernetes(
            "ingress: [{from: [{ipBlock: {cidr: 10.0.0.1/8}}]}]",
            FROM + "from[0].ipBlock.cidr: 10.0.0.1/8 has host bits set, write 10.0.0.0/8"),
        kubernetes(
            "ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/16]}}]}]",
            FROM + "from[0].ipBlock.except[0]: 11.0.0.0/16 is not a part of 10.0.0.0/8"),
        kubernetes(
            "ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: ['fd00::/16']}}]}]",
            FROM + "from[0].ipBlock.except[0]: fd00::/16 is not a part of 10.0.0.0/8"),
        kubernetes(
            "ingress: [{form: []}]",
            FROM + "form: is not a field that Sluice can enforce, did you mean from?"),
        kubernetes(
            "policyTypes: [Egress], ingress: [{}]",
            KNP + "ingress: has no effect: policyTypes is without Ingress"),
        kubernetes(
            "ingress: [{from: [{podSelector: {matchExpressions: [{key: a, operator: In}]}}]}]",
            FROM + "from[0].podSelector.matchExpressions[0].values: is empty, In needs one"),
        kubernetes(
            "ingress: [{from: [{podSelector: {matchExpressions: [{key: a, operator: Exists,"
                + " values: [b]}]}}]}]",
            FROM + "from[0].podSelector.matchExpressions[0].values: Exists has none"),
        kubernetes(
            "ingress: [{from: [{podSelector: {matchExpressions: [{key: 'a b', operator: Exists}]}}]}]",
            FROM
                + "from[0].podSelector.matchExpressions[0].key: \"a b\" is not the name of a label"),
        kubernetes(
            "ingress: [{from: [{podSelector: {matchExpressions: [{key: a, operator: Is, values: [b]}]}}]}]",
            FROM
                + "from[0].podSelector.matchExpressions[0].operator: \"Is\" is none of In, NotIn,"
                + " Exists, DoesNotExist"),
        kubernetes(
            "ingress: [{from: [{podSelector: {app: web}}]}]",
            FROM + "from[0].podSelector.app: is not a field that Sluice can enforce"));
  }

  static Stream<Case> others() {
    return Stream.of(
        host("{interfaceName: eth0}", "HostEndpoint p: spec.node: is missing"),
        host(
            "{node: n1}",
            "HostEndpoint p: spec.interfaceName: is missing, and expectedIPs is, too: which"
                + " interface is it?"),
        host(
            "{node: n1, interfaceName: a/b}",
            "HostEndpoint p: spec.interfaceName: \"a/b\" is not the name of an interface: at most"
                + " 15 characters"),
        host(
            "{node: n1, interfaceName: eth0, ports: [{port: 80}]}",
            "HostEndpoint p: spec.ports[0].name: is missing"),
        of(
            "projectcalico.org/v3",
            "Tier",
            "{defaultAction: Allow}",
            "Tier p: spec.defaultAction: \"Allow\" is none of Deny, Pass"),
        of(
            "projectcalico.org/v3",
            "GlobalNetworkSet",
            "{nets: [10.0.0.1/8]}",
            "GlobalNetworkSet p: spec.nets[0]: 10.0.0.1/8 has host bits set, write 10.0.0.0/8"),
        of(
            "projectcalico.org/v3",
            "GlobalNetworkSet",
            "{allowedEgressDomains: [example.com]}",
            "GlobalNetworkSet p: spec.allowedEgressDomains: is not a field that Sluice can"
                + " enforce"),
        of(
            "projectcalico.org/v3",
            "Profile",
            "{ingress: [{action: Pass}]}",
            "Profile p: spec.ingress[0].action: Pass leads nowhere: profiles are what is asked"
                + " last"));
  }

  @ParameterizedTest
  @MethodSource({"policies", "rules", "ports", "kubernetes", "others"})
  void saysWhatIsWrong(Case c) {
    assertThat(Manifests.problems(c.head() + c.spec() + "\n"))
        .containsExactlyInAnyOrder(c.problems());
  }

  @ParameterizedTest
  @MethodSource("goodManifests")
  void findsNothingWrongWithGoodOnes(String manifest) {
    assertThat(Manifests.problems(manifest)).isEmpty();
  }

  static List<String> goodManifests() {
    return PolicyManifests.ALL;
  }
}
