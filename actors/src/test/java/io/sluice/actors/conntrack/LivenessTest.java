// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.layout.CtState;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("INV-CT-3")
class LivenessTest {
  private static final int HZ = 250;
  private static final int SYN = CtState.CT_SYN_A;
  private static final int BOTH = CtState.CT_SYN_A | CtState.CT_SYN_B;

  private final Liveness liveness = new Liveness(Timeouts.DEFAULTS, HZ);

  private static int state(String name) {
    return switch (name) {
      case "none" -> 0;
      case "syn" -> SYN;
      case "syn-b" -> CtState.CT_SYN_B;
      case "established" -> BOTH;
      case "fins-only" -> CtState.CT_FIN_A | CtState.CT_FIN_B;
      case "fin-a-only" -> SYN | CtState.CT_FIN_A;
      case "fin-a" -> BOTH | CtState.CT_FIN_A;
      case "fins" -> BOTH | CtState.CT_FIN_A | CtState.CT_FIN_B;
      case "rst" -> BOTH | CtState.CT_RST_B;
      case "rst-syn" -> SYN | CtState.CT_RST_B;
      case "rst-fins" -> BOTH | CtState.CT_FIN_A | CtState.CT_FIN_B | CtState.CT_RST_A;
      default -> throw new IllegalArgumentException(name);
    };
  }

  @ParameterizedTest
  @CsvSource({
    "6, none, 20",
    "6, syn, 20",
    "6, syn-b, 20",
    "6, established, 3600",
    "6, fin-a, 3600",
    "6, fins, 120",
    "6, rst, 40",
    "6, rst-syn, 40",
    "6, rst-fins, 40",
    "17, none, 60",
    "1, none, 5",
    "58, none, 5",
    "132, none, 600",
    "47, none, 600",
    // State bits of TCP mean nothing elsewhere.
    "17, fins, 60"
  })
  void aFlowIsDeadAfterItsTimeOutAndNotBefore(int proto, String state, int seconds) {
    int now = 1_000_000_000;
    int created = now - 100_000 * HZ;
    int bits = state(state) | CtState.CT_APPROVED_A | CtState.CT_OPENER_A;
    assertThat(liveness.isDead(now, proto, bits, created, now - seconds * HZ)).isFalse();
    assertThat(liveness.isDead(now, proto, bits, created, now - seconds * HZ - 1)).isTrue();
  }

  /** Where a DSR flow enters, its answers never pass: the client's side alone tells. */
  @ParameterizedTest
  @CsvSource({
    "A, syn, false, 300",
    "A, syn, true, 3600",
    "B, syn-b, true, 3600",
    "B, syn-b, false, 300",
    // The other side's bits tell nothing of the opener.
    "A, syn-b, true, 300",
    "A, fin-a-only, true, 120",
    "A, rst-syn, true, 40",
    // Where both sides are seen, as on the backend's node, half a closing is none.
    "A, established, true, 3600",
    "A, fin-a, true, 3600",
    "A, fins, true, 120"
  })
  @Tag("INV-DSR-1")
  void aDsrFlowIsJudgedByTheClientsSideAlone(
      String opener, String state, boolean later, int seconds) {
    int now = 1_000_000_000;
    int lastSeen = now - seconds * HZ;
    int created = later ? lastSeen - 2 * HZ : lastSeen;
    int bits =
        state(state)
            | CtState.CT_DSR
            | (opener.equals("A") ? CtState.CT_OPENER_A : CtState.CT_OPENER_B);
    assertThat(liveness.isDead(now, 6, bits, created, lastSeen)).isFalse();
    assertThat(liveness.isDead(now, 6, bits, created - 1, lastSeen - 1)).isTrue();
  }

  /** Made in mid-flow, for a node that failed: there will be no SYN. */
  @ParameterizedTest
  @CsvSource({"none, 0, 3600", "none, DSR, 3600", "syn, 0, 20", "fins-only, 0, 120"})
  @Tag("INV-MAG-3")
  void aMaglevFlowWithoutSynIsEstablished(String state, String more, int seconds) {
    int now = 1_000_000_000;
    int lastSeen = now - seconds * HZ;
    int bits =
        state(state)
            | CtState.CT_MAGLEV
            | CtState.CT_OPENER_A
            | (more.equals("DSR") ? CtState.CT_DSR : 0);
    assertThat(liveness.isDead(now, 6, bits, lastSeen, lastSeen)).isFalse();
    assertThat(liveness.isDead(now, 6, bits, lastSeen - 1, lastSeen - 1)).isTrue();
  }

  @Test
  void nothingIsJudgedBeforeItsGracePeriodIsOver() {
    int now = 5_000_000;
    assertThat(liveness.isDead(now, 1, 0, now - 9 * HZ, now - 9 * HZ)).isFalse();
    assertThat(liveness.isDead(now, 1, 0, now - 10 * HZ, now - 9 * HZ)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 100, -1, -100, Integer.MAX_VALUE, Integer.MIN_VALUE, 0x7fffff00})
  void timeWrapsWithoutAnybodyNoticing(int now) {
    int long_ago = now - 7200 * HZ;
    assertThat(liveness.isDead(now, 6, BOTH, long_ago, now - 3601 * HZ)).isTrue();
    assertThat(liveness.isDead(now, 6, BOTH, long_ago, now - 3599 * HZ)).isFalse();
    assertThat(liveness.age(now, now - 5)).isEqualTo(5);
    assertThat(liveness.newer(now, now - 5, now - 6)).isEqualTo(now - 5);
    assertThat(liveness.newer(now, now - 6, now - 5)).isEqualTo(now - 5);
  }

  @Test
  void aStampWrittenDuringTheScanIsFresh() {
    assertThat(liveness.age(100, 103)).isZero();
    assertThat(liveness.newer(100, 103, 99)).isEqualTo(103);
  }

  @Test
  void aStampOfLongAgoIsOldThoughItSeemsAhead() {
    int now = 100;
    int monthsAgo = now + HZ * 3600;
    assertThat(liveness.isDead(now, 6, BOTH, monthsAgo, monthsAgo)).isTrue();
  }

  @Test
  void timeOutsBeyondTheClocksRangeAreCutToIt() {
    Timeouts t = Timeouts.DEFAULTS;
    Timeouts endless =
        new Timeouts(
            t.creationGrace(),
            t.tcpSynSent(),
            Duration.ofDays(10_000),
            t.tcpFinsSeen(),
            t.tcpResetSeen(),
            Duration.ofMillis(1500),
            t.icmp(),
            t.generic());
    Liveness far = new Liveness(endless, 1000);
    assertThat(far.limit(6, BOTH)).isBetween((3L << 30) - 1000, 3L << 30);
    assertThat(far.limit(17, 0)).isEqualTo(1500);
  }
}
