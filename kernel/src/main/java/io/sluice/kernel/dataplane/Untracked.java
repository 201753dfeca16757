// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import io.sluice.kernel.bpf.XdpLink;
import io.sluice.kernel.policy.PolicyProgram;
import java.util.Map;

/**
 * Untracked policy (doNotTrack) of host interfaces, by XDP. A policy is asked once it is in the
 * slot that the interface's element names for host-ingress, which must not be 0, XDP is attached,
 * and the element has {@code IFACE_UNTRACKED}. Calls may block; each interface has one caller at a
 * time.
 */
public interface Untracked {
  /**
   * Puts a policy into a slot of XDP's own array, atomically replacing what was there (PROG-3).
   *
   * @throws io.sluice.kernel.bpf.KernelException with the verifier's log; the old program stays
   */
  void set(int slot, PolicyProgram program);

  /** Empties a slot: XDP leaves all packets to TC there. */
  void clear(int slot);

  /** Names of the programs in the slots, as far as they hold one. */
  Map<Integer, String> policies();

  /**
   * Attaches XDP to an interface, or replaces the program that is there, without a moment of none.
   * Idempotent. Natively where the driver has it, else by the stack. Set the slot before.
   *
   * @throws io.sluice.kernel.bpf.KernelException with EBUSY or EEXIST if somebody else's program
   *     has the hook
   */
  XdpLink.Mode attach(String name, int ifindex);

  /** Takes XDP off. No error if it is not there. */
  void detach(int ifindex);

  /** How interfaces run our XDP program, of whatever build, by ifindex. */
  Map<Integer, XdpLink.Mode> attachments();
}
