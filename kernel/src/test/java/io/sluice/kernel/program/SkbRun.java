// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import io.sluice.kernel.bpf.SkbContext;
import io.sluice.kernel.bpf.TestRun;

/** Runs packets through one hook of a pod and asks for the verdict alone. */
record SkbRun(ChainHarness harness, int hook, Pod pod) {
  static SkbRun of(ChainHarness harness, int hook, Pod pod) {
    return new SkbRun(harness, hook, pod);
  }

  int verdict(byte[] frame) {
    SkbContext context = SkbContext.EMPTY.onInterface(pod.ifindex());
    return harness.inNamespace(
        () -> {
          TestRun run = harness.hookRun(hook).packet(frame).context(context);
          return run.run(1);
        });
  }
}
