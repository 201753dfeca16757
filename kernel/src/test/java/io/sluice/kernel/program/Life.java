// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import io.sluice.kernel.layout.SluiceReason;
import io.sluice.kernel.packet.Packet;
import java.util.List;

/**
 * A packet's way over this node.
 *
 * @param steps what the hooks did, in order
 * @param place name of the pod that got it, {@value #STACK}, {@value #TUNNEL}, {@value #OUT} by a
 *     host interface, {@value #LOOPBACK}, or {@value #NOWHERE}
 */
record Life(List<Outcome> steps, String place) {
  static final String STACK = "stack";
  static final String TUNNEL = "tunnel";
  static final String OUT = "out";
  static final String LOOPBACK = "loopback";
  static final String NOWHERE = "nowhere";

  Outcome last() {
    return steps.get(steps.size() - 1);
  }

  /** The packet as it arrived. */
  Packet packet() {
    return last().packet();
  }

  /** Reasons by name, in order: "redirect to_pod". */
  String reasons() {
    return String.join(" ", steps.stream().map(o -> SluiceReason.name(o.reason())).toList());
  }

  /** One line: where it ended and why. */
  String story() {
    return place + ": " + reasons();
  }
}
