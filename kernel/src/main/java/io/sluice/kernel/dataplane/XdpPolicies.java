// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import io.sluice.kernel.bpf.XdpLink;
import io.sluice.kernel.policy.PolicyProgram;
import java.util.Map;

/** Untracked policy by the XDP programs of one build. Thread-safe. */
final class XdpPolicies implements Untracked {
  private final XdpPart part;
  private final MapStore maps;
  private final XdpAttacher attacher;
  private final PolicySlots slots;
  private final Runnable changed;

  /**
   * @param changed called when an interface may run another build's program no more
   */
  XdpPolicies(XdpPart part, MapStore maps, XdpAttacher attacher, Runnable changed) {
    this.part = part;
    this.maps = maps;
    this.attacher = attacher;
    this.slots = new PolicySlots(part.policies(), System::nanoTime);
    this.changed = changed;
  }

  @Override
  public void set(int slot, PolicyProgram program) {
    slots.set(slot, program, (name, code) -> part.loadPolicy(maps, name, code));
  }

  @Override
  public void clear(int slot) {
    slots.clear(slot);
  }

  @Override
  public Map<Integer, String> policies() {
    return PolicySlots.names(part.policies());
  }

  @Override
  public XdpLink.Mode attach(String name, int ifindex) {
    XdpLink.Mode mode = attacher.attach(name, ifindex, part.preamble(), part.preambleId());
    changed.run();
    return mode;
  }

  @Override
  public void detach(int ifindex) {
    attacher.detach(ifindex);
    changed.run();
  }

  @Override
  public Map<Integer, XdpLink.Mode> attachments() {
    return attacher.attachments();
  }
}
