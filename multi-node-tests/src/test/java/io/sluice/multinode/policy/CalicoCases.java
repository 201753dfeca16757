// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.policy;

import static io.sluice.multinode.policy.CalicoRule.allow;
import static io.sluice.multinode.policy.CalicoRule.deny;
import static io.sluice.multinode.policy.CalicoRule.log;
import static io.sluice.multinode.policy.CalicoRule.pass;
import static io.sluice.multinode.policy.Case.OPEN;
import static io.sluice.multinode.policy.World.labels;

import io.sluice.multinode.harness.IpVersion;
import io.sluice.multinode.policy.KubernetesPolicy.Labels;
import io.sluice.multinode.policy.KubernetesPolicy.Peer;
import io.sluice.multinode.policy.KubernetesPolicy.Rule;
import io.sluice.multinode.policy.Policy.Direction;
import io.sluice.multinode.policy.World.NetSet;
import io.sluice.multinode.policy.World.Tier;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** What projectcalico.org/v3 can say besides. */
final class CalicoCases {
  private static final Sel A = Sel.is("pod", "a");
  private static final Sel B = Sel.is("pod", "b");
  private static final Sel X = Sel.is("ns", "x");
  private static final Tier FIRST = new Tier("first", 10, false);
  private static final Tier PASSING = new Tier("passing", 5, true);

  private CalicoCases() {}

  static Stream<Case> all() {
    return Stream.of(order(), tiers(), matches(), icmp(), selectors(), sets(), accounts())
        .flatMap(s -> s);
  }

  private static CalicoPolicy toX(String name, CalicoRule... rules) {
    return CalicoPolicy.global(name).namespaces(X).types(Direction.INGRESS).ingress(rules);
  }

  private static CalicoPolicy outOfX(String name, CalicoRule... rules) {
    return CalicoPolicy.global(name).namespaces(X).types(Direction.EGRESS).egress(rules);
  }

  private static CalicoRule from(CalicoRule rule, Sel selector) {
    return rule.from(end -> end.selector(selector));
  }

  private static Stream<Case> order() {
    KubernetesPolicy kubernetes =
        KubernetesPolicy.ingress("x", "allow", Labels.ALL, Rule.of(Peer.ofNamespaces()));
    return Stream.of(
        Case.of("a global policy of no rules", CalicoPolicy.global("p").selector(A)),
        Case.of("a namespace's policy", CalicoPolicy.in("x", "p").ingress(from(allow(), A))),
        Case.of(
            "Deny before what Kubernetes allows",
            toX("early", from(deny(), A)).order(999),
            kubernetes),
        Case.of(
            "Deny after what Kubernetes allows",
            toX("late", from(deny(), A)).order(1001),
            kubernetes),
        Case.of(
            "the lower order decides",
            toX("p1", from(deny(), A)).order(20),
            toX("p2", from(allow(), A), from(deny(), B)).order(10),
            toX("p3", from(allow(), B))),
        Case.of(
            "by name, where orders are alike",
            toX("bb", from(deny(), A)).order(10),
            toX("aa", from(allow(), A)).order(10)),
        Case.of("Deny rules, Allow the rest", toX("p", from(deny(), A), log(), allow())),
        Case.of(
            "the order changes",
            OPEN.with(toX("p1", from(deny(), A)).order(1), toX("p2", allow()).order(2)),
            OPEN.with(toX("p1", from(deny(), A)).order(3), toX("p2", allow()).order(2))));
  }

  private static Stream<Case> tiers() {
    CalicoPolicy allowA = toX("p", from(allow(), A)).tier("first");
    CalicoPolicy laterDenial = toX("later", deny());
    return Stream.of(
        Case.of("the end of a tier denies", OPEN.with(FIRST).with(allowA)),
        Case.of(
            "a tier that ends in Pass",
            OPEN.with(PASSING)
                .with(toX("p", from(allow(), A)).tier("passing"), toX("rest", from(allow(), B)))),
        Case.of(
            "Pass skips the rest of its tier",
            OPEN.with(FIRST)
                .with(
                    toX("p1", from(pass(), A)).tier("first").order(1),
                    toX("p2", deny()).tier("first").order(2))),
        Case.of("Pass of the last tier", toX("p", from(pass(), A), deny())),
        Case.of(
            "Allow of an earlier tier is the end of it",
            OPEN.with(FIRST).with(allowA, laterDenial)),
        Case.of(
            "three tiers",
            OPEN.with(PASSING, FIRST)
                .with(
                    toX("p0", from(deny(), Sel.is("pod", "c"))).tier("passing"),
                    toX("p1", from(pass(), A), from(allow(), B)).tier("first"),
                    toX("p2", from(deny(), A.and(Sel.is("role", "front"))), allow()))),
        Case.of(
            "a tier of the other direction does not count",
            OPEN.with(FIRST).with(outOfX("p", allow()).tier("first"))),
        Case.of(
            "a tier becomes another",
            OPEN.with(FIRST).with(toX("p", from(allow(), A)).tier("first"), toX("q", allow())),
            OPEN.with(new Tier("first", 10, true))
                .with(toX("p", from(allow(), A)).tier("first"), toX("q", allow()))));
  }

  private static Stream<Case> matches() {
    String xa = OPEN.host("x/a").v4() + "/32";
    return Stream.of(
        Case.of(
            "nets",
            toX(
                "p",
                allow().from(e -> e.nets("10.244.1.0/24", "192.168.99.0/24")),
                allow().from(e -> e.nets("fd00:244:2::/64")))),
        Case.of(
            "notNets",
            toX(
                "p",
                allow().version(IpVersion.V4).from(e -> e.notNets("10.244.1.0/24")),
                allow().version(IpVersion.V6).from(e -> e.notNets("fd00:244::/32")))),
        Case.of(
            "nets and notNets",
            outOfX("p", allow().to(e -> e.nets("10.244.0.0/16").notNets(xa, "10.244.2.0/24")))),
        Case.of("ports", toX("p", allow().protocol("TCP").to(e -> e.ports("79:80", 8080, "http")))),
        Case.of("notPorts", toX("p", allow().protocol("UDP").to(e -> e.notPorts(80)))),
        Case.of(
            "notPorts by name", outOfX("p", allow().protocol("TCP").to(e -> e.notPorts("http")))),
        Case.of("protocol by number", toX("p", allow().protocol(132), allow().protocol(17))),
        Case.of("notProtocol", toX("p", allow().notProtocol("TCP"))),
        Case.of("ipVersion", toX("p", allow().version(IpVersion.V6), from(allow(), A))),
        Case.of("many ports", toX("p", manyPorts())),
        Case.of("many rules", toX("p", manyRules())),
        Case.of(
            "both ends",
            CalicoPolicy.global("p")
                .types(Direction.INGRESS, Direction.EGRESS)
                .ingress(from(allow(), A).to(e -> e.selector(B)))
                .egress(from(allow(), A).to(e -> e.selector(B).namespaces(X)))));
  }

  private static CalicoRule manyPorts() {
    Object[] ports = new Object[60];
    for (int i = 0; i < ports.length; i++) {
      ports[i] = i % 3 == 0 ? (1000 + 10 * i) + ":" + (1005 + 10 * i) : (Object) (22 + i);
    }
    return allow().protocol("TCP").to(e -> e.ports(ports));
  }

  private static CalicoRule[] manyRules() {
    List<CalicoRule> rules = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      String net = "172.16." + i + ".0/24";
      int port = 1000 + i;
      rules.add(deny().protocol("TCP").from(e -> e.nets(net)).to(e -> e.ports(port)));
    }
    rules.add(from(allow(), B));
    return rules.toArray(CalicoRule[]::new);
  }

  private static Stream<Case> icmp() {
    return Stream.of(
        Case.of(
            "ping alone",
            toX("p", allow().protocol("ICMP").icmp(8), allow().protocol("ICMPv6").icmp(128))),
        Case.of("ping with its code", toX("p", allow().protocol("ICMP").icmp(8, 0))),
        Case.of(
            "ping of another code",
            toX("p", deny().protocol("ICMP").icmp(8, 1), deny().protocol("ICMPv6").icmp(1)),
            toX("q", allow())),
        Case.of("notICMP", toX("p", allow().protocol("ICMP").notIcmp(8))),
        Case.of(
            "no ping out",
            outOfX("p", deny().protocol("ICMP"), deny().protocol("ICMPv6").icmp(128, 0), allow())));
  }

  private static Stream<Case> selectors() {
    Stream<Sel> each =
        Stream.of(
            Sel.all(),
            Sel.has("role"),
            Sel.lacks("role"),
            Sel.isNot("role", "front"),
            Sel.in("pod", "a", "c"),
            Sel.notIn("role", "front", "back"),
            Sel.contains("role", "dd"),
            Sel.starts("role", "fr"),
            Sel.ends("role", "ck"),
            A.or(B).and(Sel.is("role", "front").not()),
            Sel.is("projectcalico.org/namespace", "y").or(Sel.is("pod", "c")));
    Stream<Case> asPeer = each.map(s -> Case.of("from " + s.text(), toX("p", from(allow(), s))));
    return Stream.concat(
        asPeer,
        Stream.of(
            Case.of("notSelector", toX("p", allow().from(e -> e.notSelector(A)))),
            Case.of(
                "selector and notSelector",
                toX(
                    "p",
                    allow()
                        .from(e -> e.selector(Sel.has("role")).notSelector(Sel.in("pod", "a"))))),
            Case.of(
                "namespaceSelector",
                CalicoPolicy.in("x", "p")
                    .ingress(allow().from(e -> e.namespaces(Sel.is("team", "red")))),
                CalicoPolicy.in("y", "p")
                    .ingress(
                        allow().from(e -> e.selector(A).namespaces(Sel.isNot("team", "red"))))),
            Case.of(
                "applied by selectors",
                CalicoPolicy.global("p")
                    .selector(Sel.in("role", "front", "back"))
                    .namespaces(Sel.is("team", "red"))
                    .ingress(from(allow(), B)))));
  }

  private static Stream<Case> sets() {
    NetSet outside =
        new NetSet(null, "out", labels("zone", "far"), List.of("192.168.99.0/24", "fd00:99::/64"));
    NetSet pods =
        new NetSet(
            "y", "some", labels("zone", "near"), List.of("10.244.1.0/24", "fd00:244:2::/64"));
    NetSet fewer =
        new NetSet("y", "some", labels("zone", "near"), List.of(OPEN.host("z/a").v4() + "/32"));
    CalicoPolicy far = toX("p", from(allow(), Sel.is("zone", "far")));
    CalicoPolicy any = toX("p", from(allow(), Sel.has("zone").or(A)));
    CalicoPolicy inY = CalicoPolicy.in("y", "p").ingress(from(allow(), Sel.has("zone")));
    CalicoPolicy global =
        toX("p", allow().from(e -> e.selector(Sel.has("zone")).namespaces(Sel.global())));
    World both = OPEN.with(outside, pods);
    return Stream.of(
        Case.of("a global network set", both.with(far)),
        Case.of("network sets and pods", both.with(any)),
        Case.of("a namespace's network set", both.with(inY)),
        Case.of("global() finds global sets", both.with(global)),
        Case.of(
            "to a network set",
            both.with(outOfX("p", allow().to(e -> e.selector(Sel.is("zone", "far")))))),
        Case.of("a large set", OPEN.with(large()).with(any)),
        Case.of(
            "a set changes, and goes",
            both.with(any),
            OPEN.with(outside, fewer).with(any),
            OPEN.with(fewer).with(any),
            OPEN.with(any)));
  }

  private static NetSet large() {
    List<String> nets = new ArrayList<>(List.of("192.168.99.2/32", OPEN.host("z/b").v6() + "/128"));
    for (int i = 0; i < 1000; i++) {
      nets.add("100.64." + i / 250 + "." + i % 250 + "/32");
      nets.add("fd00:beef::" + Integer.toHexString(i) + "/128");
    }
    return new NetSet(null, "large", labels("zone", "large"), nets);
  }

  private static Stream<Case> accounts() {
    CalicoPolicy robots =
        CalicoPolicy.in("x", "p").ingress(allow().from(e -> e.accounts("robot", "nobody")));
    CalicoPolicy clerks =
        toX(
            "p",
            allow().from(e -> e.accounts(Sel.is("account", "clerk")).selector(Sel.has("role"))));
    CalicoPolicy ofRobots =
        CalicoPolicy.global("p").accounts(Sel.is("account", "robot")).ingress(from(allow(), B));
    return Stream.of(
        Case.of("service accounts by name", robots),
        Case.of("service accounts by label", clerks),
        Case.of("applied by service account", ofRobots),
        Case.of(
            "a pod's account changes",
            OPEN.with(ofRobots),
            OPEN.with(ofRobots).account("z/b", "robot"),
            OPEN.with(ofRobots).account("z/b", "robot").account("x/a", "clerk")));
  }
}
