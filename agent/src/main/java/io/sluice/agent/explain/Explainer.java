// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.explain;

import io.sluice.actors.conntrack.FlowKeys;
import io.sluice.actors.policy.NodePolicy;
import io.sluice.agent.dump.FlowRow;
import io.sluice.agent.dump.Names;
import io.sluice.agent.dump.RouteTable;
import io.sluice.agent.explain.Entrance.Kind;
import io.sluice.agent.explain.Explanation.Candidate;
import io.sluice.agent.explain.Explanation.Step;
import io.sluice.agent.explain.Explanation.Verdict;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.layout.BackendGen;
import io.sluice.kernel.layout.CtCommon;
import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.CtTuple;
import io.sluice.kernel.layout.CtValue;
import io.sluice.kernel.layout.Frontend;
import io.sluice.kernel.layout.FrontendFlags;
import io.sluice.kernel.layout.FrontendKey;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.Service;
import io.sluice.kernel.layout.ServiceFlags;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/**
 * Follows the first packet of a flow through the maps as the programs would (tc_new_flow.h,
 * tc_outside.h, pick.h), without sending it. Reads only; what it says holds for the moment.
 *
 * @param dsr whether bpfExternalServiceMode is DSR, which no map tells; empty: nobody knows
 * @param paths the kernel's own
 * @param policy what this node enforces; empty: only a running agent knows
 */
public record Explainer(
    Dataplane dataplane,
    Names names,
    Optional<Boolean> dsr,
    KernelPaths paths,
    Optional<NodePolicy> policy) {
  private static final int TCP = 6;
  private static final int SERVICE_BITS = 32;

  /**
   * @throws IllegalArgumentException if the question names what is not there
   */
  public Explanation explain(Question question) {
    return new Way(question).follow();
  }

  /** The way of one packet. */
  private final class Way {
    private final Question question;
    private final RouteTable routes = new RouteTable(dataplane);
    private final List<Step> steps = new ArrayList<>();
    private final Entrance entrance;
    private final Placement placement;
    private String frontendText = "";
    private String serviceText = "";
    private String selectionText = "";

    Way(Question question) {
      this.question =
          question.device().isEmpty()
              ? Entrance.ofAnother(question.source(), dataplane, routes)
                  .map(question::by)
                  .orElse(question)
              : question;
      this.entrance = Entrance.of(this.question, dataplane, routes, paths);
      this.placement = new Placement(dataplane, names, routes, dsr, this.question, entrance);
    }

    private void step(String topic, String found) {
      steps.add(new Step(topic, found));
    }

    Explanation follow() {
      entrance.found().forEach(found -> step("enters", found));
      if (!entrance.refusal().isEmpty()) {
        return entrance.refusal().equals("untouched")
            ? end(Verdict.UNTOUCHED, "no program looks at the interface", List.of())
            : end(Verdict.DROPPED, entrance.refusal(), List.of());
      }
      if (entrance.mtu() > 0) {
        step("mtu", "the host interface takes packets of " + entrance.mtu() + " bytes at most");
      }
      Optional<Explanation> known = knownFlow();
      return known.orElseGet(this::newFlow);
    }

    private Explanation newFlow() {
      Optional<Frontend> found = frontend();
      if (found.isEmpty()) {
        Candidate there = policed(placement.destination(), question.destination(), question.port());
        return end(
            there.reason().isEmpty() ? Verdict.ALLOWED : Verdict.DROPPED,
            there.reason(),
            List.of(there));
      }
      if (entrance.kind() == Kind.POD_ELSEWHERE) {
        String node = names.node(entrance.peer().orElseThrow());
        step("service", "balanced where the pod is: ask on node " + node);
        return end(Verdict.ELSEWHERE, "node " + node + " decides", List.of());
      }
      return forService(found.get());
    }

    // A flow that has an entry.

    private Optional<Explanation> knownFlow() {
      if (question.sourcePort() == 0) {
        step("conntrack", "a flow of its own: no source port is given (--source-port)");
        return Optional.empty();
      }
      CtTuple tuple =
          new CtTuple(
              question.source(), question.destination(), question.sourcePort(), question.port());
      Optional<CtValue> entry =
          dataplane.ct(question.source().family()).get(FlowKeys.of(tuple, question.protocol()));
      if (entry.isEmpty()) {
        step("conntrack", "the flow is not known");
        return Optional.empty();
      }
      return ofEntry(entry.get());
    }

    private Optional<Explanation> ofEntry(CtValue entry) {
      CtCommon c = entry.c();
      if (question.protocol() == TCP && isClosed(c.state())) {
        step("conntrack", "the flow is known and closed: a SYN opens it anew");
        return Optional.empty();
      }
      boolean alive =
          dataplane
              .backendGen()
              .get(c.backend())
              .map(BackendGen::gen)
              .filter(gen -> gen == c.gen())
              .isPresent();
      if (!alive) {
        step(
            "conntrack",
            "the flow is known, but what it goes to is no longer "
                + (c.service() == 0 ? "for no service" : "a backend")
                + ": chosen anew");
        return Optional.empty();
      }
      serviceText = c.service() == 0 ? "" : names.service(c.service());
      boolean translated = (c.state() & CtState.CT_NAT_FORWARD) != 0;
      Ip to = translated ? entry.x().daddr() : question.destination();
      int port = translated ? entry.x().dport() : question.port();
      step(
          "conntrack",
          "the flow is known: it goes on"
              + (translated ? " to " + FlowRow.endpoint(to, port) : " as it is"));
      if (!translated && (c.state() & CtState.CT_FORWARD) != 0) {
        return Optional.of(
            end(
                Verdict.ALLOWED,
                "",
                List.of(
                    new Candidate(
                        FlowRow.endpoint(to, port),
                        100,
                        names.node(entry.tunnelPeer()),
                        "forwarded by the tunnel, to the backend that the node there has for it",
                        (c.state() & CtState.CT_DSR) != 0
                            ? "from that node to the client directly (DSR)"
                            : "by the tunnel, and out by this node",
                        0,
                        ""))));
      }
      Candidate there = translated ? placement.backend(to, port, 100) : placement.destination();
      return Optional.of(end(Verdict.ALLOWED, "", List.of(there)));
    }

    private static boolean isClosed(int state) {
      int fins = CtState.CT_FIN_A | CtState.CT_FIN_B;
      return (state & fins) == fins || (state & (CtState.CT_RST_A | CtState.CT_RST_B)) != 0;
    }

    // A new one.

    private Optional<Frontend> frontend() {
      var frontends = dataplane.frontends(question.source().family());
      Ip to = question.destination();
      FrontendKey exact = new FrontendKey(to, question.port(), question.protocol());
      Optional<Frontend> found = frontends.get(exact);
      if (found.isEmpty() && Entrance.isClusterHost(routes.find(to))) {
        Ip any = Ip.any(to.family());
        found = frontends.get(new FrontendKey(any, question.port(), question.protocol()));
        step(
            "frontend",
            to
                + " is a host of the cluster, and "
                + question.port()
                + (found.isPresent() ? " is a node port" : " is no node port"));
      }
      if (found.isEmpty()) {
        step("frontend", "none has this address, port and protocol" + others());
        return found;
      }
      Frontend frontend = found.get();
      frontendText = FlowRow.endpoint(to, question.port());
      serviceText = names.service(frontend.service());
      step(
          "frontend",
          "%s is %s of service %s"
              .formatted(
                  frontendText,
                  FrontendFlags.describe(frontend.flags()).replace(",", ", "),
                  serviceText));
      return found;
    }

    /** A wrong port is what people ask about most. */
    private String others() {
      TreeSet<String> others = new TreeSet<>();
      dataplane
          .frontends(question.source().family())
          .forEach(
              (key, frontend) -> {
                if (key.addr().equals(question.destination())) {
                  others.add(key.port() + "/" + FlowRow.protocol(key.proto()));
                }
              });
      return others.isEmpty() ? "" : "; this address has " + String.join(", ", others);
    }

    private Explanation forService(Frontend frontend) {
      int flags = frontend.flags();
      Optional<Service> found = dataplane.services().get(frontend.service());
      if (found.isEmpty()) {
        return end(Verdict.DROPPED, "backend_gone", List.of());
      }
      Service service = found.get();
      if ((flags & FrontendFlags.FRONTEND_SOURCE_RANGES) != 0 && !inRanges(frontend.service())) {
        return end(Verdict.DROPPED, "source_range", List.of());
      }
      boolean outside = entrance.kind() == Kind.OUTSIDE;
      boolean local = isLocal(flags, outside);
      boolean byTable =
          outside
              && (service.flags() & ServiceFlags.SERVICE_MAGLEV) != 0
              && (flags & FrontendFlags.FRONTEND_NODE_PORT) == 0;
      Selection.Chooser chooser =
          new Selection.Chooser(dataplane, question, frontend.service(), service, local);
      Selection selection = chooser.choose(byTable);
      chooser.notes().forEach(note -> step("backend", note));
      selectionText = selection.by();
      step("backend", selection.by());
      if (!selection.reason().isEmpty()) {
        return withoutBackend(selection.reason());
      }
      List<Candidate> candidates =
          selection.choices().stream()
              .map(
                  c ->
                      policed(
                          placement.backend(c.address(), c.port(), c.percent()),
                          c.address(),
                          c.port()))
              .toList();
      return end(verdict(candidates), reason(candidates), candidates);
    }

    private boolean isLocal(int flags, boolean outside) {
      if ((flags & FrontendFlags.FRONTEND_LOCAL) == 0) {
        return false;
      }
      boolean local = outside || (flags & FrontendFlags.FRONTEND_CLUSTER_IP) != 0;
      step(
          "policy",
          local
              ? "traffic policy Local: only backends of this node will do"
              : "traffic policy Local is for clients outside: this one may have any backend");
      return local;
    }

    /** With what the policies of both ends say of it: it is their word that counts. */
    private Candidate policed(Candidate there, Ip to, int port) {
      PolicyVoices voices = new PolicyVoices(dataplane, policy, routes, question, entrance.kind());
      Optional<String> denied = voices.ask(to, port, text -> step("policy", text));
      return there.reason().isEmpty() && denied.isPresent()
          ? new Candidate(
              there.backend(),
              there.sharePercent(),
              there.node(),
              there.path(),
              there.reply(),
              there.mtu(),
              denied.get())
          : there;
    }

    private Explanation withoutBackend(String reason) {
      if (!reason.equals("refused")) {
        return end(Verdict.DROPPED, reason, List.of());
      }
      return end(
          Verdict.REFUSED, question.protocol() == TCP ? "refused_rst" : "refused_icmp", List.of());
    }

    private boolean inRanges(int service) {
      String[] found = new String[1];
      List<String> all = new ArrayList<>();
      dataplane
          .sourceRanges(question.source().family())
          .forEach(
              (key, one) -> {
                int bits = key.prefixlen() - SERVICE_BITS;
                if (key.service() == service && bits >= 0) {
                  all.add(key.addr() + "/" + bits);
                  if (question.source().masked(bits).equals(key.addr().masked(bits))) {
                    found[0] = key.addr() + "/" + bits;
                  }
                }
              });
      step(
          "ranges",
          found[0] != null
              ? question.source() + " is in " + found[0] + " (loadBalancerSourceRanges)"
              : question.source()
                  + " is in none of "
                  + (all.isEmpty() ? "no ranges" : String.join(", ", all))
                  + " (loadBalancerSourceRanges)");
      return found[0] != null;
    }

    private static Verdict verdict(List<Candidate> candidates) {
      long dropped = candidates.stream().filter(c -> !c.reason().isEmpty()).count();
      if (dropped == 0) {
        return Verdict.ALLOWED;
      }
      return dropped == candidates.size() ? Verdict.DROPPED : Verdict.DEPENDS;
    }

    private static String reason(List<Candidate> candidates) {
      return candidates.stream()
          .map(Candidate::reason)
          .filter(reason -> !reason.isEmpty())
          .findFirst()
          .orElse("");
    }

    private Explanation end(Verdict verdict, String reason, List<Candidate> candidates) {
      String from =
          question.sourcePort() == 0
              ? question.source().toString()
              : FlowRow.endpoint(question.source(), question.sourcePort());
      return new Explanation(
          "%s from %s to %s"
              .formatted(
                  FlowRow.protocol(question.protocol()),
                  from,
                  Question.hasPorts(question.protocol())
                      ? FlowRow.endpoint(question.destination(), question.port())
                      : question.destination().toString()),
          verdict,
          reason,
          frontendText,
          serviceText,
          selectionText,
          candidates,
          steps);
    }
  }
}
