// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.explain;

import io.sluice.actors.policy.EndpointPolicy;
import io.sluice.actors.policy.NodePolicy;
import io.sluice.actors.policy.RuleName;
import io.sluice.agent.dump.RouteTable;
import io.sluice.agent.explain.Entrance.Kind;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.PktFlags;
import io.sluice.kernel.layout.Route;
import io.sluice.kernel.layout.RouteFlags;
import io.sluice.kernel.policy.Judge;
import io.sluice.kernel.policy.PacketView;
import io.sluice.kernel.policy.Plan;
import io.sluice.kernel.policy.Sets;
import io.sluice.kernel.policy.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * What the policies of this node's endpoints say of a packet, in the order in which programs ask
 * them: the interface that it comes in by, before and after services are looked up, then the one
 * that it goes to. Another node's endpoints are asked there.
 */
final class PolicyVoices {
  private final Dataplane dataplane;
  private final Optional<NodePolicy> policy;
  private final RouteTable routes;
  private final Question question;
  private final Kind from;

  /**
   * @param policy empty: nobody knows
   * @param from where the packet comes in
   */
  PolicyVoices(
      Dataplane dataplane,
      Optional<NodePolicy> policy,
      RouteTable routes,
      Question question,
      Kind from) {
    this.dataplane = dataplane;
    this.policy = policy;
    this.routes = routes;
    this.question = question;
    this.from = from;
  }

  /**
   * @param to the destination, after a service's backend has been chosen
   * @param found is told what each says
   * @return why the packet is dropped; empty: it is not
   */
  Optional<String> ask(Ip to, int port, Consumer<String> found) {
    if (policy.isEmpty()) {
      found.accept("not looked at: only a running agent knows policy");
      return Optional.empty();
    }
    Optional<Route> destination = routes.find(to);
    boolean toHost =
        has(destination, RouteFlags.ROUTE_LOCAL) && !has(destination, RouteFlags.ROUTE_WORKLOAD);
    int flags = toHost ? PktFlags.PKT_DST_HOST : 0;
    boolean allowed = true;
    boolean decided = false;
    Optional<String> nic = entrance();
    if (nic.isPresent() && from == Kind.OUTSIDE) {
      PacketView before = packet(question.destination(), question.port(), PktFlags.PKT_PRE_DNAT);
      Optional<Verdict> first =
          verdict(nic.get(), true, "before services are looked up", before, found);
      if (first.filter(v -> !v.allowed()).isPresent()) {
        return Optional.of("pre_dnat");
      }
      decided = first.filter(Verdict::decided).isPresent();
    }
    if (nic.isPresent() && !decided) {
      allowed = says(nic.get(), true, "", packet(to, port, flags), found);
    }
    if (!allowed) {
      return Optional.of(toHost && from == Kind.POD ? "to_host" : "policy");
    }
    Optional<String> last = local(destination);
    if (last.isPresent()) {
      if (from == Kind.HOST) {
        found.accept("a node reaches its own pods whatever policy says");
      } else if (!says(last.get(), false, "", packet(to, port, 0), found)) {
        return Optional.of("policy");
      }
    } else if (has(destination, RouteFlags.ROUTE_WORKLOAD)) {
      found.accept("the ingress of " + to + " is for its own node to judge: ask there");
    }
    return Optional.empty();
  }

  private PacketView packet(Ip to, int port, int flags) {
    boolean ports = Question.hasPorts(question.protocol());
    // Who asks without a source port asks about any: it is seldom in a rule.
    return new PacketView(
        flags,
        question.protocol(),
        question.source(),
        ports ? question.sourcePort() : 0,
        to,
        ports ? port : 0,
        0,
        0);
  }

  /** The interface that the packet comes in by, if it can be told. */
  private Optional<String> entrance() {
    if (!question.device().isEmpty()) {
      return Optional.of(question.device());
    }
    if (from == Kind.POD) {
      return local(routes.find(question.source()));
    }
    if (from != Kind.OUTSIDE) {
      return Optional.empty();
    }
    List<String> hosts = new ArrayList<>();
    dataplane
        .ifaces()
        .forEach(
            (ifindex, iface) -> {
              boolean loopback = (iface.flags() & IfaceFlags.IFACE_LOOPBACK) != 0;
              if ((iface.flags() & IfaceFlags.IFACE_HOST) != 0 && !loopback) {
                hosts.add(iface.name());
              }
            });
    return hosts.size() == 1 ? Optional.of(hosts.get(0)) : Optional.empty();
  }

  private Optional<String> local(Optional<Route> route) {
    return has(route, RouteFlags.ROUTE_LOCAL | RouteFlags.ROUTE_WORKLOAD)
        ? dataplane.ifaces().get(route.orElseThrow().ifindex()).map(Iface::name)
        : Optional.empty();
  }

  private static boolean has(Optional<Route> route, int flags) {
    return route.filter(r -> (r.flags() & flags) == flags).isPresent();
  }

  private boolean says(
      String nic, boolean entering, String when, PacketView packet, Consumer<String> found) {
    return verdict(nic, entering, when, packet, found).map(Verdict::allowed).orElse(true);
  }

  /** Empty: nobody judges there. */
  private Optional<Verdict> verdict(
      String nic, boolean entering, String when, PacketView packet, Consumer<String> found) {
    EndpointPolicy endpoint = policy.orElseThrow().byNic().get(nic);
    Optional<Plan> plan =
        endpoint == null ? Optional.empty() : entering ? endpoint.in() : endpoint.out();
    if (plan.isEmpty()) {
      if (from != Kind.OUTSIDE) {
        found.accept("interface " + nic + " has none");
      }
      return Optional.empty();
    }
    boolean workload = (flags(nic) & IfaceFlags.IFACE_WORKLOAD) != 0;
    Verdict verdict = Judge.judge(plan.get(), packet, Sets.of(policy.orElseThrow().sets()));
    found.accept(
        "%s of %s (%s)%s%s: %s"
            .formatted(
                workload == entering ? "egress" : "ingress",
                endpoint.owner(),
                nic,
                when.isEmpty() ? "" : ", " + when,
                verdict.step() > 0 ? ", then ingress of its node" : "",
                verdict.decided()
                    ? (verdict.allowed() ? "allowed by " : "denied by ") + decider(verdict)
                    : "no rule decides, others are asked"));
    return Optional.of(verdict);
  }

  private int flags(String nic) {
    int[] flags = new int[1];
    dataplane
        .ifaces()
        .forEach(
            (ifindex, iface) -> {
              if (iface.name().equals(nic)) {
                flags[0] = iface.flags();
              }
            });
    return flags[0];
  }

  private String decider(Verdict verdict) {
    RuleName name = policy.orElseThrow().rules().get(verdict.id());
    String tier = verdict.tier().isEmpty() ? "" : " in tier " + verdict.tier();
    if (verdict.index() >= 0) {
      String text = name == null || name.text().isEmpty() ? "" : " (" + name.text() + ")";
      return verdict.policy() + ", rule " + verdict.index() + text + tier;
    }
    if (name != null) {
      return "the " + name.policy().replaceFirst("^the ", "");
    }
    return verdict.tier().isEmpty() ? "no rule: the end" : "the end of tier " + verdict.tier();
  }
}
