// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.SluiceMark;
import io.sluice.kernel.packet.Packet;
import io.sluice.kernel.program.ChainHarness.Target;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** With redirect_peer switched off, every packet passes its destination's program. */
class WithoutPeerTest extends ChainTest {
  @Override
  Chain.Variant variant() {
    return new Chain.Variant(false, false);
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  @Tag("INV-PATH-3")
  void everyPacketPassesBothPrograms(Family family, Traffic traffic) {
    Net net = Net.of(family);
    harness.addService(7, net.service(), 80, traffic.proto(), new Target(net.b(), 8080, 21));
    harness.send(a, traffic.first(net.a(), 1000, net.service(), 80));
    harness.send(b, traffic.answer(net.b(), 8080, net.a(), 1000));
    for (int i = 0; i < 2; i++) {
      Life there = harness.send(a, traffic.next(net.a(), 1000, net.service(), 80));
      assertThat(there.story()).isEqualTo("b: redirect to_pod");
      assertThat(there.steps().get(0).ourMark()).isEqualTo(SluiceMark.MARK_SEEN);
      assertThat(there.last().ourMark()).isZero();
      assertThat(there.packet().problems()).isEmpty();
      Life back = harness.send(b, traffic.next(net.b(), 8080, net.a(), 1000));
      assertThat(back.story()).isEqualTo("a: redirect to_pod");
      Packet packet = back.packet();
      assertThat(packet.problems()).isEmpty();
      assertThat(packet.source()).isEqualTo(net.service());
      assertThat(packet.ttl()).isEqualTo(63);
    }
  }
}
