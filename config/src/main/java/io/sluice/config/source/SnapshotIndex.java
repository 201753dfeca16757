// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.source;

import io.sluice.config.model.EndpointSlice;
import io.sluice.config.model.Frontend;
import io.sluice.config.model.Manifest;
import io.sluice.config.model.Problem;
import io.sluice.config.model.Problem.Severity;
import io.sluice.config.model.Resource;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.model.Service;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What a source knows, resource by resource as they come and go, with what only the whole can show:
 * services that claim one address and port, EndpointSlices without their service. A change costs
 * what it is about, not what there is. Used by one thread at a time.
 */
public final class SnapshotIndex {
  /** The older service keeps a frontend; of two without an age, the one whose name comes first. */
  private static final Comparator<Service> CLAIM_ORDER =
      Comparator.<Service, Instant>comparing(s -> s.meta().creationTimestamp().orElse(Instant.MAX))
          .thenComparing(Service::key);

  private final SortedMap<ResourceKey, Resource> resources = new TreeMap<>();
  private final Map<ResourceKey, Manifest> manifests = new HashMap<>();
  private final Map<Frontend, List<Service>> claims = new HashMap<>();
  private final Set<Frontend> contested = new HashSet<>();
  private final Map<ResourceKey, Set<ResourceKey>> slices = new HashMap<>();
  private final Set<ResourceKey> aside = new TreeSet<>();

  /** Adds a resource, or replaces the one of its key. */
  public void put(Resource resource, Manifest manifest) {
    ResourceKey key = resource.key();
    Resource before = resources.put(key, resource);
    manifests.put(key, manifest);
    if (before != null) {
      withdraw(before);
    }
    if (resource instanceof Service service) {
      new LinkedHashSet<>(service.frontends()).forEach(frontend -> claim(frontend, service));
      slices.getOrDefault(key, Set.of()).forEach(aside::remove);
    } else if (resource instanceof EndpointSlice slice) {
      slice.service().ifPresent(s -> slices.computeIfAbsent(s, k -> new HashSet<>(2)).add(key));
      if (slice.service().filter(resources::containsKey).isEmpty()) {
        aside.add(key);
      }
    }
  }

  /** Takes a resource away, if it is there. */
  public void remove(ResourceKey key) {
    Resource before = resources.remove(key);
    manifests.remove(key);
    if (before != null) {
      withdraw(before);
    }
    if (before instanceof Service) {
      aside.addAll(slices.getOrDefault(key, Set.of()));
    }
  }

  /** The resource of that key, EndpointSlices that are kept aside included. */
  public Optional<Resource> find(ResourceKey key) {
    return Optional.ofNullable(resources.get(key));
  }

  public int size() {
    return resources.size();
  }

  private void claim(Frontend frontend, Service service) {
    List<Service> claimants = claims.get(frontend);
    if (claimants == null) {
      claims.put(frontend, List.of(service));
      return;
    }
    List<Service> more = new ArrayList<>(claimants);
    more.add(service);
    claims.put(frontend, more);
    contested.add(frontend);
  }

  private void withdraw(Resource before) {
    if (before instanceof Service service) {
      new LinkedHashSet<>(service.frontends()).forEach(frontend -> release(frontend, service));
    } else if (before instanceof EndpointSlice slice) {
      aside.remove(slice.key());
      slice
          .service()
          .ifPresent(
              s ->
                  slices.computeIfPresent(
                      s,
                      (k, all) -> {
                        all.remove(slice.key());
                        return all.isEmpty() ? null : all;
                      }));
    }
  }

  private void release(Frontend frontend, Service service) {
    List<Service> rest =
        claims.get(frontend).stream().filter(s -> !s.key().equals(service.key())).toList();
    if (rest.isEmpty()) {
      claims.remove(frontend);
    } else {
      claims.put(frontend, rest);
    }
    if (rest.size() < 2) {
      contested.remove(frontend);
    }
  }

  /**
   * All of it as one view.
   *
   * @param before the view that came before, for its version and for what has been told already
   * @param more problems besides those that are found here
   */
  public Snapshot build(Snapshot before, boolean inSync, long revision, List<Problem> more) {
    List<Problem> problems = new ArrayList<>(more);
    Map<ResourceKey, Set<Frontend>> taken = judgeFrontends(problems);
    List<EndpointSlice> lonely = judgeSlices(problems);
    problems.sort(Comparator.naturalOrder());
    Set<Problem> told = new HashSet<>(before.problems());
    List<Problem> fresh = problems.stream().filter(p -> !told.contains(p)).toList();
    SortedMap<ResourceKey, Resource> inForce = resources;
    if (!aside.isEmpty()) {
      inForce = new TreeMap<>(resources);
      inForce.keySet().removeAll(aside);
    }
    return new Snapshot(
        before.version() + 1, revision, inSync, inForce, manifests, taken, lonely, problems, fresh);
  }

  private Map<ResourceKey, Set<Frontend>> judgeFrontends(List<Problem> problems) {
    Map<ResourceKey, Set<Frontend>> taken = new HashMap<>();
    for (Frontend frontend : contested) {
      List<Service> claimants = claims.get(frontend).stream().sorted(CLAIM_ORDER).toList();
      ResourceKey owner = claimants.get(0).key();
      for (Service late : claimants.subList(1, claimants.size())) {
        taken.computeIfAbsent(late.key(), k -> new HashSet<>()).add(frontend);
        problems.add(
            problem(
                Severity.ERROR, late.key(), "", frontend + " belongs to " + owner + " already"));
      }
    }
    return taken;
  }

  private List<EndpointSlice> judgeSlices(List<Problem> problems) {
    List<EndpointSlice> lonely = new ArrayList<>();
    for (ResourceKey key : aside) {
      EndpointSlice slice = (EndpointSlice) resources.get(key);
      lonely.add(slice);
      String missing =
          slice.service().map(ResourceKey::toString).orElse("label " + EndpointSlice.SERVICE_LABEL);
      problems.add(
          problem(
              Severity.WARNING, key, "metadata.labels", "is kept aside: there is no " + missing));
    }
    return lonely;
  }

  private Problem problem(Severity severity, ResourceKey key, String field, String reason) {
    Manifest manifest = manifests.get(key);
    return new Problem(severity, manifest.file(), manifest.line(), Optional.of(key), field, reason);
  }
}
