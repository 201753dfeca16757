// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.actors.policy.Blueprint.Shape;
import io.sluice.actors.policy.Blueprint.TierOf;
import io.sluice.config.model.NetworkPolicy;
import io.sluice.config.model.NetworkPolicy.Direction;
import io.sluice.config.model.Profile;
import io.sluice.config.model.Resource;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.model.Tier;
import io.sluice.config.selector.Selector;
import io.sluice.kernel.policy.Action;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;

/** Which policies are an endpoint's, in which order, and compiled as far as somebody needs them. */
final class PolicyBook {
  private final boolean counting;
  private final ToLongFunction<SetDefinition> setIds;
  private final Function<ResourceKey, Resource> find;
  private final PolicyOrder order;
  private final LabelIndex<ResourceKey> index = new LabelIndex<>();
  private final Multimap<Selector, ResourceKey> bySubject = new Multimap<>();
  private final Map<ResourceKey, Selector> subjects = new HashMap<>();
  private final Map<ResourceKey, Compiled> compiled = new HashMap<>();

  /**
   * @param find resources of the view in force, null for those that do not exist
   */
  PolicyBook(
      boolean counting,
      ToLongFunction<SetDefinition> setIds,
      Function<ResourceKey, Resource> find) {
    this.counting = counting;
    this.setIds = setIds;
    this.find = find;
    this.order = PolicyOrder.of(find);
  }

  long evaluations() {
    return index.evaluations();
  }

  /** A local endpoint comes, or has other labels. */
  void put(Item endpoint) {
    index.put(endpoint.key(), endpoint.labels());
  }

  void remove(ResourceKey endpoint) {
    index.remove(endpoint);
  }

  /**
   * A policy or profile comes, changes or goes.
   *
   * @param touched gets the local endpoints that the policy was or is for
   */
  void change(Diff.Change change, Set<ResourceKey> touched) {
    recompile(change);
    Selector before = subjects.remove(change.key());
    if (before != null) {
      touched.addAll(index.matched(before));
      bySubject.remove(before, change.key());
    }
    if (change.after() instanceof NetworkPolicy policy) {
      Selector after = RuleCompiler.subject(policy);
      subjects.put(change.key(), after);
      bySubject.add(after, change.key());
      index.add(after);
      touched.addAll(index.matched(after));
    }
    if (before != null && bySubject.get(before).isEmpty()) {
      index.remove(before);
    }
  }

  /** A change that changes no rule keeps what is there, and with it all that is made of it. */
  private void recompile(Diff.Change change) {
    Compiled before = compiled.remove(change.key());
    if (before != null && change.after() != null) {
      Compiled after = compile(change.after());
      compiled.put(change.key(), before.isLike(after) ? before : after);
    }
  }

  private Compiled compile(Resource resource) {
    return resource instanceof NetworkPolicy policy
        ? RuleCompiler.compile(policy, counting, setIds)
        : RuleCompiler.compile((Profile) resource, counting, setIds);
  }

  /** Forgets what nobody uses. */
  void retain(Collection<Compiled> used) {
    compiled.values().retainAll(used);
  }

  /**
   * What a workload's plans are made of, its egress first.
   *
   * @param ofHost asked after its egress about what it sends to its node
   * @param problems gets what of it cannot be as it is written
   */
  List<Blueprint> workload(Item endpoint, Optional<Blueprint> ofHost, Collection<String> problems) {
    List<NetworkPolicy> policies = policies(endpoint.key(), problems);
    List<Compiled> profiles = profiles(endpoint, problems);
    return List.of(
        new Blueprint(
            Shape.WORKLOAD_IN,
            tiers(policies, Direction.EGRESS, PolicyBook::isNormal),
            profiles,
            List.of(),
            List.of(),
            ofHost),
        Blueprint.of(
            Shape.WORKLOAD_OUT,
            tiers(policies, Direction.INGRESS, PolicyBook::isNormal),
            profiles));
  }

  /** What a host endpoint lets in to the host itself. */
  Blueprint toHost(Item endpoint, Collection<String> problems) {
    List<NetworkPolicy> policies = policies(endpoint.key(), problems);
    return Blueprint.of(
        Shape.HOST_IN,
        tiers(policies, Direction.INGRESS, PolicyBook::isNormal),
        profiles(endpoint, problems));
  }

  /** What a host endpoint's plans are made of: ingress, egress and, if there is any, untracked. */
  List<Blueprint> host(Item endpoint, Collection<String> problems) {
    List<NetworkPolicy> policies = policies(endpoint.key(), problems);
    List<Compiled> profiles = profiles(endpoint, problems);
    List<Blueprint> blueprints = new ArrayList<>();
    blueprints.add(
        new Blueprint(
            Shape.HOST_IN,
            tiers(policies, Direction.INGRESS, PolicyBook::isNormal),
            profiles,
            tiers(policies, Direction.INGRESS, PolicyBook::isForward),
            tiers(policies, Direction.INGRESS, NetworkPolicy::preDnat),
            Optional.empty()));
    blueprints.add(
        new Blueprint(
            Shape.HOST_OUT,
            tiers(policies, Direction.EGRESS, PolicyBook::isNormal),
            profiles,
            tiers(policies, Direction.EGRESS, PolicyBook::isForward),
            List.of(),
            Optional.empty()));
    List<TierOf> untracked = tiers(policies, Direction.INGRESS, NetworkPolicy::doNotTrack);
    if (!untracked.isEmpty()) {
      blueprints.add(Blueprint.of(Shape.UNTRACKED, untracked, List.of()));
    }
    return blueprints;
  }

  private static boolean isNormal(NetworkPolicy policy) {
    return !policy.doNotTrack() && !policy.preDnat();
  }

  private static boolean isForward(NetworkPolicy policy) {
    return isNormal(policy) && policy.applyOnForward();
  }

  /** In the order in which they are asked. */
  private List<NetworkPolicy> policies(ResourceKey endpoint, Collection<String> problems) {
    List<NetworkPolicy> policies = new ArrayList<>();
    for (Selector subject : index.matching(endpoint)) {
      for (ResourceKey key : bySubject.get(subject)) {
        policies.add((NetworkPolicy) find.apply(key));
      }
    }
    for (NetworkPolicy policy : policies) {
      if (!policy.tier().equals(NetworkPolicy.DEFAULT_TIER)
          && order.tier(policy.tier()).isEmpty()) {
        problems.add(
            "%s: there is no tier %s: it is asked last, and its end denies"
                .formatted(policy.key(), policy.tier()));
      }
    }
    return order.sorted(policies);
  }

  private List<TierOf> tiers(
      List<NetworkPolicy> policies, Direction direction, Predicate<NetworkPolicy> which) {
    List<TierOf> tiers = new ArrayList<>();
    List<Compiled> ofTier = new ArrayList<>();
    String name = null;
    for (NetworkPolicy policy : policies) {
      if (policy.types().contains(direction) && which.test(policy)) {
        if (name != null && !name.equals(policy.tier())) {
          tiers.add(tierOf(name, ofTier));
          ofTier = new ArrayList<>();
        }
        name = policy.tier();
        ofTier.add(compiled.computeIfAbsent(policy.key(), key -> compile(policy)));
      }
    }
    if (name != null) {
      tiers.add(tierOf(name, ofTier));
    }
    return tiers;
  }

  private TierOf tierOf(String name, List<Compiled> policies) {
    boolean passes = order.tier(name).filter(Tier::passes).isPresent();
    return new TierOf(name, passes ? Action.PASS : Action.DENY, List.copyOf(policies));
  }

  private List<Compiled> profiles(Item endpoint, Collection<String> problems) {
    List<Compiled> profiles = new ArrayList<>();
    for (String name : endpoint.profiles()) {
      ResourceKey key = ItemReader.profileKey(name);
      Resource profile = find.apply(key);
      if (profile == null && !Profiles.isBuiltIn(name)) {
        problems.add(
            "%s: there is no profile %s: it is taken for one without rules"
                .formatted(endpoint.key(), name));
      }
      profiles.add(
          compiled.computeIfAbsent(
              key,
              k ->
                  profile == null
                      ? RuleCompiler.builtIn(k, Profiles.action(name), counting)
                      : compile(profile)));
    }
    return profiles;
  }
}
