// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.actors.interfaces.Workloads;
import io.sluice.config.model.EndpointSlice;
import io.sluice.config.model.HostEndpoint;
import io.sluice.config.model.Kind;
import io.sluice.config.model.NetworkPolicy;
import io.sluice.config.model.Profile;
import io.sluice.config.model.Resource;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.model.Tier;
import io.sluice.config.source.Snapshot;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.policy.Chain;
import io.sluice.kernel.policy.Plan;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.ToLongFunction;

/**
 * From the resources to what this node enforces. It keeps what it has found, and works off only
 * what a new view changes. Pure: it knows neither kernel nor clock. Used by one thread at a time.
 */
public final class PolicyCalculator {
  /** What a workload has that nothing can be calculated for. */
  private static final Plan DENY_ALL = Plan.of(Chain.DENY_ALL);

  private final String node;
  private final Map<ResourceKey, Resource> resources = new HashMap<>();
  private final Map<ResourceKey, HostEndpoint> hostEndpoints = new HashMap<>();
  private final Items items = new Items(resources::get);
  private final PolicyBook book;
  private final SetKeeper sets;
  private final PlanMaker plans;
  private final Map<Compiled, Integer> uses = new HashMap<>();
  private final List<Compiled> dismissed = new ArrayList<>();
  private SortedMap<ResourceKey, Resource> view = Collections.emptySortedMap();
  private Map<String, Local> locals = new TreeMap<>();
  private Set<ResourceKey> owners = Set.of();
  private final ToHost toHost;
  private NodePolicy current = NodePolicy.NONE;

  /** A local endpoint, and what its plans are made of now. */
  private static final class Local {
    final ResourceKey owner;
    final boolean host;
    List<Blueprint> blueprints = List.of();
    List<String> problems = List.of();
    boolean stale = true;
    EndpointPolicy policy;

    Local(ResourceKey owner, boolean host) {
      this.owner = owner;
      this.host = host;
      Optional<Plan> deny = Optional.of(DENY_ALL);
      this.policy = new EndpointPolicy(owner, deny, deny, Optional.empty());
    }

    Set<Compiled> parts() {
      return PolicyCalculator.parts(blueprints);
    }
  }

  /**
   * @param node this node's name
   */
  public PolicyCalculator(String node, PolicySettings settings) {
    this(node, settings, definition -> Ids.of(definition.text()));
  }

  PolicyCalculator(String node, PolicySettings settings, ToLongFunction<SetDefinition> setIds) {
    this.node = node;
    this.book = new PolicyBook(settings.counting(), setIds, resources::get);
    this.sets = new SetKeeper(setIds);
    this.plans = new PlanMaker(settings);
    this.toHost = new ToHost(settings.toHost());
  }

  /** How often a selector has been asked about something so far: the measure of the work done. */
  long evaluations() {
    return book.evaluations() + sets.evaluations();
  }

  /**
   * What is to be enforced from now on.
   *
   * @param snapshot the newest view; what it shares with the one before is not looked at again
   * @param workloads of this node, from the same view
   * @param hosts this node's host interfaces ({@link
   *     io.sluice.actors.interfaces.HostEndpoints#byNic}), with their addresses
   */
  public NodePolicy update(
      Snapshot snapshot, Workloads workloads, SortedMap<String, Set<Ip>> hosts) {
    List<Diff.Change> changes = Diff.between(view, snapshot.resources());
    view = snapshot.resources();
    changes.forEach(this::note);
    Set<ResourceKey> touched = items.apply(changes, owners(workloads));
    for (ResourceKey key : touched) {
      items
          .find(key)
          .ifPresentOrElse(item -> sets.put(item, items.addresses(item)), () -> sets.remove(key));
    }
    HostMatch match = HostMatch.of(hostEndpoints.values(), hosts);
    locate(workloads, match, touched);
    changes.forEach(change -> judge(change, touched));
    boolean renewed = renew(touched);
    release(dismissed); // last, so that what moves from one endpoint to another stays
    dismissed.clear();
    current = result(match, renewed);
    return current;
  }

  private void note(Diff.Change change) {
    if (change.after() == null) {
      resources.remove(change.key());
    } else {
      resources.put(change.key(), change.after());
    }
    if (change.key().kind() == Kind.HOST_ENDPOINT) {
      hostEndpoints.remove(change.key());
      if (change.after() instanceof HostEndpoint endpoint && endpoint.node().equals(node)) {
        hostEndpoints.put(change.key(), endpoint);
      }
    }
    if (change.key().kind() == Kind.ENDPOINT_SLICE) {
      sets.slice((EndpointSlice) change.before(), (EndpointSlice) change.after());
    }
  }

  private static Map<Ip, ResourceKey> owners(Workloads workloads) {
    Map<Ip, ResourceKey> owners = new HashMap<>();
    workloads
        .byNic()
        .values()
        .forEach(w -> w.addresses().forEach(address -> owners.put(address, w.owner())));
    return owners;
  }

  /** Finds the local endpoints, and tells those that are new or labelled anew. */
  private void locate(Workloads workloads, HostMatch match, Set<ResourceKey> touched) {
    Map<String, Local> now = new TreeMap<>();
    toHost.match(match.general());
    workloads.byNic().forEach((nic, workload) -> now.put(nic, local(nic, workload.owner(), false)));
    match.byNic().forEach((nic, endpoint) -> now.put(nic, local(nic, endpoint.key(), true)));
    Set<ResourceKey> before = owners;
    Set<ResourceKey> after = new HashSet<>();
    now.values().forEach(local -> after.add(local.owner));
    toHost.owner().ifPresent(after::add);
    locals.forEach(
        (nic, local) -> {
          if (now.get(nic) != local) {
            dismissed.addAll(local.parts());
          }
        });
    locals = now;
    owners = after;
    before.stream().filter(owner -> !after.contains(owner)).forEach(book::remove);
    for (ResourceKey owner : after) {
      if (!before.contains(owner) || touched.contains(owner)) {
        items.find(owner).ifPresentOrElse(book::put, () -> book.remove(owner));
      }
    }
  }

  private Local local(String nic, ResourceKey owner, boolean host) {
    Local local = locals.get(nic);
    return local != null && local.owner.equals(owner) && local.host == host
        ? local
        : new Local(owner, host);
  }

  /** What a change means for the local endpoints' plans. */
  private void judge(Diff.Change change, Set<ResourceKey> touched) {
    Resource resource = change.after() == null ? change.before() : change.after();
    if (resource instanceof NetworkPolicy) {
      book.change(change, touched);
    } else if (resource instanceof Tier) {
      touched.addAll(owners);
    } else if (resource instanceof Profile) {
      book.change(change, touched);
      String name = change.key().name();
      for (ResourceKey owner : owners) {
        items
            .find(owner)
            .filter(item -> item.profiles().contains(name))
            .ifPresent(item -> touched.add(owner));
      }
    }
  }

  /** Whether any endpoint is made of other parts than before. */
  private boolean renew(Set<ResourceKey> touched) {
    boolean renewed = false;
    boolean ofHost = toHost.renew(touched, items, book);
    for (Local local : locals.values()) {
      local.stale |= ofHost && !local.host;
      if (local.stale || touched.contains(local.owner)) {
        Optional<Item> item = items.find(local.owner);
        renewed |= item.isPresent() && renew(local, item.get());
      }
    }
    return renewed;
  }

  private boolean renew(Local local, Item item) {
    Set<String> problems = new LinkedHashSet<>();
    List<Blueprint> blueprints =
        local.host ? book.host(item, problems) : book.workload(item, toHost.blueprint(), problems);
    if (blueprints.equals(local.blueprints)) {
      local.problems = List.copyOf(problems);
      local.stale = false;
      return false;
    }
    Optional<String> failure = acquire(parts(blueprints));
    if (failure.isPresent()) {
      // What is in the way may be this endpoint's own.
      release(local.parts());
      failure = acquire(parts(blueprints));
      acquire(failure.isPresent() ? local.parts() : Set.of());
      local.blueprints = failure.isPresent() ? local.blueprints : List.of();
    }
    if (failure.isPresent()) {
      problems.add(
          local.owner
              + ": "
              + failure.get()
              + (local.blueprints.isEmpty()
                  ? ": it is denied everything"
                  : ": its former policy stays in force"));
      local.problems = List.copyOf(problems);
      local.stale = true; // what is in the way may go with any change
      return false;
    }
    dismissed.addAll(local.parts());
    local.blueprints = blueprints;
    local.problems = List.copyOf(problems);
    local.stale = false;
    EndpointPolicy former = local.policy;
    EndpointPolicy fresh =
        new EndpointPolicy(
            local.owner,
            Optional.of(plans.plan(blueprints.get(0), former.in())),
            Optional.of(plans.plan(blueprints.get(1), former.out())),
            blueprints.stream()
                .skip(2)
                .findFirst()
                .map(blueprint -> plans.plan(blueprint, former.untracked())));
    if (!same(fresh, local.policy)) {
      local.policy = fresh;
    }
    return true;
  }

  private static Set<Compiled> parts(List<Blueprint> blueprints) {
    Set<Compiled> parts = new LinkedHashSet<>();
    blueprints.forEach(blueprint -> parts.addAll(blueprint.parts()));
    return parts;
  }

  private static boolean same(EndpointPolicy some, EndpointPolicy other) {
    return some.in().orElse(null) == other.in().orElse(null)
        && some.out().orElse(null) == other.out().orElse(null)
        && some.untracked().orElse(null) == other.untracked().orElse(null);
  }

  /** All of these, with their sets, are used once more; or none, and why not. */
  private Optional<String> acquire(Set<Compiled> parts) {
    List<Compiled> done = new ArrayList<>();
    for (Compiled part : parts) {
      Optional<String> failure = acquire(part);
      if (failure.isPresent()) {
        release(done);
        return failure;
      }
      done.add(part);
    }
    return Optional.empty();
  }

  private Optional<String> acquire(Compiled part) {
    if (uses.containsKey(part)) {
      uses.merge(part, 1, Integer::sum);
      return Optional.empty();
    }
    List<SetDefinition> done = new ArrayList<>();
    for (SetDefinition definition : part.sets()) {
      SetDefinition other = sets.collision(definition);
      if (other != null) {
        done.forEach(sets::release);
        return Optional.of(
            "%s: \"%s\" and \"%s\" have the same ID"
                .formatted(part.name(), definition.text(), other.text()));
      }
      sets.acquire(definition);
      done.add(definition);
    }
    uses.put(part, 1);
    return Optional.empty();
  }

  private void release(Iterable<Compiled> parts) {
    for (Compiled part : parts) {
      if (uses.merge(part, -1, Integer::sum) == 0) {
        uses.remove(part);
        part.sets().forEach(sets::release);
      }
    }
  }

  private NodePolicy result(HostMatch match, boolean renewed) {
    SortedMap<String, EndpointPolicy> byNic = new TreeMap<>();
    locals.forEach((nic, local) -> byNic.put(nic, local.policy));
    boolean same = !renewed && sameValues(byNic, current.byNic());
    SortedMap<Long, RuleName> rules = same ? current.rules() : rules();
    Set<String> problems = new TreeSet<>(match.problems());
    problems.addAll(toHost.problems());
    locals.values().forEach(local -> problems.addAll(local.problems));
    return new NodePolicy(
        same ? current.byNic() : byNic, sets.sets(), rules, List.copyOf(problems));
  }

  private static boolean sameValues(
      SortedMap<String, EndpointPolicy> some, SortedMap<String, EndpointPolicy> other) {
    return some.keySet().equals(other.keySet())
        && some.entrySet().stream()
            .allMatch(entry -> other.get(entry.getKey()) == entry.getValue());
  }

  /** The names of all that is used; what is not used any more is forgotten. */
  private SortedMap<Long, RuleName> rules() {
    Set<Blueprint> used = new HashSet<>();
    locals.values().forEach(local -> used.addAll(local.blueprints));
    plans.retain(used);
    book.retain(uses.keySet());
    SortedMap<Long, RuleName> names = new TreeMap<>();
    uses.keySet().forEach(part -> names.putAll(part.names()));
    used.forEach(blueprint -> names.putAll(plans.names(blueprint)));
    return Objects.equals(names, current.rules()) ? current.rules() : names;
  }
}
