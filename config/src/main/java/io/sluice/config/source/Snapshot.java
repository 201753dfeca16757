// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.source;

import io.sluice.config.model.EndpointSlice;
import io.sluice.config.model.Frontend;
import io.sluice.config.model.Manifest;
import io.sluice.config.model.Problem;
import io.sluice.config.model.Resource;
import io.sluice.config.model.ResourceKey;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * All that a source knows at one time: immutable and complete.
 *
 * @param version grows with each snapshot of a source
 * @param revision orders what the sources of different nodes say: of two views of the same things
 *     the one with the greater revision is newer. The cluster's store counts its changes; of a
 *     folder it is when it was last changed, ms since 1970
 * @param inSync whether the source has been read whole, so that what is missing here is not wanted.
 *     Until it is, nothing may be deleted for being missing (AG-3). Once true it stays true.
 * @param resources what is in force; equal keys map to equal resources as long as nothing changed
 * @param manifests the documents that the resources were made from, by the same keys
 * @param taken frontends that a service claims in vain, for an older one has them; by service
 * @param aside EndpointSlices whose service does not exist (yet); not among the resources
 * @param problems everything that is wrong now, in the order of files and lines
 * @param newProblems those of them that the snapshot before did not have: to be told once
 */
public record Snapshot(
    long version,
    long revision,
    boolean inSync,
    SortedMap<ResourceKey, Resource> resources,
    Map<ResourceKey, Manifest> manifests,
    Map<ResourceKey, Set<Frontend>> taken,
    List<EndpointSlice> aside,
    List<Problem> problems,
    List<Problem> newProblems) {
  /** What is known before a source has said anything. */
  public static final Snapshot EMPTY =
      new Snapshot(
          0,
          0,
          false,
          Collections.emptySortedMap(),
          Map.of(),
          Map.of(),
          List.of(),
          List.of(),
          List.of());

  public Snapshot {
    resources = Collections.unmodifiableSortedMap(new TreeMap<>(resources));
    manifests = Map.copyOf(manifests);
    taken = Map.copyOf(taken);
    aside = List.copyOf(aside);
    problems = List.copyOf(problems);
    newProblems = List.copyOf(newProblems);
  }

  /** Of a source alone, whose versions are its revisions. */
  public Snapshot(
      long version,
      boolean inSync,
      SortedMap<ResourceKey, Resource> resources,
      Map<ResourceKey, Manifest> manifests,
      Map<ResourceKey, Set<Frontend>> taken,
      List<EndpointSlice> aside,
      List<Problem> problems,
      List<Problem> newProblems) {
    this(version, version, inSync, resources, manifests, taken, aside, problems, newProblems);
  }

  /** The same view, with what it does not have from elsewhere. */
  Snapshot with(
      SortedMap<ResourceKey, Resource> others, Map<ResourceKey, Manifest> theirManifests) {
    SortedMap<ResourceKey, Resource> all = new TreeMap<>(others);
    all.putAll(resources);
    Map<ResourceKey, Manifest> written = new HashMap<>(theirManifests);
    written.putAll(manifests);
    return new Snapshot(
        version, revision, inSync, all, written, taken, aside, problems, newProblems);
  }

  /**
   * The view before the next one: this one, and as long as it is not in sync, what was in force
   * before the agent's start, too.
   *
   * @param recalled by {@link LastPolicies}
   */
  public Snapshot orRecalled(Snapshot recalled) {
    return inSync ? this : with(recalled.resources(), recalled.manifests());
  }

  /** All resources of a type, in the order of their keys. */
  public <T extends Resource> List<T> all(Class<T> type) {
    return resources.values().stream().filter(type::isInstance).map(type::cast).toList();
  }

  /** The resource of that key and type, if there is one. */
  public <T extends Resource> Optional<T> find(Class<T> type, ResourceKey key) {
    return Optional.ofNullable(resources.get(key)).filter(type::isInstance).map(type::cast);
  }

  /** Whether that service may have a frontend that it claims, because no older one has it. */
  public boolean owns(ResourceKey service, Frontend frontend) {
    return !taken.getOrDefault(service, Set.of()).contains(frontend);
  }
}
