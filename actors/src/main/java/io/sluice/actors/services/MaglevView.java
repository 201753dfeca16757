// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.cluster.maglev.BackendSet;
import java.util.Map;
import java.util.Set;

/**
 * What this node wants of Maglev tables, and what it has. Told once the source is in sync.
 *
 * @param revision of the source
 * @param wishes backends of the services that want a table
 * @param unwanted services whose table was in the kernel, but that want none any more
 * @param running tables in the kernel
 * @param problems services that want a table and get none, and why
 */
public record MaglevView(
    long revision,
    Map<ServiceName, BackendSet> wishes,
    Set<ServiceName> unwanted,
    Map<ServiceName, Running> running,
    Map<ServiceName, String> problems) {
  /**
   * A table in the kernel.
   *
   * @param digest empty: it is not whole, and will be replaced
   */
  public record Running(long generation, String digest) {}

  public MaglevView {
    wishes = Map.copyOf(wishes);
    unwanted = Set.copyOf(unwanted);
    running = Map.copyOf(running);
    problems = Map.copyOf(problems);
  }
}
