// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.policy;

import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.bpf.XdpLink;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.PktFlags;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.layout.SluiceReason;
import io.sluice.kernel.nft.Nftables;
import io.sluice.kernel.policy.Action;
import io.sluice.kernel.policy.Chain;
import io.sluice.kernel.policy.Match;
import io.sluice.kernel.policy.Place;
import io.sluice.kernel.policy.Plan;
import io.sluice.kernel.policy.Policy;
import io.sluice.kernel.policy.PolicyGenerator;
import io.sluice.kernel.policy.Ports;
import io.sluice.kernel.policy.Rule;
import io.sluice.kernel.policy.Tier;
import java.net.DatagramSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Who drops the packets. While one is in force, none of the others has anything on the link. */
enum Dropper {
  UNTRACKED("untracked policy, XDP", "untracked") {
    @Override
    InForce start(DropPlace place) {
      place.dataplane().untracked().set(SLOT, PolicyGenerator.generateUntracked(Plan.of(DENY)));
      InForce tc = attach(place, IfaceFlags.IFACE_UNTRACKED, Plan.of(Chain.ALLOW_ALL));
      XdpLink.Mode mode =
          place.host().run(() -> place.dataplane().untracked().attach(DEVICE, place.ifindex()));
      if (mode != XdpLink.Mode.NATIVE) {
        throw new IllegalStateException("XDP is " + mode);
      }
      return () -> {
        place.dataplane().untracked().detach(place.ifindex());
        tc.end();
      };
    }

    @Override
    long dropped(DropPlace place) {
      return counted(place, SluiceReason.REASON_UNTRACKED);
    }
  },
  POLICY("policy, TC", "policy") {
    @Override
    InForce start(DropPlace place) {
      return attach(
          place,
          0,
          new Plan(
              List.of(
                  new Plan.Case(PktFlags.PKT_PRE_DNAT, PktFlags.PKT_PRE_DNAT, Chain.PASS_ALL),
                  new Plan.Case(0, 0, DENY))));
    }

    @Override
    long dropped(DropPlace place) {
      return counted(place, SluiceReason.REASON_POLICY);
    }
  },
  NFTABLES("nftables, raw", "the rule's counter") {
    @Override
    InForce start(DropPlace place) {
      Nftables nftables = Nftables.open(place.host());
      nftables.apply(
          "table ip bench { chain raw { type filter hook prerouting priority -300;"
              + " udp dport %d counter drop; }; }".formatted(DropPlace.PORT));
      return () -> {
        try (nftables) {
          nftables.deleteTable(Nftables.TableFamily.IP, "bench");
        }
      };
    }

    @Override
    long dropped(DropPlace place) {
      try (Nftables nftables = Nftables.open(place.host())) {
        Matcher counter = COUNTER.matcher(nftables.listText("table ip bench"));
        return counter.find() ? Long.parseLong(counter.group(1)) : 0;
      }
    }
  },
  /** How fast the link is: the ceiling of all others. */
  NOTHING("XDP_DROP alone", "the link") {
    @Override
    InForce start(DropPlace place) {
      try (Fd program = Flood.program("bench_drop", XDP_DROP)) {
        XdpLink link =
            place.host().run(() -> XdpLink.attach(program, place.ifindex(), XdpLink.Mode.NATIVE));
        return link::close;
      }
    }

    @Override
    long dropped(DropPlace place) {
      return line(place, "dev", DEVICE + ":", 0, 2);
    }
  },
  /** No policy at all: the stack's way to a socket whose buffer is full. */
  SOCKET("nobody: a full socket", "its buffer's errors") {
    @Override
    InForce start(DropPlace place) {
      DatagramSocket socket = place.host().run(() -> new DatagramSocket(DropPlace.PORT));
      return socket::close;
    }

    @Override
    long dropped(DropPlace place) {
      return line(place, "snmp", "Udp:", 1, 5);
    }
  };

  private static final String DEVICE = DropPlace.DEVICE;
  private static final int SLOT = 3;
  private static final int UDP = 17;
  private static final int XDP_DROP = 1;
  private static final Pattern COUNTER = Pattern.compile("counter packets (\\d+)");

  /** One rule, which is about the packets. */
  private static final Chain DENY = deny();

  private final String text;
  private final String evidence;

  Dropper(String text, String evidence) {
    this.text = text;
    this.evidence = evidence;
  }

  /** For people. */
  String text() {
    return text;
  }

  /** What counts. */
  String evidence() {
    return evidence;
  }

  /** Ends what {@link #start} began. */
  interface InForce {
    void end();
  }

  /** Comes into force, until what is returned is ended. */
  abstract InForce start(DropPlace place);

  /** Packets that it has dropped, of all that there ever were. */
  abstract long dropped(DropPlace place);

  private static Chain deny() {
    Place port = Place.of(List.of(), List.of(), List.of(new Ports(DropPlace.PORT, DropPlace.PORT)));
    Match match = Match.of(OptionalInt.of(UDP), Place.ANY, port);
    List<Rule> rules = List.of(new Rule(Action.DENY, match, 0));
    Tier tier = new Tier("default", List.of(new Policy("bench", rules)), Action.PASS, 0);
    return new Chain(List.of(tier), List.of(), Action.ALLOW, 0);
  }

  /** Both hooks of TC, with a policy of what comes in. */
  private static InForce attach(DropPlace place, int flags, Plan plan) {
    int host =
        IfaceFlags.IFACE_CONFIGURED
            | IfaceFlags.IFACE_HOST
            | IfaceFlags.IFACE_READY4
            | IfaceFlags.IFACE_READY6;
    place.dataplane().setPolicy(SluiceHook.HOOK_IN, SLOT, PolicyGenerator.generate(plan));
    place
        .dataplane()
        .ifaces()
        .put(
            place.ifindex(),
            new Iface(host | flags, SLOT, 0, 0, 0, Ip.ANY4, Ip.ANY6, DEVICE, 1500));
    place.host().run(() -> place.dataplane().attach(DEVICE, place.ifindex()));
    return () ->
        place
            .host()
            .run(
                () -> {
                  place.dataplane().detach(DEVICE, place.ifindex());
                  return null;
                });
  }

  private static long counted(DropPlace place, int reason) {
    return place.dataplane().counters().stream()
        .filter(row -> row.hook() == SluiceHook.HOOK_IN && row.reason() == reason)
        .mapToLong(row -> row.value().packets())
        .sum();
  }

  /** A number of a file of /proc/net, by the number of the line that begins so, and its column. */
  private static long line(DropPlace place, String file, String begin, int skip, int column) {
    List<String> lines =
        place.host().run(() -> Files.readAllLines(Path.of("/proc/thread-self/net/" + file)));
    String line =
        lines.stream()
            .map(String::strip)
            .filter(l -> l.startsWith(begin))
            .skip(skip)
            .findFirst()
            .orElseThrow();
    return Long.parseLong(line.split("\\s+")[column]);
  }
}
