// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

/** Tests of the chain of programs on a node of an overlay. */
abstract class OverlayTest extends ChainTest {
  Overlay overlay;

  @Override
  void use(ChainHarness shared) {
    super.use(shared);
    overlay = shared.overlay();
  }

  /** The reason under which a packet of an established flow reaches a pod. */
  String straight() {
    return variant().redirectPeer() ? "peer" : "redirect to_pod";
  }
}
