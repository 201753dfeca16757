// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.source;

import io.sluice.config.model.Kind;
import io.sluice.config.model.Manifest;
import io.sluice.config.model.NetworkPolicy;
import io.sluice.config.model.Problem;
import io.sluice.config.model.Problem.Severity;
import io.sluice.config.model.Resource;
import io.sluice.config.model.ResourceKey;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Policies whose tier there is not. Where such a policy was in force before, or its tier was, what
 * was in force stays: a slip in a name must not open what was closed.
 */
final class TierJudge {
  private static final String FIELD = "spec.tier";

  private final SortedMap<String, Set<ResourceKey>> policies = new TreeMap<>();

  void put(NetworkPolicy policy) {
    if (!policy.tier().equals(NetworkPolicy.DEFAULT_TIER)) {
      policies.computeIfAbsent(policy.tier(), t -> new TreeSet<>()).add(policy.key());
    }
  }

  void remove(NetworkPolicy policy) {
    policies.computeIfPresent(
        policy.tier(),
        (tier, keys) -> {
          keys.remove(policy.key());
          return keys.isEmpty() ? null : keys;
        });
  }

  /** Whether each policy has its tier among these. */
  boolean content(Map<ResourceKey, Resource> resources) {
    return policies.keySet().stream().allMatch(tier -> resources.containsKey(key(tier)));
  }

  private static ResourceKey key(String tier) {
    return new ResourceKey(Kind.TIER, "", tier);
  }

  /**
   * Takes policies without a tier out of a view, or puts there what was in force instead.
   *
   * @param resources the view
   * @param manifests of what is in the view
   */
  void judge(
      Snapshot before,
      Map<ResourceKey, Resource> resources,
      Map<ResourceKey, Manifest> manifests,
      List<Problem> problems) {
    policies.forEach(
        (tier, keys) -> {
          if (resources.containsKey(key(tier))) {
            return;
          }
          boolean stays = keys.stream().anyMatch(key -> isIn(tier, before.resources().get(key)));
          if (stays) {
            keep(key(tier), before, resources, manifests);
          }
          for (ResourceKey key : keys) {
            Manifest manifest = manifests.get(key);
            String reason =
                stays
                    ? "there is no Tier " + tier + " any more: it stays until no policy is in it"
                    : instead(key, tier, before, resources, manifests);
            problems.add(
                new Problem(
                    Severity.ERROR,
                    manifest.file(),
                    manifest.line(),
                    Optional.of(key),
                    FIELD,
                    reason));
          }
        });
  }

  private static boolean isIn(String tier, Resource resource) {
    return resource instanceof NetworkPolicy policy && policy.tier().equals(tier);
  }

  /** What becomes of a policy of a tier that there never was. */
  private static String instead(
      ResourceKey key,
      String tier,
      Snapshot before,
      Map<ResourceKey, Resource> resources,
      Map<ResourceKey, Manifest> manifests) {
    if (before.resources().get(key) instanceof NetworkPolicy last) {
      keep(key, before, resources, manifests);
      if (!last.tier().equals(NetworkPolicy.DEFAULT_TIER)) {
        keep(key(last.tier()), before, resources, manifests);
      }
      return "there is no Tier " + tier + ": the policy stays as it was";
    }
    resources.remove(key);
    return "is kept aside: there is no Tier " + tier;
  }

  private static void keep(
      ResourceKey key,
      Snapshot before,
      Map<ResourceKey, Resource> resources,
      Map<ResourceKey, Manifest> manifests) {
    if (key.kind() != Kind.TIER || !resources.containsKey(key)) {
      resources.put(key, before.resources().get(key));
      manifests.put(key, before.manifests().get(key));
    }
  }
}
