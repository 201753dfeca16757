// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.source;

import io.sluice.config.model.EndpointSlice;
import io.sluice.config.model.Frontend;
import io.sluice.config.model.HostEndpoint;
import io.sluice.config.model.Kind;
import io.sluice.config.model.Manifest;
import io.sluice.config.model.NetworkPolicy;
import io.sluice.config.model.Problem;
import io.sluice.config.model.Problem.Severity;
import io.sluice.config.model.Resource;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.model.Service;
import io.sluice.config.model.WorkloadEndpoint;
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
 * services that claim one address and port, endpoints that claim one interface, EndpointSlices
 * without their service, policies without their tier. A change costs what it is about, not what
 * there is. Used by one thread at a time.
 */
public final class SnapshotIndex {
  /** The older resource keeps what it has; of two without an age, the one whose key is first. */
  private static final Comparator<Resource> CLAIM_ORDER =
      Comparator.<Resource, Instant>comparing(r -> r.meta().creationTimestamp().orElse(Instant.MAX))
          .thenComparing(Resource::key);

  /**
   * An interface of a node.
   *
   * @param kind of those that claim it: a host endpoint and a workload's are no rivals
   */
  private record Nic(Kind kind, String node, String name) {
    @Override
    public String toString() {
      return "interface " + name + " of node " + node;
    }
  }

  private final SortedMap<ResourceKey, Resource> resources = new TreeMap<>();
  private final Map<ResourceKey, Manifest> manifests = new HashMap<>();
  private final Claims<Frontend, Service> frontends = new Claims<>();
  private final Claims<Nic, Resource> nics = new Claims<>();
  private final TierJudge tiers = new TierJudge();
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
      new LinkedHashSet<>(service.frontends()).forEach(f -> frontends.claim(f, service));
      slices.getOrDefault(key, Set.of()).forEach(aside::remove);
    } else if (resource instanceof EndpointSlice slice) {
      slice.service().ifPresent(s -> slices.computeIfAbsent(s, k -> new HashSet<>(2)).add(key));
      if (slice.service().filter(resources::containsKey).isEmpty()) {
        aside.add(key);
      }
    } else if (resource instanceof NetworkPolicy policy) {
      tiers.put(policy);
    }
    nic(resource).ifPresent(nic -> nics.claim(nic, resource));
  }

  private static Optional<Nic> nic(Resource resource) {
    Nic nic =
        resource instanceof HostEndpoint host
            ? new Nic(host.kind(), host.node(), host.interfaceName())
            : resource instanceof WorkloadEndpoint workload
                ? new Nic(workload.kind(), workload.node(), workload.interfaceName())
                : null;
    return Optional.ofNullable(nic).filter(n -> !n.name().isEmpty());
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

  private void withdraw(Resource before) {
    if (before instanceof Service service) {
      new LinkedHashSet<>(service.frontends()).forEach(f -> frontends.release(f, service));
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
    } else if (before instanceof NetworkPolicy policy) {
      tiers.remove(policy);
    }
    nic(before).ifPresent(nic -> nics.release(nic, before));
  }

  /**
   * All of it as one view.
   *
   * @param before the view that came before, for its version, for what has been told already, and
   *     for what was in force
   * @param more problems besides those that are found here
   */
  public Snapshot build(Snapshot before, boolean inSync, long revision, List<Problem> more) {
    List<Problem> problems = new ArrayList<>(more);
    Map<ResourceKey, Set<Frontend>> taken = judgeFrontends(problems);
    List<EndpointSlice> lonely = judgeSlices(problems);
    Set<ResourceKey> out = new HashSet<>(aside);
    out.addAll(judgeNics(before, problems));
    SortedMap<ResourceKey, Resource> inForce = resources;
    Map<ResourceKey, Manifest> written = manifests;
    if (!out.isEmpty()) {
      inForce = new TreeMap<>(resources);
      inForce.keySet().removeAll(out);
    }
    if (!tiers.content(resources)) {
      inForce = new TreeMap<>(inForce);
      written = new HashMap<>(manifests);
      tiers.judge(before, inForce, written, problems);
    }
    problems.sort(Comparator.naturalOrder());
    Set<Problem> told = new HashSet<>(before.problems());
    List<Problem> fresh = problems.stream().filter(p -> !told.contains(p)).toList();
    return new Snapshot(
        before.version() + 1, revision, inSync, inForce, written, taken, lonely, problems, fresh);
  }

  private Map<ResourceKey, Set<Frontend>> judgeFrontends(List<Problem> problems) {
    Map<ResourceKey, Set<Frontend>> taken = new HashMap<>();
    frontends.judge(
        CLAIM_ORDER,
        (frontend, claimants) -> {
          ResourceKey owner = claimants.get(0).key();
          for (Service late : claimants.subList(1, claimants.size())) {
            taken.computeIfAbsent(late.key(), k -> new HashSet<>()).add(frontend);
            problems.add(late(late, frontend + " belongs to " + owner + " already"));
          }
        });
    return taken;
  }

  /**
   * Who is named twice. A host endpoint that comes late is out; a workload that does is not, for
   * its node knows better whose the interface has been: it must only be told of.
   */
  private Set<ResourceKey> judgeNics(Snapshot before, List<Problem> problems) {
    Set<ResourceKey> out = new HashSet<>();
    nics.judge(
        Comparator.<Resource, Boolean>comparing(r -> !before.resources().containsKey(r.key()))
            .thenComparing(CLAIM_ORDER),
        (nic, claimants) -> {
          for (Resource late : claimants.subList(1, claimants.size())) {
            if (late instanceof HostEndpoint) {
              out.add(late.key());
            }
            problems.add(late(late, nic + " belongs to " + claimants.get(0).key() + " already"));
          }
        });
    return out;
  }

  private Problem late(Resource late, String reason) {
    return problem(Severity.ERROR, late.key(), "", reason);
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
