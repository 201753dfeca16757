// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.testing;

import io.sluice.kernel.bpf.XdpLink;
import io.sluice.kernel.dataplane.Untracked;
import io.sluice.kernel.policy.PolicyProgram;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/** XDP without a kernel. Every interface's driver has it. */
public final class MemoryUntracked implements Untracked {
  private final Map<Integer, String> policies = new TreeMap<>();
  private final Map<Integer, XdpLink.Mode> attached = new TreeMap<>();
  private final Consumer<String> calls;

  /**
   * @param calls is told of each change: "attach XDP eth0"
   */
  public MemoryUntracked(Consumer<String> calls) {
    this.calls = calls;
  }

  @Override
  public synchronized void set(int slot, PolicyProgram program) {
    calls.accept("untracked " + slot);
    policies.put(slot, program.name());
  }

  @Override
  public synchronized void clear(int slot) {
    calls.accept("no untracked " + slot);
    policies.remove(slot);
  }

  @Override
  public synchronized Map<Integer, String> policies() {
    return new TreeMap<>(policies);
  }

  @Override
  public synchronized XdpLink.Mode attach(String name, int ifindex) {
    calls.accept("attach XDP " + name);
    attached.put(ifindex, XdpLink.Mode.NATIVE);
    return XdpLink.Mode.NATIVE;
  }

  @Override
  public synchronized void detach(int ifindex) {
    calls.accept("detach XDP " + ifindex);
    attached.remove(ifindex);
  }

  @Override
  public synchronized Map<Integer, XdpLink.Mode> attachments() {
    return new TreeMap<>(attached);
  }
}
