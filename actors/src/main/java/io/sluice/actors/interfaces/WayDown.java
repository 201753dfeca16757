// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.interfaces;

import io.sluice.actors.host.HostNet.Nic;
import io.sluice.actors.interfaces.InterfaceActor.Step;
import java.util.Deque;

/** The way of an interface to nothing. */
interface WayDown {
  /** What it is about. */
  Nic nic();

  Deque<Step> steps();
}
