// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.policy.IpSet.NetMember;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;

/** Plans of many rules that allow one thing each, and deny the rest. */
final class LargePlans {
  /** What the rules differ in. */
  enum Kind {
    PORT,
    NET,
    SET,
    /** Nothing that a search could be over: a net, a port and a set each. */
    ALL
  }

  static final long FIRST_ID = 1_000_000;

  private LargePlans() {}

  static Plan plan(Kind kind, int rules) {
    List<Rule> all = new ArrayList<>();
    for (int i = 0; i < rules; i++) {
      all.add(new Rule(Action.ALLOW, match(kind, i), FIRST_ID + i));
    }
    Tier tier = new Tier("default", List.of(new Policy("large", all)), Action.DENY, FIRST_ID - 1);
    return Plan.of(new Chain(List.of(tier), List.of(), Action.DENY, 0));
  }

  private static Match match(Kind kind, int i) {
    boolean all = kind == Kind.ALL;
    List<Net> nets =
        kind == Kind.NET || all
            ? List.of(new Net(address(Family.IPV4, i), 32), new Net(address(Family.IPV6, i), 128))
            : List.of();
    List<Long> sets = kind == Kind.SET || all ? List.of(set(i)) : List.of();
    List<Ports> ports = kind == Kind.PORT || all ? List.of(new Ports(port(i), port(i))) : List.of();
    Place source = Place.of(nets, sets, List.of());
    Place destination = Place.of(List.of(), List.of(), ports);
    // In turn, so that no two rules in a row begin alike.
    OptionalInt protocol = OptionalInt.of(all && i % 2 == 1 ? 17 : 6);
    return Match.of(protocol, source, destination);
  }

  private static long set(int i) {
    return 0x5e7_0000_0000L + i;
  }

  static int port(int i) {
    return 2 * i + 1;
  }

  /** Not next to each other, so that nothing can be merged. */
  static Ip address(Family family, int i) {
    return family == Family.IPV4
        ? new Ip(family, 0, 0x0a00_0000L + 2L * i)
        : new Ip(family, 0xfd00_0000_0000_0000L + i / 100, 2L * i);
  }

  /** The sets that a plan asks. */
  static List<IpSet> sets(Kind kind, int rules) {
    List<IpSet> sets = new ArrayList<>();
    for (int i = 0; (kind == Kind.SET || kind == Kind.ALL) && i < rules; i++) {
      sets.add(
          new IpSet(
              set(i),
              "large",
              Set.of(
                  new NetMember(new Net(address(Family.IPV4, i), 32)),
                  new NetMember(new Net(address(Family.IPV6, i), 128)))));
    }
    return sets;
  }

  /** A packet that matches a rule; none if the plan has no such rule. */
  static PacketView packet(Kind kind, Family family, int i) {
    int protocol = kind == Kind.ALL && i % 2 == 1 ? 17 : 6;
    return PacketView.of(protocol, address(family, i), 40_000, address(family, 0), port(i));
  }
}
