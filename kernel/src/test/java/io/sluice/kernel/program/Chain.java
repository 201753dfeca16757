// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.asm.PolicyPrograms;
import io.sluice.kernel.bpf.BpfMap;
import io.sluice.kernel.bpf.BpfObject;
import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.bpf.PerCpuArray;
import io.sluice.kernel.bpf.ProgramArray;
import io.sluice.kernel.bpf.Programs;
import io.sluice.kernel.layout.Codec;
import io.sluice.kernel.layout.Counter;
import io.sluice.kernel.layout.Pkt;
import io.sluice.kernel.layout.Settings;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.layout.SluiceProg;
import io.sluice.kernel.layout.SluiceProgIndex;
import io.sluice.kernel.layout.SluiceReason;
import io.sluice.kernel.policy.Plan;
import io.sluice.kernel.policy.PolicyGenerator;
import io.sluice.kernel.policy.PolicyMap;
import io.sluice.kernel.policy.PolicyProgram;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * The programs of both hooks, loaded with maps of their own, which nobody else sees: what a loader
 * does, without pins and without interfaces.
 */
final class Chain implements AutoCloseable {
  /** Maps that are smaller here than by default, since tests empty them again and again. */
  private static final Map<String, Integer> ENTRIES =
      Map.of(
          "ct4",
          100_000,
          "ct6",
          100_000,
          "services",
          1024,
          "backends4",
          4096,
          "backends6",
          4096,
          "backend_gen",
          4096);

  static final int PSNAT_FIRST = 20_000;
  static final int PSNAT_LAST = 29_999;
  static final int HZ = 1000;
  static final int VXLAN_PORT = 4789;
  static final int HOOKS = SluiceHook.HOOK_COUNT;

  /** Maps that each hook has one of its own. */
  private static final Set<String> PER_HOOK = Set.of("progs", "policies");

  /** What the settings may differ in. */
  record Variant(boolean redirectPeer, boolean kernCtx, boolean dsr) {
    static final Variant USUAL = new Variant(true, true);

    Variant(boolean redirectPeer, boolean kernCtx) {
      this(redirectPeer, kernCtx, false);
    }
  }

  private final Variant variant;
  private final Map<String, Fd> maps = new HashMap<>();
  private final List<AutoCloseable> open = new ArrayList<>();
  private final Fd[] preambles = new Fd[HOOKS];
  private final ProgramArray[] progs = new ProgramArray[HOOKS];
  private final ProgramArray[] policies = new ProgramArray[HOOKS];
  private final PerCpuArray<Counter> counters;
  private final PerCpuArray<Pkt> packetState;

  Chain(Variant variant) {
    this.variant = variant;
    for (int hook = 0; hook < HOOKS; hook++) {
      preambles[hook] = loadPreamble(hook);
    }
    for (int hook = 0; hook < HOOKS; hook++) {
      for (int debug = 0; debug <= 1; debug++) {
        loadFamily(hook, debug, 4, SluiceProgIndex.PROG_FAMILY4);
        loadFamily(hook, debug, 6, SluiceProgIndex.PROG_FAMILY6);
      }
    }
    counters = keep(new PerCpuArray<>("counters", fd("counters"), Counter.codec()));
    packetState = keep(new PerCpuArray<>("pkt", fd("pkt"), Pkt.codec()));
  }

  static byte[] object(String name) {
    try (InputStream in = Chain.class.getResourceAsStream("/io/sluice/bpf/" + name + ".bpf.o")) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Settings settings(int hook, int debug) {
    return new Settings(
        hook,
        debug,
        HZ,
        variant.redirectPeer() ? 1 : 0,
        variant.kernCtx() ? 1 : 0,
        PSNAT_FIRST,
        PSNAT_LAST,
        variant.dsr() ? 1 : 0,
        VXLAN_PORT);
  }

  private static String mapKey(String map, int hook) {
    return PER_HOOK.contains(map) ? map + "_" + SluiceHook.name(hook) : map;
  }

  /** Opens an object, gives it the maps that are there already, and loads it. */
  private BpfObject load(String name, int hook, int debug) {
    BpfObject object = new BpfObject(name, object(name));
    if (!name.startsWith("ct_clean")) {
      Settings.codec().encode(settings(hook, debug), object.initialValue("settings"), 0);
    }
    for (String map : object.mapNames()) {
      Fd known = maps.get(mapKey(map, hook));
      if (known != null) {
        object.useMap(map, known);
      } else if (ENTRIES.containsKey(map)) {
        object.maxEntries(map, ENTRIES.get(map));
      }
    }
    object.load();
    for (String map : object.mapNames()) {
      maps.computeIfAbsent(mapKey(map, hook), key -> object.mapFd(map));
    }
    return object;
  }

  private Fd loadPreamble(int hook) {
    try (BpfObject object = load("preamble4", hook, 0)) {
      progs[hook] = keep(new ProgramArray("progs", fd(mapKey("progs", hook))));
      policies[hook] = keep(new ProgramArray("policies", fd(mapKey("policies", hook))));
      return keep(object.programFd("preamble"));
    }
  }

  private void loadFamily(int hook, int debug, int family, int base) {
    try (BpfObject object = load("tc" + family, hook, debug)) {
      for (int prog = 0; prog < SluiceProg.PROG_PER_FAMILY; prog++) {
        try (Fd program = object.programFd("prog_" + SluiceProg.name(prog))) {
          progs[hook].set(base + prog + debug * SluiceProgIndex.PROG_DEBUG, program);
        }
      }
    }
  }

  private <T extends AutoCloseable> T keep(T resource) {
    open.add(resource);
    return resource;
  }

  /** A descriptor of a map, the caller's. */
  private Fd fd(String map) {
    return maps.get(map).duplicate();
  }

  <K, V> BpfMap<K, V> map(String name, Codec<K> key, Codec<V> value) {
    return keep(new BpfMap<>(name, fd(name), key, value));
  }

  /** Loads another object that shares these maps; the caller closes it. */
  BpfObject loadAlong(String name) {
    return load(name, SluiceHook.HOOK_IN, 0);
  }

  /** The program that is attached to interfaces. */
  Fd preamble(int hook) {
    return preambles[hook];
  }

  ProgramArray progs(int hook) {
    return progs[hook];
  }

  ProgramArray policies(int hook) {
    return policies[hook];
  }

  Fd mapFd(String name) {
    return maps.get(name);
  }

  /**
   * Puts a policy program into a slot.
   *
   * @param more maps that it references beyond the generic array, from index 1
   */
  void setPolicy(int hook, int slot, byte[] program, Fd... more) {
    List<Fd> used = new ArrayList<>(List.of(progs[hook].fd()));
    used.addAll(List.of(more));
    try (Fd loaded = Programs.load(Programs.SCHED_CLS, "policy", program, used)) {
      policies[hook].set(slot, loaded);
    }
  }

  /** Puts what a plan gives into a slot; it must be of one piece. */
  void setPolicy(int hook, int slot, Plan plan) {
    PolicyProgram program = PolicyGenerator.generate(plan);
    assertThat(program.pieces()).hasSize(1);
    Fd[] more =
        Arrays.stream(PolicyMap.values())
            .skip(1)
            .map(map -> maps.get(mapKey(map.mapName(), hook)))
            .toArray(Fd[]::new);
    setPolicy(hook, slot, program.linked(0, piece -> slot), more);
  }

  void allowAll(int hook, int slot) {
    setPolicy(hook, slot, PolicyPrograms.allowAll());
  }

  void denyAll(int hook, int slot) {
    setPolicy(hook, slot, PolicyPrograms.denyAll());
  }

  /** Packets so far by reason, at a hook; only reasons that were counted. */
  Map<Integer, Long> counted(int hook) {
    Map<Integer, Long> packets = new TreeMap<>();
    for (int reason = 0; reason < SluiceReason.REASON_COUNT; reason++) {
      long sum = 0;
      for (Counter counter : counters.get(hook * SluiceReason.REASON_COUNT + reason)) {
        sum += counter.packets();
      }
      if (sum != 0) {
        packets.put(reason, sum);
      }
    }
    return packets;
  }

  /** What sub-programs last told each other, on the CPU that did so last; the others are zeroed. */
  void clearPacketState() {
    int cpus = PerCpuArray.possibleCpus();
    Pkt none = Pkt.codec().decode(java.nio.ByteBuffer.allocate(Pkt.SIZE), 0);
    packetState.set(0, java.util.Collections.nCopies(cpus, none));
  }

  /** What sub-programs told each other since {@link #clearPacketState}. */
  Pkt packetState() {
    return packetState.get(0).stream()
        .filter(p -> p.l4Offset() != 0)
        .findFirst()
        .orElseThrow(() -> new AssertionError("no packet left the fast path"));
  }

  @Override
  public void close() {
    for (AutoCloseable resource : open) {
      try {
        resource.close();
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }
    maps.values().forEach(Fd::close);
  }
}
