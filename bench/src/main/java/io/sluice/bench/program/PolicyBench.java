// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.program;

import io.sluice.bench.program.Row.Stream;
import io.sluice.kernel.asm.PolicyPrograms;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.IpSetBits;
import io.sluice.kernel.layout.IpSetKey;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.layout.SluiceReason;
import io.sluice.kernel.packet.PacketBuilder;
import io.sluice.kernel.policy.Action;
import io.sluice.kernel.policy.Chain;
import io.sluice.kernel.policy.Match;
import io.sluice.kernel.policy.Net;
import io.sluice.kernel.policy.Place;
import io.sluice.kernel.policy.Plan;
import io.sluice.kernel.policy.Policy;
import io.sluice.kernel.policy.PolicyGenerator;
import io.sluice.kernel.policy.PolicyProgram;
import io.sluice.kernel.policy.Ports;
import io.sluice.kernel.policy.Rule;
import io.sluice.kernel.policy.Tier;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Consumer;

/**
 * New flows through the sender's policy: of how many rules, by what they tell packets apart, and
 * which of them it is that matches. And what it takes to make such programs.
 */
final class PolicyBench {
  private static final int IN = SluiceHook.HOOK_IN;
  private static final int[] SIZES = {1, 10, 100, 1_000, 10_000};

  /** Rules that a round of a path by sets asks in all, at most: each takes a look-up. */
  private static final int MOST_ASKED = 2_000_000;

  private static final long FIRST_SET = 0xbe4c_0000_0000L;
  private static final int PORT_OF_NOBODY = 10_000;

  private final Rig rig;
  private final Dataplane dataplane;
  private final int rounds;
  private final int packets;
  private final double floor;
  private final Consumer<String> progress;
  private final List<Result.Path> paths = new ArrayList<>();
  private final List<Result.Policy> policies = new ArrayList<>();

  /** What rules tell packets apart by. */
  private enum Kind {
    PORT,
    NET,
    SET
  }

  /** Which rule it is that matches. */
  private enum Hit {
    FIRST,
    LAST,
    NONE
  }

  PolicyBench(Rig rig, int rounds, int packets, double floor, Consumer<String> progress) {
    this.rig = rig;
    this.dataplane = rig.dataplane();
    this.rounds = Math.max(3, rounds / 4);
    this.packets = packets;
    this.floor = floor;
    this.progress = progress;
  }

  void run() {
    rig.measureAtPod();
    for (Kind kind : Kind.values()) {
      for (int size : SIZES) {
        progress.accept("policies of " + size + " rules by " + name(kind));
        putSets(kind, size, true);
        for (Hit hit : Hit.values()) {
          measure(kind, size, hit);
        }
        putSets(kind, size, false);
      }
    }
    dataplane.setPolicy(
        IN, Rig.POLICY_SLOT, PolicyProgram.of("bench_allow", PolicyPrograms.allowAll()));
  }

  List<Result.Path> paths() {
    return paths;
  }

  List<Result.Policy> policies() {
    return policies;
  }

  private static String name(Kind kind) {
    return kind.name().toLowerCase(java.util.Locale.ROOT);
  }

  private void measure(Kind kind, int size, Hit hit) {
    long begun = System.nanoTime();
    PolicyProgram program = PolicyGenerator.generate(plan(kind, size, hit));
    long made = System.nanoTime();
    dataplane.setPolicy(IN, Rig.POLICY_SLOT, program);
    long loaded = System.nanoTime();
    if (hit == Hit.LAST) {
      policies.add(
          new Result.Policy(
              name(kind),
              size,
              program.pieces().size(),
              program.length(),
              (made - begun) / 1e6,
              (loaded - made) / 1e6));
    }
    for (Family family : Family.values()) {
      paths.add(measure(family, kind, size, hit));
    }
  }

  private Result.Path measure(Family family, Kind kind, int size, Hit hit) {
    int each = kind == Kind.SET ? Math.max(100, Math.min(packets, MOST_ASKED / size)) : packets;
    byte[] syn =
        PacketBuilder.from(Rig.client(family), Rig.server(family))
            .tcp(ProgramBench.PORT, Rig.backendPort(), ProgramBench.SYN)
            .payloadLength(ProgramBench.PAYLOAD)
            .build();
    String name =
        String.format(
            "SYN, %,d rules by %s, %s",
            size,
            name(kind),
            switch (hit) {
              case FIRST -> "the first matches";
              case LAST -> "the last matches";
              case NONE -> "none matches";
            });
    int reason = hit == Hit.NONE ? SluiceReason.REASON_POLICY : SluiceReason.REASON_REDIRECT;
    Row row = new Row(name, new Stream(family, syn, ProgramBench.MANY, 1), IN, reason, 0);
    for (int round = 0; round < rounds; round++) {
      rig.forgetFlows(family);
      double feeder = rig.feeder(row.stream(), each);
      long before = rig.counted(IN, reason);
      double chain = rig.chain(IN, row.stream(), 0, each);
      row.add(chain - feeder + floor, each, rig.counted(IN, reason) - before);
    }
    return row.result();
  }

  /** Rules that allow one thing each; one of them, or none, is what packets have. */
  private static Plan plan(Kind kind, int size, Hit hit) {
    List<Rule> rules = new ArrayList<>();
    int matching =
        switch (hit) {
          case FIRST -> 0;
          case LAST -> size - 1;
          case NONE -> -1;
        };
    for (int i = 0; i < size; i++) {
      rules.add(new Rule(Action.ALLOW, match(kind, i, i == matching), 0));
    }
    Tier tier = new Tier("default", List.of(new Policy("bench", rules)), Action.DENY, 0);
    return Plan.of(new Chain(List.of(tier), List.of(), Action.DENY, 0));
  }

  private static Match match(Kind kind, int i, boolean matching) {
    List<Net> nets = new ArrayList<>();
    for (Family family : Family.values()) {
      Ip address = matching ? Rig.server(family) : other(family, i);
      nets.add(new Net(address, family.bits()));
    }
    int port = matching ? Rig.backendPort() : PORT_OF_NOBODY + 2 * i;
    Place destination =
        Place.of(
            kind == Kind.NET ? nets : List.of(),
            kind == Kind.SET ? List.of(matching ? FIRST_SET - 1 : FIRST_SET + i) : List.of(),
            kind == Kind.PORT ? List.of(new Ports(port, port)) : List.of());
    return Match.of(OptionalInt.of(Rig.TCP), Place.ANY, destination);
  }

  /** No two next to each other: nothing could be merged. */
  private static Ip other(Family family, int i) {
    return family == Family.IPV4
        ? new Ip(family, 0, 0x0af8_0000L + 2L * i)
        : new Ip(family, 0xfd00_0248_0000_0000L, 2L * i);
  }

  /** A set of one address for each rule, and one of what packets have. */
  private void putSets(Kind kind, int size, boolean there) {
    for (Family family : Family.values()) {
      Map<IpSetKey, Integer> members = new HashMap<>();
      for (int i = -1; kind == Kind.SET && i < size; i++) {
        long set = FIRST_SET + i;
        Ip address = i < 0 ? Rig.server(family) : other(family, i);
        int prefix = IpSetBits.IP_SET_ID_BITS + family.bits();
        members.put(new IpSetKey(prefix, (int) (set >>> 32), (int) set, address, 0, 0), 1);
      }
      if (there) {
        dataplane.ipSets(family).putAll(members);
      } else {
        dataplane.ipSets(family).removeAll(members.keySet());
      }
    }
  }
}
