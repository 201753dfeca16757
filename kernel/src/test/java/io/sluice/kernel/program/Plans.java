// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.PktFlags;
import io.sluice.kernel.policy.Action;
import io.sluice.kernel.policy.Match;
import io.sluice.kernel.policy.Place;
import io.sluice.kernel.policy.Plan;
import io.sluice.kernel.policy.Policy;
import io.sluice.kernel.policy.Ports;
import io.sluice.kernel.policy.Rule;
import io.sluice.kernel.policy.Tier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

/** Plans of the shapes that host endpoints have, in few words. */
final class Plans {
  private static final int FAILSAFE = 22;

  private Plans() {}

  /** A rule about the destination of a packet. */
  static Rule to(Action action, Ip address, int port) {
    return new Rule(action, match(Place.ANY, place(address, port)), 0);
  }

  static Rule from(Action action, Ip address) {
    return new Rule(action, match(place(address, -1), Place.ANY), 0);
  }

  static Rule toPort(Action action, int port) {
    return new Rule(action, match(Place.ANY, place(null, port)), 0);
  }

  static Rule all(Action action) {
    return new Rule(action, Match.ALL, 0);
  }

  private static Match match(Place source, Place destination) {
    return Match.of(OptionalInt.empty(), source, destination);
  }

  private static Place place(Ip address, int port) {
    return Place.of(
        address == null
            ? List.of()
            : List.of(new io.sluice.kernel.policy.Net(address, address.family().bits())),
        List.of(),
        port < 0 ? List.of() : List.of(new Ports(port, port)));
  }

  /** Rules, then an end. */
  static io.sluice.kernel.policy.Chain chain(Action end, Rule... rules) {
    Tier tier = new Tier("t", List.of(new Policy("p", Arrays.asList(rules))), Action.PASS, 0);
    return new io.sluice.kernel.policy.Chain(List.of(tier), List.of(), end, 0);
  }

  /** Rules of a host's own, behind its failsafe port, as in every host endpoint's plan. */
  static io.sluice.kernel.policy.Chain normal(Rule... rules) {
    List<Rule> all = new ArrayList<>(List.of(toPort(Action.ALLOW, FAILSAFE)));
    all.addAll(Arrays.asList(rules));
    return chain(Action.DENY, all.toArray(Rule[]::new));
  }

  /** A host endpoint's ingress. */
  static Plan in(
      io.sluice.kernel.policy.Chain preDnat,
      io.sluice.kernel.policy.Chain normal,
      io.sluice.kernel.policy.Chain forward) {
    return new Plan(
        List.of(
            on(PktFlags.PKT_PRE_DNAT, preDnat),
            on(PktFlags.PKT_DST_HOST, normal),
            new Plan.Case(0, 0, forward)));
  }

  /** A host endpoint's egress. */
  static Plan out(io.sluice.kernel.policy.Chain normal, io.sluice.kernel.policy.Chain forward) {
    return new Plan(List.of(on(PktFlags.PKT_SRC_HOST, normal), new Plan.Case(0, 0, forward)));
  }

  private static Plan.Case on(int flag, io.sluice.kernel.policy.Chain chain) {
    return new Plan.Case(flag, flag, chain);
  }

  /** A workload's egress, with defaultEndpointToHostAction: Drop. */
  static Plan notToHost() {
    return new Plan(
        List.of(
            on(PktFlags.PKT_DST_HOST, io.sluice.kernel.policy.Chain.DENY_ALL),
            new Plan.Case(0, 0, io.sluice.kernel.policy.Chain.ALLOW_ALL)));
  }
}
