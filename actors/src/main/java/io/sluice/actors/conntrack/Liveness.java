// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.conntrack;

import io.sluice.kernel.layout.CtState;
import java.time.Duration;

/**
 * Judges by a flow's state and silence whether it is dead. Pure, without allocation: a scan asks it
 * about every entry of a table of half a million.
 *
 * <p>Times are jiffies cut to 32 bits, compared modulo 2^32. A stamp that is a little ahead of now
 * was written by a packet while the scan ran; one that seems far ahead is old by that much less
 * than 2^32 jiffies (49 days at 1000 Hz, 198 at 250).
 */
public final class Liveness {
  private static final int PROTO_ICMP = 1;
  private static final int PROTO_TCP = 6;
  private static final int PROTO_UDP = 17;
  private static final int PROTO_ICMPV6 = 58;

  /** How far ahead of the scan's clock a stamp is taken for fresh rather than ancient. */
  private static final int AHEAD_SECONDS = 60;

  /**
   * How long an opener's SYN is believed to be all that there is, where no answer can be seen: as
   * nf_conntrack does with what is not acknowledged.
   */
  private static final int UNANSWERED_SECONDS = 300;

  private static final int SYN_BOTH = CtState.CT_SYN_A | CtState.CT_SYN_B;
  private static final int FIN_BOTH = CtState.CT_FIN_A | CtState.CT_FIN_B;
  private static final int SYN_A = CtState.CT_SYN_A;
  private static final int SYN_B = CtState.CT_SYN_B;
  private static final int RST_ANY = CtState.CT_RST_A | CtState.CT_RST_B;

  private final long ahead;
  private final long creationGrace;
  private final long tcpSynSent;
  private final long tcpEstablished;
  private final long tcpUnanswered;
  private final long tcpFinsSeen;
  private final long tcpResetSeen;
  private final long udp;
  private final long icmp;
  private final long generic;

  /**
   * @param hz jiffies in a second
   */
  public Liveness(Timeouts timeouts, int hz) {
    this.ahead = (long) AHEAD_SECONDS * hz;
    this.creationGrace = jiffies(timeouts.creationGrace(), hz);
    this.tcpSynSent = jiffies(timeouts.tcpSynSent(), hz);
    this.tcpEstablished = jiffies(timeouts.tcpEstablished(), hz);
    this.tcpUnanswered =
        Math.max(tcpSynSent, Math.min(tcpEstablished, (long) UNANSWERED_SECONDS * hz));
    this.tcpFinsSeen = jiffies(timeouts.tcpFinsSeen(), hz);
    this.tcpResetSeen = jiffies(timeouts.tcpResetSeen(), hz);
    this.udp = jiffies(timeouts.udp(), hz);
    this.icmp = jiffies(timeouts.icmp(), hz);
    this.generic = jiffies(timeouts.generic(), hz);
  }

  /** Longest time-out that jiffies32 can tell: three quarters of its range. */
  private static long jiffies(Duration duration, int hz) {
    long limit = 3L << 30;
    long seconds = Math.min(duration.getSeconds(), limit / hz);
    return Math.min(limit, seconds * hz + (long) duration.getNano() * hz / 1_000_000_000L);
  }

  /** Jiffies from a stamp to now; 0 for a stamp that is a little ahead. */
  public long age(int now, int stamp) {
    if (Integer.toUnsignedLong(stamp - now) < ahead) {
      return 0;
    }
    return Integer.toUnsignedLong(now - stamp);
  }

  /** The newer of two stamps, as seen from now. */
  public int newer(int now, int one, int other) {
    return age(now, one) <= age(now, other) ? one : other;
  }

  /** Whether an entry is too young to be judged by anything but its time-out. */
  public boolean isYoung(int now, int created) {
    return age(now, created) < creationGrace;
  }

  /** How long a flow of this protocol and state may be silent, in jiffies. */
  public long limit(int proto, int state) {
    return switch (proto) {
      case PROTO_TCP -> tcpLimit(state);
      case PROTO_UDP -> udp;
      case PROTO_ICMP, PROTO_ICMPV6 -> icmp;
      default -> generic;
    };
  }

  private long tcpLimit(int state) {
    if ((state & RST_ANY) != 0) {
      return tcpResetSeen;
    }
    if ((state & FIN_BOTH) == FIN_BOTH) {
      return tcpFinsSeen;
    }
    return (state & SYN_BOTH) == SYN_BOTH ? tcpEstablished : tcpSynSent;
  }

  /**
   * The state of a TCP flow of which this node may not see all, completed by what it does see.
   * Where a DSR flow enters, the opener's side alone passes: more traffic than its SYN says that
   * the other has answered, and its FIN counts for both. An entry of a Maglev service without SYN
   * was made in mid-flow, when its node failed.
   *
   * @param state CtState bits as they are
   * @param later whether a packet was seen a while after the one that made the entry
   */
  private static int completed(int state, boolean later) {
    boolean openerIsB = (state & CtState.CT_OPENER_B) != 0;
    int syn = openerIsB ? SYN_B : SYN_A;
    int all = state;
    if ((state & CtState.CT_MAGLEV) != 0 && (state & syn) == 0) {
      all |= SYN_BOTH;
    }
    if (isHalfSeen(state)) {
      if ((state & syn) != 0 && later) {
        all |= SYN_BOTH;
      }
      if ((state & (openerIsB ? CtState.CT_FIN_B : CtState.CT_FIN_A)) != 0) {
        all |= FIN_BOTH;
      }
    }
    return all;
  }

  private static boolean isHalfSeen(int state) {
    return (state & CtState.CT_DSR) != 0 && (state & SYN_BOTH) != SYN_BOTH;
  }

  /** Of TCP: by all that the entry tells. */
  private long tcpLimit(int state, boolean later) {
    long limit = tcpLimit(completed(state, later));
    // Packets of the second in which an entry was made leave no trace on it: this one may be a
    // connection that has been idle since.
    return limit == tcpSynSent && isHalfSeen(state) ? tcpUnanswered : limit;
  }

  /**
   * Whether a flow is dead.
   *
   * @param proto IP protocol
   * @param state CtState bits of the tracking (or only) entry
   * @param created its stamp
   * @param lastSeen the newer of the twins' stamps
   */
  public boolean isDead(int now, int proto, int state, int created, int lastSeen) {
    long limit = proto == PROTO_TCP ? tcpLimit(state, lastSeen != created) : limit(proto, state);
    return !isYoung(now, created) && age(now, lastSeen) > limit;
  }
}
