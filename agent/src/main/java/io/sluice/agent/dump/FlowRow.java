// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.dump;

import io.sluice.kernel.layout.CtCommon;
import io.sluice.kernel.layout.CtKey;
import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.CtValue;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One flow: its normal or tracking entry in words.
 *
 * @param client who opened it, {@code address:port}
 * @param frontend the service's address that the client spoke to; empty if that is the backend's
 * @param backend who was opened to
 * @param service the service's name; empty if it came by none
 * @param node the node where the other side lives, if packets go there by the tunnel; else empty
 * @param ageSeconds since it was opened
 * @param idleSeconds since the last packet; up to a second too much
 */
public record FlowRow(
    String protocol,
    String client,
    String frontend,
    String backend,
    String service,
    String node,
    String state,
    double ageSeconds,
    double idleSeconds,
    List<String> flags) {
  private static final int TCP = 6;

  /** Whether an entry stands for a flow: of a pair, the tracking entry alone does. */
  static boolean isFlow(CtValue value) {
    return (value.c().state() & CtState.CT_NAT_FORWARD) == 0;
  }

  /**
   * @param twin the other entry of a translated flow, if it is there
   * @param jiffies the dataplane's clock now
   * @param hz jiffies in a second
   */
  static FlowRow of(
      CtKey key, CtValue value, Optional<CtValue> twin, int jiffies, int hz, Names names) {
    CtCommon c = value.c();
    double idle = seconds(jiffies - c.lastSeen(), hz);
    double twinIdle = twin.map(t -> seconds(jiffies - t.c().lastSeen(), hz)).orElse(idle);
    boolean openerIsB = (c.state() & CtState.CT_OPENER_B) != 0;
    String a = endpoint(key.addr0(), key.port0());
    String b = endpoint(key.addr1(), key.port1());
    boolean nat = (c.state() & CtState.CT_NAT_REVERSE) != 0;
    String opener = openerIsB ? b : a;
    String backend = openerIsB ? a : b;
    String spokenTo = nat ? endpoint(value.x().saddr(), value.x().sport()) : "";
    return new FlowRow(
        protocol(key.proto()),
        nat ? endpoint(value.x().daddr(), value.x().dport()) : opener,
        spokenTo.equals(backend) ? "" : spokenTo,
        backend,
        c.service() != 0 ? names.service(c.service()) : "",
        value.tunnelPeer().equals(Ip.any(value.tunnelPeer().family()))
            ? ""
            : value.tunnelPeer().toString(),
        state(key.proto(), c.state()),
        seconds(jiffies - c.created(), hz),
        Math.min(idle, twinIdle),
        flags(c.state()));
  }

  /** Jiffies are compared modulo 2^32; a stamp that another CPU has just written may lie ahead. */
  static double seconds(int jiffies, int hz) {
    return Math.max(0, jiffies) / (double) hz;
  }

  /** An address with a port. */
  public static String endpoint(Ip address, int port) {
    return address.family() == Family.IPV6 ? "[" + address + "]:" + port : address + ":" + port;
  }

  /** The name of a protocol's number. */
  public static String protocol(int number) {
    return switch (number) {
      case 1 -> "icmp";
      case TCP -> "tcp";
      case 17 -> "udp";
      case 58 -> "icmp6";
      case 132 -> "sctp";
      default -> String.valueOf(number);
    };
  }

  private static String state(int protocol, int state) {
    if (protocol != TCP) {
      return "active";
    }
    boolean bothSyn = both(state, CtState.CT_SYN_A);
    if ((state & (CtState.CT_RST_A | CtState.CT_RST_B)) != 0) {
      return "reset";
    }
    if (both(state, CtState.CT_FIN_A)) {
      return "closed";
    }
    if ((state & (CtState.CT_FIN_A | CtState.CT_FIN_B)) != 0) {
      return "closing";
    }
    if (!bothSyn && (state & CtState.CT_DSR) != 0) {
      return "one-way";
    }
    return bothSyn ? "established" : "syn-sent";
  }

  private static boolean both(int state, int bitOfA) {
    int bits = bitOfA | bitOfA << 1;
    return (state & bits) == bits;
  }

  private static List<String> flags(int state) {
    List<String> flags = new ArrayList<>();
    if (!both(state, CtState.CT_APPROVED_A)) {
      flags.add("unapproved");
    }
    if ((state & CtState.CT_REVOKED) != 0) {
      flags.add("revoked");
    }
    if ((state & CtState.CT_NAT_REVERSE) != 0) {
      flags.add("nat");
    }
    if ((state & CtState.CT_HAIRPIN) != 0) {
      flags.add("hairpin");
    }
    if ((state & CtState.CT_SRC_PORT) != 0) {
      flags.add("src-port");
    }
    if ((state & CtState.CT_DIRECT) != 0) {
      flags.add("direct");
    }
    if ((state & CtState.CT_FORWARD) != 0) {
      flags.add("forward");
    }
    if ((state & CtState.CT_DSR) != 0) {
      flags.add("dsr");
    }
    if ((state & CtState.CT_MAGLEV) != 0) {
      flags.add("maglev");
    }
    if ((state & CtState.CT_MASQ) != 0) {
      flags.add("masquerade");
    }
    return List.copyOf(flags);
  }
}
