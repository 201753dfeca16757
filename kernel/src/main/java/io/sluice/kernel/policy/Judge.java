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

  private Judge(PacketView packet, Sets sets) {
    this.packet = packet;
    this.sets = sets;
  }

  /** What becomes of a packet. */
  public static Verdict judge(Plan plan, PacketView packet, Sets sets) {
    for (Plan.Case c : plan.cases()) {
      if ((packet.flags() & c.mask()) == c.value()) {
        return new Judge(packet, sets).judge(c.chain());
      }
    }
    return new Verdict(false, "", "", -1, 0, List.of(), false, true);
  }

  /** Whether a rule is about a packet. */
  static boolean matches(Match match, PacketView packet, Sets sets) {
    return new Judge(packet, sets).matches(match);
  }

  private Verdict judge(Chain chain) {
    for (Tier tier : chain.tiers()) {
      Decision decision = ask(tier);
      if (decision.action != Action.PASS) {
        return verdict(decision, tier.name());
      }
    }
    for (Policy profile : chain.profiles()) {
      Decision decision = ask(profile, false);
      if (decision != null) {
        return verdict(decision, "");
      }
    }
    hit(chain.endId());
    return verdict(new Decision(chain.end(), "", -1, chain.endId()), "");
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

  private Verdict verdict(Decision decision, String tier) {
    return new Verdict(
        decision.action != Action.DENY,
        tier,
        decision.policy,
        decision.index,
        decision.id,
        hits,
        logged,
        decision.action != Action.PASS);
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
