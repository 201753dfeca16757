// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.interfaces;

import akka.Done;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionStage;

/** Where slots of policy programs are promised: a promise is kept over restarts of the agent. */
public interface SlotPromises {
  /**
   * Compares the promises with the slots that interfaces use in the kernel, once, before anything
   * is asked: where they differ the promise counts, and the interface gets rewritten; where there
   * is no promise, the use becomes one.
   *
   * @param inUse slots by interface
   * @return the interfaces that have promises now
   */
  CompletionStage<Set<String>> adopt(Map<String, Integer> inUse);

  /** The interface's slots, from 1: those it has, or new ones that nobody had lately. */
  CompletionStage<InterfaceHost.Slots> allocate(String nic);

  /** Takes a promise back; no error if there is none. */
  CompletionStage<Done> release(String nic);
}
