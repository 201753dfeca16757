// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.bpf.BpfObject;
import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.bpf.TestRun;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.testing.RequiresKernel;
import io.sluice.kernel.testing.TupleHash;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Tag("INV-MAG-1")
class TupleHashTest {
  private static final int ETHERNET = 14;

  /** The vectors of docs/design/maglev.md. */
  @Test
  void givesTheHashesOfTheTestVectors() {
    Ip client = Ip.parse("192.0.2.1");
    Ip service = Ip.parse("198.51.100.7");
    assertThat(TupleHash.of(client, service, 40_000, 443, 6)).isEqualTo(0xfc76763f);
    assertThat(TupleHash.of(client, service, 40_001, 443, 6)).isEqualTo(0x589828e4);
    assertThat(TupleHash.of(Ip.parse("203.0.113.9"), Ip.parse("10.96.0.10"), 53, 53, 17))
        .isEqualTo(0x333205ce);
    assertThat(TupleHash.of(Ip.parse("2001:db8::1"), Ip.parse("2001:db8:ffff::7"), 40_000, 443, 6))
        .isEqualTo(0xa04a84ae);
  }

  @RequiresKernel
  @ParameterizedTest
  @EnumSource
  void programsHashAsDefined(Family family) {
    Random random = new Random(family.number());
    int size = family == Family.IPV4 ? 4 : 16;
    try (BpfObject object = Probe.open(family);
        Fd program = object.programFd("probe_hash")) {
      TestRun run = new TestRun(program, 128);
      for (int i = 0; i < 1000; i++) {
        byte[] source = new byte[size];
        byte[] destination = new byte[size];
        random.nextBytes(source);
        random.nextBytes(destination);
        int sport = random.nextInt(0x10000);
        int dport = random.nextInt(0x10000);
        int proto = random.nextInt(0x100);
        ByteBuffer packet = ByteBuffer.allocate(128);
        packet.position(ETHERNET);
        packet.put(source).put(destination);
        packet.putShort((short) sport).putShort((short) dport).put((byte) proto);
        assertThat(run.packet(packet.array()).run(1)).isZero();
        int hash =
            ByteBuffer.wrap(run.output())
                .order(ByteOrder.nativeOrder())
                .getInt(ETHERNET + 2 * size + 8);
        assertThat(hash)
            .isEqualTo(TupleHash.of(Ip.of(source), Ip.of(destination), sport, dport, proto));
      }
    }
  }
}
