// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.PktFlags;
import io.sluice.kernel.policy.IpSet.NetMember;
import io.sluice.kernel.policy.IpSet.PortMember;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * Random plans, and random packets that meet them often: both draw from few addresses and ports,
 * and from just inside and outside of what the plan names.
 */
final class RandomPlans {
  private static final int[] PROTOCOLS = {1, 6, 6, 6, 17, 17, 58, 132, 47};
  private static final int[] FLAGS = {
    PktFlags.PKT_PRE_DNAT, PktFlags.PKT_DST_HOST, PktFlags.PKT_SRC_HOST
  };

  private final Random random;
  private final Map<Long, IpSet> sets = new TreeMap<>();
  private final List<Net> nets = new ArrayList<>();
  private final List<Integer> ports = new ArrayList<>();
  private final Set<Long> ids = new HashSet<>();
  private final List<Long> netSets = new ArrayList<>();
  private final List<Long> portSets = new ArrayList<>();

  RandomPlans(long seed) {
    random = new Random(seed);
    for (int i = 0; i < 6; i++) {
      ports.add(random.nextInt(4) == 0 ? edge() : random.nextInt(65536));
    }
    for (int i = 0; i < 4; i++) {
      netSets.add(set(true));
      portSets.add(set(false));
    }
  }

  private int edge() {
    return new int[] {0, 1, 65534, 65535}[random.nextInt(4)];
  }

  private boolean rarely() {
    return random.nextInt(8) == 0;
  }

  private <T> T one(List<T> some) {
    return some.get(random.nextInt(some.size()));
  }

  private <T> List<T> some(int most, Supplier<T> supplier) {
    List<T> all = new ArrayList<>();
    for (int n = 1 + random.nextInt(most); n > 0; n--) {
      all.add(supplier.get());
    }
    return all;
  }

  private <T> List<T> rarelySome(int most, Supplier<T> supplier) {
    return rarely() ? some(most, supplier) : List.of();
  }

  private <T> Optional<T> rarelyOne(Supplier<T> supplier) {
    return rarely() ? Optional.of(supplier.get()) : Optional.empty();
  }

  private Family family() {
    return random.nextBoolean() ? Family.IPV4 : Family.IPV6;
  }

  /** Few addresses, in few networks, and now and then any. */
  private Ip address(Family family) {
    int net = random.nextInt(3);
    int host = random.nextInt(5);
    if (rarely()) {
      byte[] any = new byte[family.bytes()];
      random.nextBytes(any);
      return Ip.of(any);
    }
    return Ip.parse(
        family == Family.IPV4
            ? "10." + net + "." + net + "." + host
            : "fd00:%x::%x:%x".formatted(net, random.nextInt(2), host));
  }

  private Net net(Family family) {
    int bits = family.bits();
    int prefix =
        switch (random.nextInt(5)) {
          case 0 -> random.nextInt(bits + 1);
          case 1 -> bits / 2;
          case 2 -> bits - random.nextInt(4);
          default -> bits;
        };
    Net net = new Net(address(family).masked(prefix), prefix);
    nets.add(net);
    return net;
  }

  private Net net() {
    return net(family());
  }

  private int port() {
    return random.nextInt(10) == 0 ? random.nextInt(65536) : one(ports);
  }

  private Ports range() {
    int first = port();
    int last = random.nextInt(3) == 0 ? port() : first;
    return new Ports(Math.min(first, last), Math.max(first, last));
  }

  private int protocol() {
    return rarely() ? random.nextInt(256) : PROTOCOLS[random.nextInt(PROTOCOLS.length)];
  }

  private long set(boolean ofNets) {
    long id = random.nextLong() | 1;
    Set<IpSet.Member> members = new HashSet<>();
    for (int i = random.nextInt(6); i > 0; i--) {
      Family family = family();
      int[] withPorts = {6, 17, 132};
      members.add(
          ofNets
              ? new NetMember(net(family))
              : new PortMember(address(family), withPorts[random.nextInt(3)], port()));
    }
    sets.put(id, new IpSet(id, "random", members));
    return id;
  }

  private long ruleId() {
    if (random.nextInt(3) == 0) {
      return 0;
    }
    long id = random.nextLong() | 1;
    ids.add(id);
    return id;
  }

  private Icmp icmp() {
    int type = random.nextInt(4);
    return new Icmp(
        type, random.nextBoolean() ? OptionalInt.empty() : OptionalInt.of(random.nextInt(3)));
  }

  private Place place() {
    return new Place(
        random.nextInt(3) == 0 ? some(4, this::net) : List.of(),
        rarelySome(3, this::net),
        rarelySome(2, () -> one(netSets)),
        rarelySome(2, () -> one(netSets)),
        random.nextInt(4) == 0 ? some(4, this::range) : List.of(),
        rarelySome(2, () -> one(portSets)),
        rarelySome(3, this::range),
        rarelySome(2, () -> one(portSets)),
        rarelySome(1, () -> one(portSets)));
  }

  private Match match() {
    return new Match(
        rarelyOne(this::family),
        random.nextBoolean() ? OptionalInt.of(protocol()) : OptionalInt.empty(),
        rarely() ? OptionalInt.of(protocol()) : OptionalInt.empty(),
        rarelyOne(this::icmp),
        rarelyOne(this::icmp),
        random.nextInt(3) == 0 ? Place.ANY : place(),
        random.nextInt(3) == 0 ? Place.ANY : place());
  }

  private Action action() {
    return switch (random.nextInt(8)) {
      case 0 -> Action.LOG;
      case 1 -> Action.PASS;
      case 2, 3, 4 -> Action.DENY;
      default -> Action.ALLOW;
    };
  }

  private Rule rule() {
    return new Rule(action(), match(), ruleId());
  }

  /** Rules that differ in one field alone, or nearly so. */
  private List<Rule> alike() {
    Match like = match();
    boolean source = random.nextBoolean();
    boolean byPort = random.nextBoolean();
    Family family = family();
    List<Rule> rules = new ArrayList<>();
    for (int n = 2 + random.nextInt(20); n > 0; n--) {
      Place place = source ? like.source() : like.destination();
      List<Net> ownNets = byPort ? place.nets() : List.of(net(family));
      List<Ports> ownPorts = byPort ? List.of(range()) : place.ports();
      Place own =
          new Place(
              ownNets,
              place.notNets(),
              place.sets(),
              place.notSets(),
              ownPorts,
              place.portSets(),
              place.notPorts(),
              place.notPortSets(),
              place.services());
      Match match =
          new Match(
              like.family(),
              byPort ? OptionalInt.of(6) : like.protocol(),
              OptionalInt.empty(),
              Optional.empty(),
              Optional.empty(),
              source ? own : like.source(),
              source ? like.destination() : own);
      rules.add(new Rule(rarely() ? action() : Action.ALLOW, match, ruleId()));
    }
    return rules;
  }

  private Policy policy() {
    List<Rule> rules = new ArrayList<>();
    for (int n = random.nextInt(5); n > 0; n--) {
      if (random.nextInt(5) == 0) {
        rules.addAll(alike());
      } else {
        rules.add(rule());
      }
    }
    return new Policy("policy", rules);
  }

  private static final Action[] ENDS = {Action.ALLOW, Action.DENY, Action.PASS};

  private Chain chain() {
    List<Tier> tiers = new ArrayList<>();
    for (int n = random.nextInt(4); n > 0; n--) {
      Action end = random.nextInt(3) == 0 ? Action.DENY : Action.PASS;
      tiers.add(new Tier("tier", some(3, this::policy), end, ruleId()));
    }
    Action end = ENDS[random.nextInt(ENDS.length)];
    return new Chain(tiers, rarely() ? List.of() : some(2, this::policy), end, ruleId());
  }

  Plan plan() {
    Optional<Plan> next = random.nextInt(3) == 0 ? Optional.of(plan()) : Optional.empty();
    return new Plan(cases(), next);
  }

  private List<Plan.Case> cases() {
    if (random.nextInt(3) != 0) {
      return List.of(new Plan.Case(0, 0, chain()));
    }
    List<Plan.Case> cases = new ArrayList<>();
    for (int n = random.nextInt(3); n > 0; n--) {
      int flag = FLAGS[random.nextInt(FLAGS.length)];
      cases.add(new Plan.Case(flag, random.nextBoolean() ? flag : 0, chain()));
    }
    if (!rarely()) {
      cases.add(new Plan.Case(0, 0, chain()));
    }
    return cases;
  }

  Map<Long, IpSet> sets() {
    return sets;
  }

  /** IDs of rules and ends that are to be counted. */
  Set<Long> ids() {
    return ids;
  }

  /** An address that some network has or just misses, or one of a set's, or any. */
  private Ip meetingAddress(Family family) {
    List<Net> own = nets.stream().filter(net -> net.family() == family).toList();
    if (own.isEmpty() || random.nextInt(4) == 0) {
      return address(family);
    }
    Net net = one(own);
    Range range = Range.of(net);
    Num number =
        switch (random.nextInt(5)) {
          case 0 -> range.last();
          case 1 -> range.last().next();
          case 2 -> new Num(range.first().high(), range.first().low() - 1);
          default -> range.first();
        };
    return family == Family.IPV4
        ? new Ip(family, 0, number.low() & 0xffff_ffffL)
        : new Ip(family, number.high(), number.low());
  }

  private int meetingPort() {
    return (port() + new int[] {0, 0, 0, 0, 1, -1}[random.nextInt(6)]) & 0xffff;
  }

  PacketView packet() {
    Family family = family();
    int flags = PktFlags.PKT_NEW | PktFlags.PKT_DECIDED;
    for (int flag : FLAGS) {
      flags |= random.nextBoolean() ? flag : 0;
    }
    int protocol = protocol();
    boolean hasPorts = protocol == 6 || protocol == 17 || protocol == 132;
    boolean isIcmp = protocol == (family == Family.IPV4 ? 1 : 58);
    return new PacketView(
        flags,
        protocol,
        meetingAddress(family),
        hasPorts ? meetingPort() : isIcmp ? random.nextInt(65536) : 0,
        meetingAddress(family),
        hasPorts ? meetingPort() : 0,
        isIcmp ? random.nextInt(4) : 0,
        isIcmp ? random.nextInt(3) : 0);
  }
}
