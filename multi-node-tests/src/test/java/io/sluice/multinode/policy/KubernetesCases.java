// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.policy;

import static io.sluice.multinode.harness.Reach.Way.SCTP;
import static io.sluice.multinode.harness.Reach.Way.TCP;
import static io.sluice.multinode.harness.Reach.Way.UDP;
import static io.sluice.multinode.policy.Case.OPEN;
import static io.sluice.multinode.policy.KubernetesPolicy.egress;
import static io.sluice.multinode.policy.KubernetesPolicy.ingress;

import io.sluice.multinode.harness.Reach.Way;
import io.sluice.multinode.policy.KubernetesPolicy.Labels;
import io.sluice.multinode.policy.KubernetesPolicy.Peer;
import io.sluice.multinode.policy.KubernetesPolicy.Port;
import io.sluice.multinode.policy.KubernetesPolicy.Rule;
import io.sluice.multinode.policy.Policy.Direction;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What networking.k8s.io/v1 can say, by the classes of cyclonus' generator, and what the end-to-end
 * tests of Kubernetes ask.
 */
final class KubernetesCases {
  private static final Labels A = Labels.of("pod", "a");
  private static final Labels B = Labels.of("pod", "b");
  private static final Labels ALL = Labels.ALL;

  private KubernetesCases() {}

  static Stream<Case> all() {
    return Stream.of(targets(), peers(), blocks(), ports(), conflicts(), actions(), relabelling())
        .flatMap(s -> s);
  }

  private static Port port(Way way, Object port) {
    return new Port(way, port, null);
  }

  private static String pods4(int node) {
    return "10.244." + node + ".0/24";
  }

  private static String address(String pod) {
    return OPEN.host(pod).v4() + "/32";
  }

  private static String address6(String pod) {
    return OPEN.host(pod).v6() + "/128";
  }

  private static Stream<Case> targets() {
    return Stream.of(
        Case.of("deny ingress to a namespace", ingress("x", "p", ALL)),
        Case.of("deny egress of a namespace", egress("y", "p", ALL)),
        Case.of("deny both", both("z", ALL)),
        Case.of("deny ingress to a pod", ingress("x", "p", A)),
        Case.of("target In", ingress("y", "p", Labels.expression("pod", "In", "a", "c"))),
        Case.of("target NotIn", ingress("z", "p", Labels.expression("role", "NotIn", "front"))),
        Case.of("target Exists", egress("z", "p", Labels.expression("role", "Exists"))),
        Case.of(
            "target DoesNotExist", ingress("z", "p", Labels.expression("role", "DoesNotExist"))),
        Case.of("target by label and expression", ingress("x", "p", A.and("role", "In", "front"))),
        Case.of("target nobody", ingress("x", "p", Labels.of("pod", "nobody"))),
        Case.of("allow all ingress", ingress("x", "p", ALL, Rule.ANY)),
        Case.of("allow all egress", egress("x", "p", ALL, Rule.ANY)),
        Case.of(
            "no types, egress rules",
            new KubernetesPolicy(
                "x", "p", A, null, List.of(), List.of(Rule.of(Peer.ofNamespaces("ns", "y"))))),
        Case.of(
            "no types, ingress rules",
            new KubernetesPolicy("x", "p", A, null, List.of(Rule.of(Peer.ofPods())), List.of())));
  }

  private static KubernetesPolicy both(String namespace, Labels pods) {
    return new KubernetesPolicy(
        namespace, "both", pods, EnumSet.allOf(Direction.class), List.of(), List.of());
  }

  private static Stream<Case> peers() {
    return Stream.of(
        Case.of(
            "from pods of the namespace", ingress("x", "p", A, Rule.of(Peer.ofPods("pod", "b")))),
        Case.of("from all pods of the namespace", ingress("x", "p", A, Rule.of(Peer.ofPods()))),
        Case.of("from a namespace", ingress("x", "p", A, Rule.of(Peer.ofNamespaces("ns", "y")))),
        Case.of("from all namespaces", ingress("x", "p", A, Rule.of(Peer.ofNamespaces()))),
        Case.of(
            "from a namespace by name",
            ingress("x", "p", A, Rule.of(Peer.ofNamespaces("kubernetes.io/metadata.name", "z")))),
        Case.of(
            "from pods in namespaces",
            ingress("x", "p", ALL, Rule.of(Peer.both(Labels.of("team", "red"), B)))),
        Case.of(
            "from pods or namespaces",
            ingress("x", "p", A, Rule.of(Peer.ofPods("pod", "b"), Peer.ofNamespaces("ns", "z")))),
        Case.of(
            "from namespaces NotIn",
            ingress("y", "p", ALL, Rule.of(Peer.both(Labels.expression("ns", "NotIn", "x"), ALL)))),
        Case.of(
            "from pods by expressions",
            ingress(
                "y",
                "p",
                B,
                Rule.of(
                    Peer.both(
                        Labels.expression("team", "Exists"),
                        Labels.expression("pod", "In", "b", "c").and("role", "NotIn", "middle"))))),
        Case.of("from nobody", ingress("x", "p", A, Rule.of(Peer.ofPods("pod", "nobody")))),
        Case.of("to pods of the namespace", egress("x", "p", A, Rule.of(Peer.ofPods("pod", "c")))),
        Case.of(
            "to pods in namespaces",
            egress("z", "p", ALL, Rule.of(Peer.both(Labels.of("team", "red"), A)))),
        Case.of(
            "to pods or namespaces",
            egress("y", "p", B, Rule.of(Peer.ofPods("pod", "a"), Peer.ofNamespaces("ns", "z")))));
  }

  private static Stream<Case> blocks() {
    return Stream.of(
        Case.of("from a block", ingress("x", "p", ALL, Rule.of(Peer.block(pods4(1))))),
        Case.of(
            "from a block but one",
            ingress("x", "p", A, Rule.of(Peer.block("10.244.0.0/16", address("y/a"), pods4(1))))),
        Case.of(
            "from a block of IPv6 but one",
            ingress(
                "x",
                "p",
                A,
                Rule.of(Peer.block("fd00:244::/32", address6("z/a"), address6("y/a"))))),
        Case.of(
            "from everywhere in blocks",
            ingress("x", "p", ALL, Rule.of(Peer.block("0.0.0.0/0"), Peer.block("::/0")))),
        Case.of(
            "to outside of the cluster",
            egress(
                "y",
                "p",
                ALL,
                Rule.of(Peer.block("0.0.0.0/0", "10.0.0.0/8"), Peer.block("fd00:99::/64")))),
        Case.of(
            "from a block that another gives back",
            ingress(
                "x",
                "p",
                ALL,
                Rule.of(Peer.block("10.244.0.0/16", address("z/b")), Peer.block(address("z/b"))))),
        Case.of(
            "from a block or pods",
            ingress("z", "p", A, Rule.of(Peer.block("192.168.0.0/16"), Peer.ofPods("pod", "c")))));
  }

  private static Stream<Case> ports() {
    return Stream.of(
        Case.of("port", ingress("x", "p", ALL, Rule.ports(port(TCP, 80)))),
        Case.of("port of UDP", ingress("x", "p", ALL, Rule.ports(port(UDP, 81)))),
        Case.of("port of SCTP", ingress("x", "p", ALL, Rule.ports(port(SCTP, 80)))),
        Case.of(
            "ports of all protocols",
            ingress("x", "p", A, Rule.ports(port(TCP, 80), port(UDP, 81), port(SCTP, 81)))),
        Case.of("port without protocol is TCP's", ingress("x", "p", A, Rule.ports(port(null, 81)))),
        Case.of("protocol", ingress("x", "p", A, Rule.ports(port(UDP, null)))),
        Case.of("protocol SCTP, egress", egress("x", "p", ALL, Rule.ports(port(SCTP, null)))),
        Case.of("named port", ingress("x", "p", ALL, Rule.ports(port(TCP, "http")))),
        Case.of(
            "named ports of UDP and SCTP",
            ingress("x", "p", ALL, Rule.ports(port(UDP, "dns"), port(SCTP, "assoc")))),
        Case.of("named port, egress", egress("y", "p", ALL, Rule.ports(port(TCP, "http")))),
        Case.of(
            "named port of some peers",
            egress("x", "p", A, Rule.of(Peer.ofNamespaces("ns", "y")).on(port(TCP, "http")))),
        Case.of("named port that nobody has", ingress("x", "p", A, Rule.ports(port(TCP, "ftp")))),
        Case.of("endPort", ingress("x", "p", A, Rule.ports(new Port(TCP, 79, 80)))),
        Case.of("endPort, egress", egress("x", "p", A, Rule.ports(new Port(UDP, 80, 90)))),
        Case.of(
            "peers and ports by rule",
            ingress(
                "x",
                "p",
                ALL,
                Rule.of(Peer.ofNamespaces("ns", "y")).on(port(TCP, 80)),
                Rule.of(Peer.ofPods("pod", "a")).on(port(UDP, 81), port(SCTP, null)))),
        Case.of(
            "names are asked for over UDP alone",
            egress("z", "p", ALL, Rule.of(Peer.ofNamespaces("ns", "x")).on(port(UDP, 80)))));
  }

  private static Stream<Case> conflicts() {
    return Stream.of(
        Case.of(
            "denied by one, allowed by another",
            ingress("x", "deny", ALL),
            ingress("x", "allow", A, Rule.of(Peer.ofNamespaces("ns", "z")))),
        Case.of(
            "policies add up",
            ingress("x", "p1", A, Rule.of(Peer.ofNamespaces("ns", "y")).on(port(TCP, 80))),
            ingress("x", "p2", ALL, Rule.of(Peer.ofPods("pod", "b")).on(port(UDP, 80)))),
        Case.of(
            "egress is denied where ingress is allowed",
            egress("x", "out", ALL),
            ingress("y", "in", ALL, Rule.of(Peer.ofNamespaces("ns", "x")))),
        Case.of(
            "ingress is denied where egress is allowed",
            egress("x", "out", ALL, Rule.ANY),
            ingress("y", "in", ALL)),
        Case.of(
            "egress and ingress allow different ports",
            egress("x", "out", ALL, Rule.ports(port(TCP, 80), port(UDP, 80))),
            ingress("x", "in", ALL, Rule.ports(port(TCP, 80), port(TCP, 81), port(SCTP, 80)))),
        Case.of(
            "all namespaces, deny and allow",
            both("x", ALL),
            both("y", ALL),
            ingress("z", "in", ALL, Rule.of(Peer.ofNamespaces("ns", "z"))),
            ingress("x", "in", A, Rule.of(Peer.ofPods("pod", "b"))),
            egress("x", "out", B, Rule.of(Peer.ofPods("pod", "a")))));
  }

  private static Stream<Case> actions() {
    KubernetesPolicy deny = ingress("x", "deny", ALL);
    KubernetesPolicy first = ingress("x", "p", A, Rule.of(Peer.ofNamespaces("ns", "y")));
    KubernetesPolicy second = ingress("x", "p", A, Rule.of(Peer.ofNamespaces("ns", "z")));
    return Stream.of(
        Case.of("create, update, delete", OPEN.with(first), OPEN.with(second), OPEN),
        Case.of("one of two is deleted", OPEN.with(deny, first), OPEN.with(first), OPEN.with(deny)),
        Case.of(
            "the target changes",
            OPEN.with(ingress("x", "p", A)),
            OPEN.with(ingress("x", "p", B)),
            OPEN.with(ingress("x", "p", ALL))),
        Case.of(
            "ports change",
            OPEN.with(ingress("y", "p", ALL, Rule.ports(port(TCP, 80)))),
            OPEN.with(ingress("y", "p", ALL, Rule.ports(port(TCP, 81), port(UDP, 80))))),
        Case.of(
            "the direction changes",
            OPEN.with(ingress("y", "p", A)),
            OPEN.with(egress("y", "p", A))));
  }

  private static Stream<Case> relabelling() {
    World byPod = OPEN.with(ingress("x", "p", A, Rule.of(Peer.both(ALL, B))));
    World byNamespace =
        OPEN.with(ingress("x", "p", ALL, Rule.of(Peer.ofNamespaces("team", "blue"))));
    World byTarget = OPEN.with(ingress("y", "p", Labels.of("guarded", "yes")));
    return Stream.of(
        Case.of(
            "a peer's labels change",
            byPod,
            byPod.relabel("z/b", Map.of("pod", "other")),
            byPod.relabel("z/b", Map.of("pod", "other")).relabel("y/c", Map.of("pod", "b")),
            byPod),
        Case.of(
            "a target's labels change",
            byTarget,
            byTarget.relabel("y/a", Map.of("pod", "a", "guarded", "yes")),
            byTarget),
        Case.of(
            "a namespace's labels change",
            byNamespace,
            byNamespace.relabelNamespace("y", Map.of("ns", "y", "team", "blue")),
            byNamespace.relabelNamespace("z", Map.of("ns", "z"))));
  }
}
