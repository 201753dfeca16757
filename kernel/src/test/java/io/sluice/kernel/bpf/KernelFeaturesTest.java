// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.testing.RequiresKernel;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.junit.jupiter.api.Test;

@RequiresKernel
class KernelFeaturesTest {
  @Test
  void probesAgreeWithTheKernelsVersion() {
    assertThat(KernelFeatures.atLeast(5, 15)).isTrue();
    assertThat(KernelFeatures.atLeast(99, 0)).isFalse();
    assertThat(KernelFeatures.tcx()).isEqualTo(KernelFeatures.atLeast(6, 6));
    assertThat(KernelFeatures.castToKernelContext())
        .isEqualTo(KernelFeatures.atLeast(6, 2) && KernelFeatures.kernelTypes());
    assertThat(KernelFeatures.lruHash()).isTrue();
    assertThat(KernelFeatures.lpmTrie()).isTrue();
    assertThat(KernelFeatures.ringBuffer()).isTrue();
    assertThat(KernelFeatures.redirectPeer()).isTrue();
    assertThat(KernelFeatures.forEachMapElement()).isTrue();
    assertThat(KernelFeatures.batches(MapType.LRU_HASH)).isTrue();
    assertThat(KernelFeatures.batches(MapType.LPM_TRIE)).isTrue();
    assertThat(KernelFeatures.batches(MapType.ARRAY)).isTrue();
  }

  @Test
  void helperThatNoKernelHas() {
    ByteBuffer code = ByteBuffer.allocate(16).order(ByteOrder.nativeOrder());
    code.putInt(0, 0x85).putInt(4, 9999).putInt(8, 0x95);
    try (Fd program = Programs.load(Programs.SCHED_CLS, "probe", code.array(), List.of())) {
      assertThat(program).as("no program").isNull();
    } catch (VerifierException e) {
      assertThat(e.log()).containsPattern("(invalid|unknown) func");
    }
  }
}
