// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.actors.interfaces.InterfaceHost.Slots;
import io.sluice.kernel.bpf.KernelException;
import io.sluice.kernel.bpf.TypedMap;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.IpSetKey;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.policy.Plan;
import io.sluice.kernel.policy.PolicyGenerator;
import io.sluice.kernel.policy.PolicyProgram;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * Brings the kernel to what a node enforces, in rounds of one order (POL-2): sets and members that
 * are new, members that are none any more, programs, and at last what no program uses any more.
 *
 * <p>It believes what it has read and written; whoever sees a round fail makes another one, which
 * reads anew. What is right already is not written: sets are compared by key, programs by name.
 * Blocks; for one thread at a time.
 */
final class Installer {
  static final String NO_POLICY = "it has no policy any more";

  /** XDP's array, as if it were a hook. Its slots are those of host-ingress. */
  private static final int XDP = SluiceHook.HOOK_COUNT;

  private static final int[] HOOKS = {SluiceHook.HOOK_IN, SluiceHook.HOOK_OUT, XDP};

  private final Dataplane dataplane;
  private final Function<Plan, PolicyProgram> generator;
  private final SetTables sets;
  private final Set<Long> rules;
  private final Map<Integer, Map<Integer, Installed>> programs = new HashMap<>();
  private final Map<Place, Failure> failed = new HashMap<>();
  private final Totals totals;

  /** A slot of a hook. */
  private record Place(int hook, int slot) {}

  /**
   * A program in a slot.
   *
   * @param plan that it was made of; null: nobody has asked for it since the agent's start
   */
  private record Installed(String name, Plan plan, References uses) {}

  private record Failure(Plan plan, String message) {}

  /** What is counted over the life of an agent. */
  static final class Totals {
    private long loads;
    private long failures;
    private long generateNanos;
    private long loadNanos;
  }

  /** Reads what is there. */
  Installer(Dataplane dataplane, Function<Plan, PolicyProgram> generator, Totals totals) {
    this.dataplane = dataplane;
    this.generator = generator;
    this.totals = totals;
    Map<Family, TypedMap<IpSetKey, Integer>> maps = new EnumMap<>(Family.class);
    for (Family family : Family.values()) {
      maps.put(family, dataplane.ipSets(family));
    }
    sets = new SetTables(maps);
    rules = new HashSet<>(dataplane.ruleHits().keys());
    for (int hook : HOOKS) {
      Map<Integer, Installed> there = new HashMap<>();
      policies(hook).forEach((slot, name) -> there.put(slot, unknown(name)));
      programs.put(hook, there);
    }
  }

  private Map<Integer, String> policies(int hook) {
    return hook == XDP ? dataplane.untracked().policies() : dataplane.policies(hook);
  }

  private void set(Place place, PolicyProgram program) {
    if (place.hook() == XDP) {
      dataplane.untracked().set(place.slot(), program);
    } else {
      dataplane.setPolicy(place.hook(), place.slot(), program);
    }
  }

  private static Installed unknown(String name) {
    return new Installed(name, null, new References(Set.of(), Set.of()));
  }

  /**
   * One round.
   *
   * @param slots of the interfaces that are set up; 0: none
   * @param retry whether what has failed before is tried again, though it is the same
   */
  Outcome apply(NodePolicy wanted, Map<String, Slots> slots, boolean retry) {
    if (retry) {
      failed.clear();
    }
    Set<Long> changedSets = new HashSet<>();
    Map<Long, String> refused = sets.add(wanted.sets().values(), changedSets);
    sets.trim();
    List<String> problems = new ArrayList<>(new TreeSet<>(refused.values()));
    count(wanted, problems);
    Programs round = new Programs(wanted, slots, refused);
    round.load();
    boolean freed = sweep(wanted, slots);
    return new Outcome(
        round.inForce,
        round.failures,
        problems,
        round.changed(changedSets),
        figures(),
        freed && !refused.isEmpty());
  }

  /** Elements for hits are there before the programs that count in them. */
  private void count(NodePolicy wanted, List<String> problems) {
    Set<Long> added = new TreeSet<>(wanted.rules().keySet());
    added.removeAll(rules);
    if (added.isEmpty()) {
      return;
    }
    try {
      dataplane.ruleHits().add(added);
      rules.addAll(added);
    } catch (KernelException e) {
      problems.add("hits of some rules are not counted: " + e.getMessage());
      rules.clear();
      rules.addAll(dataplane.ruleHits().keys());
    }
  }

  /** The programs of a round. */
  private final class Programs {
    private final NodePolicy wanted;
    private final Map<String, Slots> slots;
    private final Map<Long, String> refused;
    private final Map<Plan, PolicyProgram> made = new IdentityHashMap<>();
    private final Set<String> inForce = new TreeSet<>();
    private final Map<String, String> failures = new TreeMap<>();
    private final Set<String> swapped = new TreeSet<>();

    Programs(NodePolicy wanted, Map<String, Slots> slots, Map<Long, String> refused) {
      this.wanted = wanted;
      this.slots = slots;
      this.refused = refused;
    }

    void load() {
      new TreeMap<>(slots)
          .forEach(
              (nic, its) -> {
                EndpointPolicy policy = wanted.byNic().get(nic);
                if (policy != null) {
                  Optional<String> in = load(nic, SluiceHook.HOOK_IN, its.in(), policy.in());
                  Optional<String> out = load(nic, SluiceHook.HOOK_OUT, its.out(), policy.out());
                  Optional<String> xdp = load(nic, XDP, its.in(), policy.untracked());
                  in.or(() -> out)
                      .or(() -> xdp)
                      .ifPresentOrElse(line -> failures.put(nic, line), () -> inForce.add(nic));
                }
              });
    }

    /**
     * A slot whose interface has nothing to enforce there keeps its program until it is cleared.
     */
    private Optional<String> load(String nic, int hook, int slot, Optional<Plan> wish) {
      Installed there = programs.get(hook).get(slot);
      if (hook == XDP && wish.isEmpty()) {
        if (there != null) {
          clear(new Place(XDP, slot)); // XDP then says nothing of packets
        }
        return Optional.empty();
      }
      if (slot == 0 || wish.isEmpty()) {
        // An element that named a slot without a program would have everything dropped.
        return slot == 0 || there != null ? Optional.empty() : Optional.of(NO_POLICY);
      }
      Plan plan = wish.get();
      Place place = new Place(hook, slot);
      if (there != null && there.plan() == plan) {
        return Optional.empty();
      }
      Failure before = failed.get(place);
      if (before != null && before.plan() == plan) {
        return Optional.of(before.message());
      }
      References uses = References.of(plan);
      Optional<String> blocked =
          uses.sets().stream().filter(refused::containsKey).findFirst().map(refused::get);
      if (blocked.isPresent()) {
        return blocked;
      }
      try {
        swap(nic, place, there, plan, uses);
        failed.remove(place);
        return Optional.empty();
      } catch (RuntimeException e) {
        totals.failures++;
        String message = e.getMessage() == null ? e.toString() : e.getMessage();
        failed.put(place, new Failure(plan, message));
        return Optional.of(message);
      }
    }

    private void swap(String nic, Place place, Installed there, Plan plan, References uses) {
      PolicyProgram program = made.get(plan);
      if (program == null) {
        long start = System.nanoTime();
        program =
            place.hook() == XDP ? PolicyGenerator.generateUntracked(plan) : generator.apply(plan);
        totals.generateNanos += System.nanoTime() - start;
        made.put(plan, program);
      }
      if (there == null || !there.name().equals(program.name())) {
        long start = System.nanoTime();
        set(place, program);
        totals.loadNanos += System.nanoTime() - start;
        totals.loads++;
        if (there != null) {
          swapped.add(nic);
        }
      }
      programs.get(place.hook()).put(place.slot(), new Installed(program.name(), plan, uses));
    }

    Set<String> changed(Set<Long> changedSets) {
      Set<String> changed = new TreeSet<>(swapped);
      if (!changedSets.isEmpty()) {
        slots.forEach(
            (nic, its) -> {
              if (looksIn(SluiceHook.HOOK_IN, its.in(), changedSets)
                  || looksIn(XDP, its.in(), changedSets)
                  || looksIn(SluiceHook.HOOK_OUT, its.out(), changedSets)) {
                changed.add(nic);
              }
            });
      }
      return changed;
    }

    private boolean looksIn(int hook, int slot, Set<Long> changedSets) {
      Installed there = programs.get(hook).get(slot);
      return there != null && there.uses().sets().stream().anyMatch(changedSets::contains);
    }
  }

  /**
   * Removes sets and hits that neither what is wanted nor any program uses. As long as there is a
   * program that nobody has asked for since the agent's start, nobody knows what that one uses.
   *
   * @return whether sets were removed
   */
  private boolean sweep(NodePolicy wanted, Map<String, Slots> slots) {
    clearUnreachable(slots);
    Set<Long> neededSets = new HashSet<>(wanted.sets().keySet());
    Set<Long> neededRules = new HashSet<>(wanted.rules().keySet());
    for (Map<Integer, Installed> ofHook : programs.values()) {
      for (Installed there : ofHook.values()) {
        if (there.plan() == null) {
          return false;
        }
        neededSets.addAll(there.uses().sets());
        neededRules.addAll(there.uses().rules());
      }
    }
    Set<Long> obsolete = new TreeSet<>(rules);
    obsolete.removeAll(neededRules);
    if (!obsolete.isEmpty()) {
      dataplane.ruleHits().remove(obsolete);
      rules.removeAll(obsolete);
    }
    return sets.drop(neededSets);
  }

  /** A program of an agent before this one, in a slot that no interface has. */
  private void clearUnreachable(Map<String, Slots> slots) {
    Set<Place> strays = new HashSet<>();
    programs.forEach(
        (hook, ofHook) ->
            ofHook.forEach(
                (slot, there) -> {
                  if (there.plan() == null) {
                    strays.add(new Place(hook, slot));
                  }
                }));
    if (strays.isEmpty()) {
      return;
    }
    slots
        .values()
        .forEach(
            its -> {
              strays.remove(new Place(SluiceHook.HOOK_IN, its.in()));
              strays.remove(new Place(XDP, its.in()));
              strays.remove(new Place(SluiceHook.HOOK_OUT, its.out()));
            });
    dataplane
        .ifaces()
        .forEach(
            (index, iface) -> {
              strays.remove(new Place(SluiceHook.HOOK_IN, iface.policySlot0()));
              strays.remove(new Place(XDP, iface.policySlot0()));
              strays.remove(new Place(SluiceHook.HOOK_OUT, iface.policySlot1()));
            });
    strays.forEach(this::clear);
  }

  /** Empties slots: what still enters them is dropped. */
  void clear(Slots slots) {
    clear(new Place(SluiceHook.HOOK_IN, slots.in()));
    if (programs.get(XDP).containsKey(slots.in())) {
      clear(new Place(XDP, slots.in()));
    }
    clear(new Place(SluiceHook.HOOK_OUT, slots.out()));
  }

  private void clear(Place place) {
    if (place.slot() != 0) {
      if (place.hook() == XDP) {
        dataplane.untracked().clear(place.slot());
      } else {
        dataplane.clearPolicy(place.hook(), place.slot());
      }
      programs.get(place.hook()).remove(place.slot());
      failed.remove(place);
    }
  }

  private PolicyFigures figures() {
    return new PolicyFigures(
        programs.values().stream().mapToInt(Map::size).sum(),
        totals.loads,
        totals.failures,
        totals.generateNanos,
        totals.loadNanos,
        sets.count(),
        sets.members(),
        rules.size());
  }
}
