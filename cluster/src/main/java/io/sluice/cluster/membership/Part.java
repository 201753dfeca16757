// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.membership;

import akka.actor.typed.ActorSystem;

/**
 * Something that nodes share, and that lives in the cluster's actor system: sharded entities and
 * their followers. That system ends when this node is cut off, and another is begun; what must
 * outlive it belongs to the node's own actor system.
 */
public interface Part {
  /**
   * A new system has begun, and may not be a member of anything yet. Called once for each system,
   * in the order of their beginnings; must not block.
   */
  void started(ActorSystem<?> cluster);

  /** The system that was told last is ending. */
  void ended();
}
