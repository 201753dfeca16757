// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.kernel.policy.IpSet;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What this node enforces. Of two that follow each other, what did not change is the same object,
 * so that a comparison by identity finds the difference.
 *
 * @param byNic what each interface enforces: all local workloads, and those host interfaces that a
 *     HostEndpoint is for. A host interface that is not here has no policy
 * @param sets all that the plans look up, by ID; IDs are compared as signed numbers
 * @param rules the names of all IDs in the plans; empty if hits are not counted
 * @param problems what cannot be as it is written, a line each
 */
public record NodePolicy(
    SortedMap<String, EndpointPolicy> byNic,
    SortedMap<Long, IpSet> sets,
    SortedMap<Long, RuleName> rules,
    List<String> problems) {
  /** Nothing is known. */
  public static final NodePolicy NONE =
      new NodePolicy(new TreeMap<>(), new TreeMap<>(), new TreeMap<>(), List.of());

  /** The maps are taken as they are, and must not change any more. */
  public NodePolicy {
    byNic = Collections.unmodifiableSortedMap(byNic);
    sets = Collections.unmodifiableSortedMap(sets);
    rules = Collections.unmodifiableSortedMap(rules);
    problems = List.copyOf(problems);
  }
}
