// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import io.sluice.config.model.Resource;
import java.util.List;

/** Manifests of what is allowed, for tests. */
final class PolicyManifests {
  static final String KUBERNETES =
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata:
        name: db
        namespace: shop
      spec:
        podSelector:
          matchLabels: {app: db, tier: back}
          matchExpressions:
          - {key: env, operator: NotIn, values: [test, dev]}
        policyTypes: [Ingress, Egress]
        ingress:
        - from:
          - podSelector: {matchLabels: {app: web}}
          - namespaceSelector: {matchLabels: {team: ops}}
          - namespaceSelector: {}
            podSelector: {matchExpressions: [{key: role, operator: Exists}]}
          - ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}
          ports:
          - port: 5432
          - {protocol: TCP, port: 6000, endPort: 6010}
          - {protocol: UDP, port: dns}
        egress:
        - to:
          - ipBlock: {cidr: 192.0.2.0/24}
          - ipBlock: {cidr: 198.51.100.0/24}
          - ipBlock: {cidr: "2001:db8::/32"}
      """;

  static final String GLOBAL =
      """
      apiVersion: projectcalico.org/v3
      kind: GlobalNetworkPolicy
      metadata:
        name: guard
      spec:
        tier: security
        order: 12.5
        selector: role == 'node' && has(kernel)
        namespaceSelector: env == 'prod'
        serviceAccountSelector: trusted != 'no'
        types: [Ingress, Egress]
        applyOnForward: true
        ingress:
        - action: Allow
          protocol: TCP
          metadata:
            annotations: {why: known clients}
          source:
            nets: [10.0.0.0/8, 192.0.2.7]
            notNets: [10.9.0.0/16]
            selector: app == 'web'
            notSelector: bad == 'yes'
            namespaceSelector: global()
            notPorts: [7]
          destination:
            ports: [80, 8000:8010, metrics]
            serviceAccounts: {names: [web], selector: has(ok)}
        - action: Deny
          protocol: ICMP
          icmp: {type: 8, code: 0}
        - action: Log
          notProtocol: 17
        egress:
        - action: Pass
          ipVersion: 6
          protocol: ICMPv6
          notICMP: {type: 135}
        - action: Allow
          destination:
            services: {name: kube-dns, namespace: kube-system}
      """;

  static final String CALICO =
      """
      apiVersion: crd.projectcalico.org/v1
      kind: NetworkPolicy
      metadata:
        name: default.web
        namespace: shop
      spec:
        selector: app == 'web'
        egress:
        - action: Allow
          protocol: 17
          destination:
            ports: [53]
      """;

  static final String TIER =
      """
      apiVersion: projectcalico.org/v3
      kind: Tier
      metadata: {name: security}
      spec: {order: 100, defaultAction: Pass}
      """;

  static final String SET =
      """
      apiVersion: projectcalico.org/v3
      kind: NetworkSet
      metadata: {name: partners, namespace: shop, labels: {role: partner}}
      spec: {nets: [198.51.100.0/24, 203.0.113.9, "2001:db8::/32"]}
      """;

  static final String GLOBAL_SET =
      """
      apiVersion: projectcalico.org/v3
      kind: GlobalNetworkSet
      metadata: {name: bogons, labels: {role: bogon}}
      spec: {nets: [192.0.2.0/24]}
      """;

  static final String HOST =
      """
      apiVersion: projectcalico.org/v3
      kind: HostEndpoint
      metadata: {name: node1-eth0, labels: {role: node}}
      spec:
        node: node1
        interfaceName: eth0
        expectedIPs: [192.168.101.2, "fd00:101::2"]
        profiles: [projectcalico-default-allow]
        ports: [{name: metrics, protocol: TCP, port: 9100}]
      """;

  static final String PROFILE =
      """
      apiVersion: projectcalico.org/v3
      kind: Profile
      metadata: {name: kns.shop}
      spec:
        labelsToApply: {pcns.team: shop}
        ingress: [{action: Allow}]
        egress: [{action: Deny, destination: {nets: [169.254.169.254/32]}}, {action: Allow}]
      """;

  static final String ACCOUNT =
      """
      apiVersion: v1
      kind: ServiceAccount
      metadata: {name: web, namespace: shop, labels: {trusted: "yes"}}
      secrets: [{name: token}]
      """;

  static final List<String> ALL =
      List.of(KUBERNETES, GLOBAL, CALICO, TIER, SET, GLOBAL_SET, HOST, PROFILE, ACCOUNT);

  private PolicyManifests() {}

  /** The one resource of a manifest, which has nothing wrong with it. */
  static Resource read(String text) {
    List<ParsedDocument> documents = Manifests.parse(text);
    if (documents.size() != 1 || !documents.get(0).problems().isEmpty()) {
      throw new AssertionError(Manifests.problems(text).toString());
    }
    return documents.get(0).resource().orElseThrow();
  }
}
