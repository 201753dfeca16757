// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.explain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import io.sluice.actors.conntrack.FlowKeys;
import io.sluice.agent.dump.MemoryDataplane;
import io.sluice.agent.explain.Explanation.Candidate;
import io.sluice.agent.explain.Explanation.Verdict;
import io.sluice.kernel.dataplane.MaglevTable;
import io.sluice.kernel.layout.Affinity;
import io.sluice.kernel.layout.AffinityKey;
import io.sluice.kernel.layout.BackendGen;
import io.sluice.kernel.layout.CtCommon;
import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.CtTuple;
import io.sluice.kernel.layout.CtValue;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.FrontendFlags;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.NodeSourceKey;
import io.sluice.kernel.layout.NodeState;
import io.sluice.kernel.layout.RouteKey;
import io.sluice.kernel.layout.ServiceFlags;
import io.sluice.kernel.layout.SourceRangeKey;
import io.sluice.kernel.net.Route;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ExplainerTest {
  private static final String FORWARDED =
      "forwarded by the tunnel, translated there, to one of that node's own backends";

  private static int mtu(Family family) {
    return family == Family.IPV4 ? 1450 : 1430;
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aPodGetsAnyBackendByRedirectOrOverlay(Family family) {
    Node node = new Node(family);
    Explanation told = node.explain(node.pod(2), node.service(), Node.PORT);

    assertThat(told.verdict()).isEqualTo(Verdict.ALLOWED);
    assertThat(told.service()).isEqualTo("#7");
    assertThat(told.candidates())
        .containsExactly(
            new Candidate(
                node.backend(1),
                50,
                "",
                "redirected to the pod behind cali1",
                "translated back on this node",
                0,
                ""),
            new Candidate(
                node.backend(101),
                50,
                node.host(2).toString(),
                "overlay, by the tunnel",
                "by the tunnel",
                mtu(family),
                ""));
    assertThat(node.explain(node.pod(1), node.service(), Node.PORT).candidates().get(0).path())
        .contains("hairpin");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-SVC-7")
  void aNodePortIsEveryNodesAndForwardedFromOutside(Family family) {
    Node node = new Node(family);
    Explanation inside = node.explain(node.pod(2), node.host(2), Node.NODE_PORT);
    assertThat(inside.candidates())
        .extracting(Candidate::path)
        .containsExactly("redirected to the pod behind cali1", "overlay, by the tunnel");

    Explanation outside = node.explain(node.client(), node.host(1), Node.NODE_PORT);
    assertThat(outside.candidates())
        .extracting(Candidate::path, Candidate::reply, Candidate::mtu)
        .containsExactly(
            tuple(
                "redirected to the pod behind cali1",
                "out by the host interface, with the service's address",
                0),
            tuple(FORWARDED, "by the tunnel, and out by this node", mtu(family)));
    assertThat(node.explain(node.pod(2), node.pod(102), Node.NODE_PORT).frontend()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-DSR-1")
  void answersGoDirectlyUnderDsrButForThoseWhoOptOut(Family family) {
    Node node = new Node(family);
    node.dsr = Optional.of(true);
    assertThat(node.explain(node.client(), node.balancer(), Node.PORT).candidates().get(1).reply())
        .isEqualTo("from that node to the client directly (DSR)");
    assertThat(node.explain(node.host(2), node.balancer(), Node.PORT).candidates().get(1).reply())
        .isEqualTo("by the tunnel, and out by this node");
    Ip net = node.client().masked(24);
    node.dataplane.dsrOptout(family).put(new RouteKey(24, net), 1);
    assertThat(node.explain(node.client(), node.balancer(), Node.PORT).candidates().get(1).reply())
        .contains("bpfDSROptoutCIDRs: " + net + "/24");
    node.dataplane.dsrOptout(family).removeAll(List.of(new RouteKey(24, net)));
    node.dsr = Optional.empty();
    assertThat(node.explain(node.client(), node.balancer(), Node.PORT).candidates().get(1).reply())
        .contains("if bpfExternalServiceMode is DSR");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-SVC-6")
  void aServiceWithoutBackendsRefuses(Family family) {
    Node node = new Node(family);
    node.service(0, 0, 0, 0);
    Explanation told = node.explain(node.pod(2), node.service(), Node.PORT);
    assertThat(told.verdict()).isEqualTo(Verdict.REFUSED);
    assertThat(told.reason()).isEqualTo("refused_rst");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-SVC-10")
  void trafficPolicyLocalIsForWhomItIs(Family family) {
    Node node = new Node(family);
    node.frontend(
        node.balancer(),
        Node.PORT,
        FrontendFlags.FRONTEND_LOAD_BALANCER | FrontendFlags.FRONTEND_LOCAL);
    assertThat(node.explain(node.client(), node.balancer(), Node.PORT).candidates())
        .extracting(Candidate::backend, Candidate::sharePercent)
        .containsExactly(tuple(node.backend(1), 100.0));
    assertThat(node.explain(node.pod(2), node.balancer(), Node.PORT).candidates()).hasSize(2);

    node.service(2, 0, 0, 0);
    Explanation none = node.explain(node.client(), node.balancer(), Node.PORT);
    assertThat(none.verdict() + " " + none.reason()).isEqualTo("DROPPED no_local_backend");

    node.frontend(
        node.service(),
        Node.PORT,
        FrontendFlags.FRONTEND_CLUSTER_IP | FrontendFlags.FRONTEND_LOCAL);
    assertThat(node.explain(node.pod(2), node.service(), Node.PORT).reason())
        .isEqualTo("no_local_backend");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-SVC-10")
  void whoIsInNoSourceRangeIsDropped(Family family) {
    Node node = new Node(family);
    node.frontend(
        node.balancer(),
        Node.PORT,
        FrontendFlags.FRONTEND_LOAD_BALANCER | FrontendFlags.FRONTEND_SOURCE_RANGES);
    Ip net = node.pod(0).masked(24);
    node.dataplane.sourceRanges(family).put(new SourceRangeKey(32 + 24, Node.SERVICE, net), 1);
    Explanation dropped = node.explain(node.client(), node.balancer(), Node.PORT);
    assertThat(dropped.verdict() + " " + dropped.reason()).isEqualTo("DROPPED source_range");
    assertThat(Node.said(dropped, "ranges").get(0)).contains("in none of " + net + "/24");
    assertThat(node.explain(node.pod(2), node.balancer(), Node.PORT).verdict())
        .isEqualTo(Verdict.ALLOWED);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-SVC-4")
  void affinityComesFirstAndADeadBackendIsAMiss(Family family) {
    Node node = new Node(family);
    node.service(ServiceFlags.SERVICE_MAGLEV, 60);
    node.dataplane
        .affinity(family)
        .put(
            new AffinityKey(node.client(), Node.SERVICE),
            new Affinity(node.pod(101), 8080, 0, 101, 3, MemoryDataplane.NOW - 250));
    assertThat(node.explain(node.client(), node.balancer(), Node.PORT).candidates())
        .extracting(Candidate::backend)
        .containsExactly(node.backend(101));

    node.kill(101);
    Explanation missed = node.explain(node.pod(2), node.service(), Node.PORT);
    assertThat(missed.candidates()).extracting(Candidate::backend).contains(node.backend(1));
    Explanation dead = node.explain(node.client(), node.host(1), Node.NODE_PORT);
    assertThat(Node.said(dead, "backend").get(0)).contains("no longer one");
    assertThat(dead.candidates()).extracting(Candidate::backend).containsExactly(node.backend(1));
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-MAG-1")
  void aMaglevTableTellsTheBackendByTheSourcePort(Family family) {
    Node node = new Node(family);
    node.service(ServiceFlags.SERVICE_MAGLEV, 0);
    node.dataplane
        .maglev()
        .put(Node.SERVICE, new MaglevTable(5, Node.BASE, 2, new char[] {0, 1, 1, 1}));
    assertThat(node.explain(node.client(), node.balancer(), Node.PORT).candidates())
        .extracting(Candidate::backend, Candidate::sharePercent)
        .containsExactly(tuple(node.backend(1), 25.0), tuple(node.backend(101), 75.0));

    node.sourcePort = 40_000;
    int hash =
        io.sluice.kernel.testing.TupleHash.of(
            node.client(), node.balancer(), 40_000, Node.PORT, Node.TCP);
    int slot = (int) (Integer.toUnsignedLong(hash) * 4 >>> 32);
    assertThat(node.explain(node.client(), node.balancer(), Node.PORT).candidates())
        .extracting(Candidate::backend, Candidate::sharePercent)
        .containsExactly(tuple(node.backend(slot == 0 ? 1 : 101), 100.0));
    assertThat(node.explain(node.client(), node.host(1), Node.NODE_PORT).selection())
        .startsWith("random");
    assertThat(node.explain(node.pod(2), node.balancer(), Node.PORT).selection())
        .startsWith("random");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aKnownFlowGoesOnToItsBackendUnlessThatIsGone(Family family) {
    Node node = new Node(family);
    node.sourcePort = 40_000;
    CtTuple before = new CtTuple(node.pod(2), node.service(), 40_000, Node.PORT);
    CtTuple after = new CtTuple(node.pod(2), node.pod(101), 40_000, 8080);
    CtCommon common =
        new CtCommon(0, 0, CtState.CT_NAT_FORWARD, 0, 2, 5, Node.SERVICE, 101, 3, 0, 0);
    node.dataplane
        .ct(family)
        .put(FlowKeys.of(before, Node.TCP), new CtValue(common, after, node.host(2)));
    Explanation known = node.explain(node.pod(2), node.service(), Node.PORT);
    assertThat(known.candidates())
        .extracting(Candidate::backend)
        .containsExactly(node.backend(101));

    node.kill(101);
    Explanation anew = node.explain(node.pod(2), node.service(), Node.PORT);
    assertThat(Node.said(anew, "conntrack").get(0)).contains("chosen anew");
    assertThat(anew.candidates()).extracting(Candidate::backend).containsExactly(node.backend(1));
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-RPF-1")
  @Tag("INV-RPF-2")
  void whoSendsWithAnothersAddressIsDropped(Family family) {
    Node node = new Node(family);
    node.device = "cali1";
    assertThat(node.explain(node.pod(2), node.service(), Node.PORT).reason()).isEqualTo("rpf");
    assertThat(node.explain(node.pod(1), node.service(), Node.PORT).reason()).isEmpty();
    node.device = "eth0";
    assertThat(node.explain(node.pod(2), node.service(), Node.PORT).reason()).isEqualTo("host_rpf");
    node.rpf(IfaceFlags.IFACE_RPF_STRICT);
    assertThat(Node.said(node.explain(node.client(), node.balancer(), Node.PORT), "enters"))
        .last()
        .asString()
        .contains("eth0 drops it (host_rpf) unless the kernel's routes lead back", "by it");
    node.device = "wlan0";
    assertThatThrownBy(() -> node.explain(node.client(), node.balancer(), Node.PORT))
        .hasMessageContaining("no program looks at an interface wlan0");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-RPF-1")
  void whoMaySendFromAnAddressOfNobodyIsFoundHereAndOnOtherNodes(Family family) {
    Node node = new Node(family);
    int prefix = family == Family.IPV4 ? 24 : 64;
    Ip network = node.client().masked(prefix);
    node.dataplane
        .nodeSources(family)
        .put(new NodeSourceKey(family.bits() + prefix, node.host(2), network), 1);
    Explanation elsewhere = node.explain(node.client(), node.pod(1), 8080);
    assertThat(elsewhere.verdict()).isEqualTo(Verdict.ALLOWED);
    assertThat(elsewhere.candidates().get(0))
        .extracting(Candidate::path, Candidate::reply)
        .containsExactly("redirected to the pod behind cali1", "by the tunnel");
    assertThat(Node.said(elsewhere, "enters").get(0)).contains("a pod of another node may send");
    // Answers to it, as to any other address, are by the flow: no route leads there.
    assertThat(node.explain(node.pod(1), node.client(), 8080).candidates().get(0).path())
        .isEqualTo("host stack, by the host's routes");

    node.device = "cali1";
    assertThat(node.explain(node.client(), node.pod(2), 8080).reason()).isEqualTo("rpf");
    node.allowPod1(network, prefix);
    assertThat(node.explain(node.client(), node.pod(2), 8080).reason()).isEmpty();
    node.device = "cali2";
    assertThat(node.explain(node.client(), node.pod(1), 8080).reason()).isEqualTo("rpf");
    node.device = "";
    Explanation here = node.explain(node.client(), node.service(), Node.PORT);
    assertThat(here.verdict()).isEqualTo(Verdict.ALLOWED);
    assertThat(Node.said(here, "enters"))
        .containsExactly(
            node.client()
                + " is not an address of the pod behind cali1, but it may send from it"
                + " (allowedSourcePrefixes)");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-RPF-1")
  void whoMaySendFromAnywhereIsNotTakenForTheSender(Family family) {
    Node node = new Node(family);
    node.dataplane
        .nodeSources(family)
        .put(new NodeSourceKey(family.bits(), node.host(2), Ip.any(family)), 1);
    node.allowPod1(Ip.any(family), 0);
    Explanation outside = node.explain(node.client(), node.pod(1), 8080);
    assertThat(outside.candidates().get(0).reply()).isEqualTo("out by the host interface");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-RPF-2")
  void theKernelsRoutesTellWhatAReversePathFilterDoes(Family family) {
    Node node = new Node(family);
    Ip any = Ip.any(family);
    Route byDefault = Route.via(any, 0, node.host(9), 99);
    Route back = Route.via(node.client().masked(24), 24, node.host(9), Node.ETH0);
    Route nowhere = Route.nowhere(node.client().masked(28), 28, Route.TYPE_UNREACHABLE);
    int[] flags = {IfaceFlags.IFACE_RPF_STRICT, IfaceFlags.IFACE_RPF_LOOSE};
    List<List<Route>> tables =
        List.of(List.of(), List.of(byDefault), List.of(byDefault, back), List.of(nowhere, back));
    boolean[][] passes = {{false, false, true, false}, {false, true, true, false}};
    for (int mode = 0; mode < flags.length; mode++) {
      node.rpf(flags[mode]);
      for (int table = 0; table < tables.size(); table++) {
        List<Route> routes = tables.get(table);
        node.paths = new KernelPaths(asked -> routes);
        assertThat(node.explain(node.client(), node.balancer(), Node.PORT).reason())
            .as("%s of %s", mode, routes)
            .isEqualTo(passes[mode][table] ? "" : "host_rpf");
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-GAP-1")
  void whatIsNotReadyIsSaid(Family family) {
    Node node = new Node(family);
    node.changePod1(IfaceFlags.IFACE_CONFIGURED | IfaceFlags.IFACE_WORKLOAD);
    assertThat(node.explain(node.pod(2), node.pod(1), 8080).candidates().get(0).path())
        .contains("cali1 is not ready");
    node.changePod1(0);
    assertThat(node.explain(node.pod(1), node.pod(2), 8080).reason()).isEqualTo("no_iface");
    node.dataplane.node().put(0, new NodeState(1, 0, 0, 0, 0, Ip.ANY4, Ip.ANY6));
    Explanation outside = node.explain(node.client(), node.balancer(), Node.PORT);
    assertThat(outside.verdict()).isEqualTo(Verdict.DEPENDS);
    assertThat(outside.candidates().get(1).reason()).isEqualTo("no_tunnel_route");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void whatIsForNoServiceGoesWhereItsAddressLives(Family family) {
    Node node = new Node(family);
    assertThat(node.explain(node.pod(2), node.pod(1), 8080).candidates().get(0).path())
        .isEqualTo("redirected to the pod behind cali1");
    assertThat(node.explain(node.pod(2), node.client(), 443).candidates().get(0).path())
        .isEqualTo("host stack, by the host's routes");
    assertThat(node.explain(node.pod(101), node.pod(1), 8080).candidates().get(0).path())
        .isEqualTo("redirected to the pod behind cali1");
    assertThat(node.explain(node.pod(101), node.client(), 443).reason()).isEqualTo("workload_gone");
    assertThat(node.explain(node.pod(101), node.service(), Node.PORT).verdict())
        .isEqualTo(Verdict.ELSEWHERE);
    assertThat(node.explain(node.host(1), node.service(), Node.PORT).candidates())
        .extracting(Candidate::path)
        .containsExactly("redirected to the pod behind cali1", FORWARDED);
    Explanation wrong = node.explain(node.pod(2), node.service(), 81);
    assertThat(Node.said(wrong, "frontend").get(0)).contains("this address has 80/tcp");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void whatOnlyDeadBackendsCouldTakeIsDropped(Family family) {
    Node node = new Node(family);
    node.kill(1);
    assertThat(node.explain(node.pod(2), node.service(), Node.PORT).candidates())
        .extracting(Candidate::backend, Candidate::sharePercent)
        .containsExactly(tuple(node.backend(101), 100.0));
    node.kill(101);
    assertThat(node.explain(node.pod(2), node.service(), Node.PORT).reason())
        .isEqualTo("backend_gone");
  }

  @Test
  void theFirstChoiceOfAClientIsTheHashsOnEveryNode() {
    Node node = new Node(Family.IPV4);
    node.service(0, 60);
    int hash =
        io.sluice.kernel.testing.TupleHash.of(
            node.client(), node.balancer(), 0, Node.PORT, Node.TCP);
    int pod = hash < 0 ? 101 : 1; // of two
    assertThat(node.explain(node.client(), node.balancer(), Node.PORT).candidates())
        .extracting(Candidate::backend)
        .containsExactly(node.backend(pod));
    node.dataplane.backendGen().put(pod, new BackendGen(9));
    assertThat(node.explain(node.client(), node.balancer(), Node.PORT).candidates())
        .extracting(Candidate::backend)
        .containsExactly(node.backend(pod == 1 ? 101 : 1));
  }
}
