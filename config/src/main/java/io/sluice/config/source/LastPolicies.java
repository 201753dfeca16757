// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.source;

import io.sluice.config.model.Kind;
import io.sluice.config.model.Manifest;
import io.sluice.config.model.Resource;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.model.Tier;
import io.sluice.config.parse.Limits;
import io.sluice.config.parse.ManifestParser;
import io.sluice.config.parse.ParsedDocument;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps on disk the tiers, and the policies that may be in one, that were in force last. An agent
 * that starts beside a policy whose tier was misspelt or deleted meanwhile would otherwise have no
 * view before, and do without it: what was closed would be open. Used by one thread.
 */
public final class LastPolicies {
  private static final Logger LOG = LoggerFactory.getLogger(LastPolicies.class);

  /** They were taken before, so none is too much. */
  private static final Limits ANY =
      new Limits(Integer.MAX_VALUE, Limits.DEFAULT.depth(), Limits.DEFAULT.values());

  private final Optional<Path> file;
  private Map<ResourceKey, Resource> kept = Map.of();
  private boolean complained;

  /**
   * @param file where; absent: nothing is kept
   */
  public LastPolicies(Optional<Path> file) {
    this.file = file;
  }

  /** What was in force last, as a view that is not in sync; without any if that is not known. */
  public Snapshot recall() {
    SortedMap<ResourceKey, Resource> resources = new TreeMap<>();
    Map<ResourceKey, Manifest> manifests = new HashMap<>();
    try {
      if (file.filter(Files::isRegularFile).isPresent()) {
        String name = file.get().toString();
        byte[] content = Files.readAllBytes(file.get());
        for (ParsedDocument document : new ManifestParser(ANY).parse(name, content)) {
          document
              .resource()
              .filter(LastPolicies::mayConcernTiers)
              .ifPresent(
                  resource -> {
                    String json = document.manifest().orElseThrow().json();
                    resources.put(resource.key(), resource);
                    manifests.put(resource.key(), new Manifest(name, 0, json));
                  });
        }
      }
    } catch (IOException e) {
      complain(e);
    }
    kept = resources;
    return Snapshot.EMPTY.with(resources, manifests);
  }

  private static boolean mayConcernTiers(Resource resource) {
    return resource instanceof Tier
        || resource.kind() == Kind.CALICO_NETWORK_POLICY
        || resource.kind() == Kind.GLOBAL_NETWORK_POLICY;
  }

  /**
   * Writes what is in force by a view, if that is in sync, and something else than {@link #recall}
   * or the last call had.
   */
  public void remember(Snapshot snapshot) {
    if (file.isEmpty() || !snapshot.inSync()) {
      return;
    }
    Map<ResourceKey, Resource> now = new TreeMap<>();
    snapshot
        .resources()
        .forEach(
            (key, resource) -> {
              if (mayConcernTiers(resource)) {
                now.put(key, resource);
              }
            });
    if (now.equals(kept)) {
      return;
    }
    String text =
        now.keySet().stream()
            .map(key -> snapshot.manifests().get(key).json())
            .collect(Collectors.joining("\n"));
    try {
      Path fresh = file.get().resolveSibling(file.get().getFileName() + ".new");
      Files.createDirectories(file.get().toAbsolutePath().getParent());
      Files.write(fresh, text.getBytes(StandardCharsets.UTF_8));
      Files.move(fresh, file.get(), StandardCopyOption.ATOMIC_MOVE);
      kept = now;
    } catch (IOException e) {
      complain(e);
    }
  }

  private void complain(IOException e) {
    if (!complained) {
      complained = true;
      LOG.warn("the last policies cannot be kept in {}: {}", file.orElseThrow(), e.toString());
    }
  }
}
