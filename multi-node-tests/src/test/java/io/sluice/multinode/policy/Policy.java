// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.policy;

import io.sluice.multinode.harness.IpVersion;
import io.sluice.multinode.harness.Reach;
import java.util.Map;

/** A policy of a test: its manifest, and what it must mean. */
interface Policy {
  /** Seen from the endpoint. */
  enum Direction {
    INGRESS,
    EGRESS
  }

  /** What a policy says of a flow. */
  enum Verdict {
    ALLOW,
    DENY,
    PASS,
    NOTHING
  }

  /**
   * A flow's first packet.
   *
   * @param port of its destination; 0 for a ping
   */
  record Flow(World.Host from, World.Host to, IpVersion version, Reach.Way way, int port) {
    World.Host peer(Direction direction) {
      return direction == Direction.INGRESS ? from : to;
    }

    World.Host self(Direction direction) {
      return direction == Direction.INGRESS ? to : from;
    }
  }

  String tier();

  /** Infinite: last. */
  double order();

  /** By which policies of one order are sorted; never two of one. */
  String key();

  boolean selects(World world, World.Host pod);

  boolean decides(Direction direction);

  Verdict judge(World world, Direction direction, Flow flow);

  /** Its manifest. */
  Map<String, Object> document();
}
