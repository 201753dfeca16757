// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import io.sluice.kernel.bpf.ProgramArray;
import io.sluice.kernel.bpf.XdpLink;
import io.sluice.kernel.policy.PolicyProgram;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/** Untracked policy as it is pinned, to look at. */
record PinnedUntracked(Path root) implements Untracked {
  private static UnsupportedOperationException readOnly() {
    return new UnsupportedOperationException("a pinned dataplane is opened to look at it only");
  }

  @Override
  public Map<Integer, String> policies() {
    Optional<ProgramArray> found = Build.untracked(root, new XdpAttacher(root).programsInUse());
    if (found.isEmpty()) {
      return Map.of();
    }
    try (ProgramArray policies = found.get()) {
      return PolicySlots.names(policies);
    }
  }

  @Override
  public Map<Integer, XdpLink.Mode> attachments() {
    return new XdpAttacher(root).attachments();
  }

  @Override
  public void set(int slot, PolicyProgram program) {
    throw readOnly();
  }

  @Override
  public void clear(int slot) {
    throw readOnly();
  }

  @Override
  public XdpLink.Mode attach(String name, int ifindex) {
    throw readOnly();
  }

  @Override
  public void detach(int ifindex) {
    throw readOnly();
  }
}
