// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import io.sluice.kernel.layout.Ip;
import java.util.ArrayList;
import java.util.List;

/**
 * Says what a plan means, without a kernel. Written from the meaning of the values alone, and as
 * plainly as can be: generated programs are checked against it, so that it must not share their
 * tricks.
 */
public final class Judge {
  private final PacketView packet;
  private final Sets sets;
  private final List<Long> hits = new ArrayList<>();
  private boolean logged;
  private boolean decided = true;

  private Judge(PacketView packet, Sets sets) {
    this.packet = packet;
    this.sets = sets;
  }

  /** What becomes of a packet. */
  public static Verdict judge(Plan plan, PacketView packet, Sets sets) {
    return new Judge(packet, sets).judge(plan, 0);
  }

  /** Whether a rule is about a packet. */
  static boolean matches(Match match, PacketView packet, Sets sets) {
    return new Judge(packet, sets).matches(match);
  }

  private Verdict judge(Plan plan, int step) {
    Verdict verdict = verdict(plan, step);
    return verdict.allowed() && plan.next().isPresent()
        ? judge(plan.next().get(), step + 1)
        : verdict;
  }

  private Verdict verdict(Plan plan, int step) {
    for (Plan.Case c : plan.cases()) {
      if ((packet.flags() & c.mask()) == c.value()) {
        return judge(c.chain(), step);
      }
    }
    return verdict(new Decision(Action.DENY, "", -1, 0), step, "");
  }

  private Verdict judge(Chain chain, int step) {
    for (Tier tier : chain.tiers()) {
      Decision decision = ask(tier);
      if (decision.action != Action.PASS) {
        return verdict(decision, step, tier.name());
      }
    }
    for (Policy profile : chain.profiles()) {
      Decision decision = ask(profile, false);
      if (decision != null) {
        return verdict(decision, step, "");
      }
    }
    hit(chain.endId());
    decided &= chain.end() != Action.PASS;
    return verdict(new Decision(chain.end(), "", -1, chain.endId()), step, "");
  }

  /** Never null: a tier that nobody decides in has its end. */
  private Decision ask(Tier tier) {
    for (Policy policy : tier.policies()) {
      Decision decision = ask(policy, true);
      if (decision != null) {
        return decision;
      }
    }
    hit(tier.endId());
    return new Decision(tier.end(), "", -1, tier.endId());
  }

  /** Null if no rule decides. */
  private Decision ask(Policy policy, boolean inTier) {
    for (int i = 0; i < policy.rules().size(); i++) {
      Rule rule = policy.rules().get(i);
      boolean pointless = rule.action() == Action.PASS && !inTier;
      if (!pointless && matches(rule.match())) {
        hit(rule.id());
        if (rule.action() != Action.LOG) {
          return new Decision(rule.action(), policy.name(), i, rule.id());
        }
        logged = true;
      }
    }
    return null;
  }

  private void hit(long id) {
    if (id != 0) {
      hits.add(id);
    }
  }

  private Verdict verdict(Decision decision, int step, String tier) {
    return new Verdict(
        decision.action != Action.DENY,
        step,
        tier,
        decision.policy,
        decision.index,
        decision.id,
        hits,
        logged,
        decided);
  }

  private boolean matches(Match match) {
    return (match.family().isEmpty() || match.family().get() == packet.family())
        && (match.protocol().isEmpty() || match.protocol().getAsInt() == packet.protocol())
        && (match.notProtocol().isEmpty() || match.notProtocol().getAsInt() != packet.protocol())
        && (match.icmp().isEmpty()
            || packet.isIcmp() && match.icmp().get().matches(packet.icmpType(), packet.icmpCode()))
        && (match.notIcmp().isEmpty()
            || packet.isIcmp()
                && !match.notIcmp().get().matches(packet.icmpType(), packet.icmpCode()))
        && matches(match.source(), packet.source(), packet.sourcePort())
        && matches(match.destination(), packet.destination(), packet.destinationPort());
  }

  private boolean matches(Place place, Ip address, int port) {
    return addressMatches(place, address, port) && portMatches(place, address, port);
  }

  private boolean addressMatches(Place place, Ip address, int port) {
    return (place.nets().isEmpty() || anyHas(place.nets(), address))
        && !anyHas(place.notNets(), address)
        && place.sets().stream().allMatch(set -> has(set, address, port))
        && place.notSets().stream().noneMatch(set -> has(set, address, port));
  }

  private static boolean anyHas(List<Net> nets, Ip address) {
    return nets.stream().anyMatch(net -> net.contains(address));
  }

  private boolean portMatches(Place place, Ip address, int port) {
    boolean wanted = !place.ports().isEmpty() || !place.portSets().isEmpty();
    if (!packet.hasPorts()) {
      return !wanted && place.services().isEmpty();
    }
    return (!wanted || hasPort(place.ports(), place.portSets(), address, port))
        && !hasPort(place.notPorts(), place.notPortSets(), address, port)
        && place.services().stream().allMatch(set -> has(set, address, port));
  }

  private boolean hasPort(List<Ports> ports, List<Long> portSets, Ip address, int port) {
    return ports.stream().anyMatch(range -> range.contains(port))
        || portSets.stream().anyMatch(set -> has(set, address, port));
  }

  private boolean has(long set, Ip address, int port) {
    return sets.has(set, address, packet.protocol(), packet.hasPorts() ? port : 0);
  }

  private record Decision(Action action, String policy, int index, long id) {}
}
