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

/**
 * Puts together what files contribute, and judges what only the whole can show: names given twice,
 * services that claim one address and port, EndpointSlices without their service.
 */
final class SnapshotBuilder {
  /** The older service keeps a frontend; of two without an age, the one whose name comes first. */
  private static final Comparator<Service> CLAIM_ORDER =
      Comparator.<Service, Instant>comparing(s -> s.meta().creationTimestamp().orElse(Instant.MAX))
          .thenComparing(Service::key);

  private final SortedMap<ResourceKey, FileState.Entry> entries = new TreeMap<>();
  private final List<Problem> problems = new ArrayList<>();
  private final Map<ResourceKey, Set<Frontend>> taken = new HashMap<>();
  private final List<EndpointSlice> aside = new ArrayList<>();

  /**
   * Adds a file's part. Files come in the order of their names: the first to give a name has it.
   */
  void add(FileState file) {
    file.good()
        .forEach(
            (key, entry) -> {
              FileState.Entry first = entries.putIfAbsent(key, entry);
              if (first != null) {
                problems.add(FileState.duplicate(entry, first));
              }
            });
    problems.addAll(file.problems());
  }

  void add(Problem problem) {
    problems.add(problem);
  }

  Snapshot build(Snapshot before, boolean inSync, long revision) {
    judgeFrontends();
    judgeSlices();
    problems.sort(Comparator.naturalOrder());
    Set<Problem> told = new HashSet<>(before.problems());
    List<Problem> fresh = problems.stream().filter(p -> !told.contains(p)).toList();
    SortedMap<ResourceKey, Resource> resources = new TreeMap<>();
    Map<ResourceKey, Manifest> manifests = new HashMap<>();
    entries.forEach(
        (key, entry) -> {
          resources.put(key, entry.resource());
          manifests.put(key, entry.manifest());
        });
    aside.forEach(slice -> resources.remove(slice.key()));
    return new Snapshot(
        before.version() + 1,
        revision,
        inSync,
        resources,
        manifests,
        taken,
        aside,
        problems,
        fresh);
  }

  private void judgeFrontends() {
    List<Service> services =
        entries.values().stream()
            .filter(e -> e.resource() instanceof Service)
            .map(e -> (Service) e.resource())
            .sorted(CLAIM_ORDER)
            .toList();
    Map<Frontend, ResourceKey> owners = new HashMap<>();
    for (Service service : services) {
      for (Frontend frontend : service.frontends()) {
        ResourceKey owner = owners.putIfAbsent(frontend, service.key());
        if (owner != null && !owner.equals(service.key())) {
          boolean isNew =
              taken.computeIfAbsent(service.key(), k -> new LinkedHashSet<>()).add(frontend);
          if (isNew) {
            problem(
                Severity.ERROR, service.key(), "", frontend + " belongs to " + owner + " already");
          }
        }
      }
    }
  }

  private void judgeSlices() {
    for (FileState.Entry entry : entries.values()) {
      if (entry.resource() instanceof EndpointSlice slice) {
        Optional<ResourceKey> service = slice.service();
        if (service.isEmpty()) {
          aside.add(slice);
          problem(
              Severity.WARNING,
              slice.key(),
              "metadata.labels",
              "is kept aside: there is no label " + EndpointSlice.SERVICE_LABEL);
        } else if (!entries.containsKey(service.get())) {
          aside.add(slice);
          problem(
              Severity.WARNING,
              slice.key(),
              "metadata.labels",
              "is kept aside: there is no " + service.get());
        }
      }
    }
  }

  private void problem(Severity severity, ResourceKey key, String field, String reason) {
    Manifest manifest = entries.get(key).manifest();
    problems.add(
        new Problem(severity, manifest.file(), manifest.line(), Optional.of(key), field, reason));
  }
}
