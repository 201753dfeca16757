// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.interfaces;

import java.util.Set;

/**
 * Which host interfaces have policy at which hook.
 *
 * @param known all that policy knows of; of others nobody can say yet
 * @param in those with policy for what enters the host by them
 * @param out those with policy for what leaves it
 * @param untracked those of {@code in} with policy that XDP asks first (doNotTrack)
 */
public record HostPolicies(
    Set<String> known, Set<String> in, Set<String> out, Set<String> untracked) {
  /** Nothing can be said yet. */
  public static final HostPolicies UNKNOWN = new HostPolicies(Set.of(), Set.of(), Set.of());

  public HostPolicies {
    known = Set.copyOf(known);
    in = Set.copyOf(in);
    out = Set.copyOf(out);
    untracked = Set.copyOf(untracked);
  }

  /** None of it untracked. */
  public HostPolicies(Set<String> known, Set<String> in, Set<String> out) {
    this(known, in, out, Set.of());
  }

  boolean knows(String nic) {
    return known.contains(nic);
  }

  boolean in(String nic) {
    return in.contains(nic);
  }

  boolean out(String nic) {
    return out.contains(nic);
  }

  boolean untracked(String nic) {
    return untracked.contains(nic);
  }
}
