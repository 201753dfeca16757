// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.layout.CtCleanStats;
import io.sluice.kernel.layout.CtJudged;
import io.sluice.kernel.layout.CtKey;
import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.CtValue;
import io.sluice.kernel.layout.CtVerdict;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.SluiceHook;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Flows whose approval is taken back, or was never given: who is asked what about them. */
class RevocationTest extends ChainTest {
  /** Takes back what the side that did not open the flow has approved. */
  private void revokeAnswering(Family family, int created) {
    Map.Entry<CtKey, CtValue> entry = harness.entries(family).entrySet().iterator().next();
    boolean openerIsB = (entry.getValue().c().state() & CtState.CT_OPENER_B) != 0;
    int bits = openerIsB ? CtState.CT_APPROVED_A : CtState.CT_APPROVED_B;
    CtKey none = new CtKey(Ip.any(family), Ip.any(family), 0, 0, 0, 0);
    CtCleanStats stats =
        harness.clean(
            family,
            Map.of(
                entry.getKey(),
                new CtJudged(
                    none,
                    entry.getValue().c().created() - created,
                    0,
                    bits,
                    0,
                    CtVerdict.CT_DENIED)));
    assertThat(stats).isEqualTo(new CtCleanStats(created == 0 ? 1 : 0, created == 0 ? 0 : 1, 0));
  }

  private void establish(Net net, Traffic traffic) {
    harness.send(a, traffic.first(net.a(), 1000, net.b(), 80));
    harness.send(b, traffic.answer(net.b(), 80, net.a(), 1000));
    assertThat(next(net, traffic)).isEqualTo("b: peer");
    assertThat(answer(net, traffic)).isEqualTo("a: peer");
  }

  private String next(Net net, Traffic traffic) {
    return harness.send(a, traffic.next(net.a(), 1000, net.b(), 80)).story();
  }

  private String answer(Net net, Traffic traffic) {
    return harness.send(b, traffic.next(net.b(), 80, net.a(), 1000)).story();
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  @Tag("INV-POL-1")
  void aFlowThatIsDeniedByNowEndsBothWaysAlthoughItIsInUse(Family family, Traffic traffic) {
    Net net = Net.of(family);
    establish(net, traffic);
    harness.deny(b, SluiceHook.HOOK_OUT);
    assertThat(next(net, traffic)).as("kept so far").isEqualTo("b: peer");
    revokeAnswering(family, 1);
    assertThat(next(net, traffic)).as("another flow of that tuple").isEqualTo("b: peer");
    revokeAnswering(family, 0);
    assertThat(answer(net, traffic)).isEqualTo("nowhere: policy");
    assertThat(next(net, traffic)).isEqualTo("nowhere: redirect policy");
    assertThat(answer(net, traffic)).isEqualTo("nowhere: policy");
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  @Tag("INV-POL-1")
  void aFlowThatIsAllowedAfterAllGoesOn(Family family, Traffic traffic) {
    Net net = Net.of(family);
    establish(net, traffic);
    revokeAnswering(family, 0);
    assertThat(next(net, traffic)).isEqualTo("b: redirect to_pod");
    assertThat(answer(net, traffic)).isEqualTo("a: peer");
    assertThat(next(net, traffic)).isEqualTo("b: peer");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-POL-1")
  void whoWasNeverReachedMayOpenAFlowOfItsOwn(Family family) {
    Net net = Net.of(family);
    harness.deny(b, SluiceHook.HOOK_OUT);
    assertThat(harness.send(a, Traffic.UDP.first(net.a(), 1000, net.b(), 80)).story())
        .isEqualTo("nowhere: redirect policy");
    // B's egress and A's ingress are asked, as of any new flow.
    harness.deny(a, SluiceHook.HOOK_OUT);
    assertThat(answer(net, Traffic.UDP)).isEqualTo("nowhere: redirect policy");
    harness.configure(
        a, ChainHarness.USUAL_FLAGS, ChainHarness.ALLOW_SLOT, ChainHarness.ALLOW_SLOT);
    assertThat(answer(net, Traffic.UDP)).isEqualTo("a: redirect to_pod");
    assertThat(next(net, Traffic.UDP)).as("an answer to it").isEqualTo("b: peer");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-POL-1")
  void whoGetsTheAddressOfAnotherInheritsNothing(Family family) {
    Net net = Net.of(family);
    establish(net, Traffic.UDP);
    // C has A's address now, and B takes nothing of C.
    harness.addRoute(net.a(), c.ifindex());
    harness.bumpEpoch();
    harness.deny(b, SluiceHook.HOOK_OUT);
    assertThat(harness.send(c, Traffic.UDP.next(net.a(), 1000, net.b(), 80)).story())
        .isEqualTo("nowhere: redirect policy");
  }

  private void judge(Family family, int verdict) {
    Map.Entry<CtKey, CtValue> entry = harness.entries(family).entrySet().iterator().next();
    CtKey none = new CtKey(Ip.any(family), Ip.any(family), 0, 0, 0, 0);
    CtJudged judged = new CtJudged(none, entry.getValue().c().created(), 0, 0, 0, verdict);
    assertThat(harness.clean(family, Map.of(entry.getKey(), judged)).deleted()).isEqualTo(1);
  }

  /** Neither end's policy has changed: that its peer is gone is enough. */
  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-POL-1")
  @Tag("INV-CT-4")
  void aConnectionOfAnAddressThatIsNobodysIsRefusedBothWaysAndASynIsAsked(Family family) {
    Net net = Net.of(family);
    establish(net, Traffic.TCP);
    judge(family, CtVerdict.CT_ENDED);
    Life refused = harness.send(a, Traffic.TCP.next(net.a(), 1000, net.b(), 80));
    assertThat(refused.story()).isEqualTo("a: refused_rst bypass");
    assertThat(answer(net, Traffic.TCP)).isEqualTo("b: refused_rst bypass");
    harness.deny(b, SluiceHook.HOOK_OUT);
    assertThat(harness.send(a, Traffic.TCP.first(net.a(), 1000, net.b(), 80)).story())
        .isEqualTo("nowhere: redirect policy");
    harness.configure(
        b, ChainHarness.USUAL_FLAGS, ChainHarness.ALLOW_SLOT, ChainHarness.ALLOW_SLOT);
    assertThat(harness.send(a, Traffic.TCP.first(net.a(), 1000, net.b(), 80)).story())
        .isEqualTo("b: redirect to_pod");
    assertThat(harness.send(b, Traffic.TCP.answer(net.b(), 80, net.a(), 1000)).story())
        .isEqualTo("a: peer");
    assertThat(next(net, Traffic.TCP)).isEqualTo("b: peer");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-POL-1")
  void aSynOnARevokedFlowOpensItAnew(Family family) {
    Net net = Net.of(family);
    establish(net, Traffic.TCP);
    judge(family, CtVerdict.CT_DENIED);
    harness.deny(b, SluiceHook.HOOK_OUT);
    assertThat(harness.send(a, Traffic.TCP.first(net.a(), 1000, net.b(), 80)).story())
        .as("though both ends have approved the former")
        .isEqualTo("nowhere: redirect policy");
  }
}
